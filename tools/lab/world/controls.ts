// What can be done to the world, for breaks. Whatever is done can be undone by what it gives, and two may be done at once.
import { nft, type Network, type NetworkHost } from '@dialtone/testkit'
import { setTimeout as pause } from 'node:timers/promises'
import type { Firewall } from './firewall.ts'
import { RESOLVERS_KEEP_S, type Names } from './names.ts'
import type { WorldHost } from './places.ts'
import type { Servers } from './servers.ts'

export type Undo = () => Promise<void>

export type Controls = {
  network: Network
  at: (name: WorldHost) => NetworkHost
  firewall: Firewall
  names: Names
  servers: Servers
  /** Rules of a packet filter on a host, beside its own. `chain` is where: what it receives, sends or forwards. */
  filter: (host: WorldHost, chain: 'input' | 'output' | 'forward', rules: readonly string[]) => Undo
  /** Ends every stream between servers, on both sides, and lets what resolvers and servers remember pass: who did not see the change sees it now. */
  settle: () => Promise<void>
}

/** Servers and what stands between them: every host that may hold a stream. */
const SPEAKERS: readonly WorldHost[] = ['ours', 'second', 'edge', 'gmail', 'webex', 'plain', 'six', 'bad']
/** Servers' own resolvers forget within a second of theirs. */
const SETTLE_MS = 1000 * RESOLVERS_KEEP_S + 200

export function controlsOf (network: Network, { firewall, names, servers }: Pick<Controls, 'firewall' | 'names' | 'servers'>): Controls {
  let tables = 0
  const at = (name: WorldHost): NetworkHost => network.host(name)
  return {
    network, at, firewall, names, servers,
    filter: (host, chain, rules) => {
      const table = `break${tables++}`
      nft(at(host).namespace, `table inet ${table} {\n  chain ${chain} {\n    type filter hook ${chain} priority filter - 1\n${rules.map(rule => `    ${rule}\n`).join('')}  }\n}\n`)
      let lifted = false
      return async () => {
        if (!lifted) nft(at(host).namespace, `delete table inet ${table}\n`)
        lifted = true
      }
    },
    settle: async () => {
      await pause(SETTLE_MS)
      await Promise.all(SPEAKERS.map(async name => await at(name).run('ss', ['-Kt', '( sport = 5269 or dport = 5269 or sport = 5270 or dport = 5270 )'])))
    },
  }
}
