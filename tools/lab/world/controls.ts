// What can be done to the world, for breaks. Whatever is done can be undone by what it gives, and two may be done at once.
import { nft, type Network, type NetworkHost } from '@dialtone/testkit'
import type { Firewall } from './firewall.ts'
import type { Names } from './names.ts'
import type { WorldHost } from './places.ts'
import type { Servers } from './servers.ts'

export type Undo = () => Promise<void>

export type Controls = {
  network: Network
  at: (name: WorldHost) => NetworkHost
  firewall: Firewall
  names: Names
  servers: Servers
  /** Rules of a packet filter on a host, beside its own, by what it receives, sends or forwards. `sets`: what they refer to. */
  filter: (host: WorldHost, rules: Partial<Record<'input' | 'output' | 'forward', readonly string[]>>, sets?: readonly string[]) => Undo
  /** Leads what the inside network sends to a server's port 5269 to a port of the firewall. What the gateway sends goes on. */
  leadAside: (server: string, port: number) => Undo
  /** Waits until nobody remembers other names, and ends every stream between servers, on both sides: who did not see the change sees it now. Checks go on. */
  settle: () => Promise<void>
}

/** Whose checks are under way: cut off, they would tell of somebody on the way who cuts streams. */
const LOOKERS: readonly WorldHost[] = ['inside', 'amsterdam', 'frankfurt']
/** As many as a filter may name. */
const PORTS_SPARED = 100
/** Servers and what stands between them: every host that may hold a stream. */
const SPEAKERS: readonly WorldHost[] = ['ours', 'second', 'edge', 'gmail', 'gtls', 'webex', 'plain', 'six', 'bad']

export function controlsOf (network: Network, { firewall, names, servers }: Pick<Controls, 'firewall' | 'names' | 'servers'>): Controls {
  let tables = 0
  const at = (name: WorldHost): NetworkHost => network.host(name)
  const addTable = (host: WorldHost, body: string): Undo => {
    const table = `break${tables++}`
    nft(at(host).namespace, `table inet ${table} {\n${body}}\n`)
    let lifted = false
    return async () => {
      if (!lifted) nft(at(host).namespace, `delete table inet ${table}\n`)
      lifted = true
    }
  }
  return {
    network, at, firewall, names, servers,
    filter: (host, rules, sets = []) => {
      const chains = Object.entries(rules).map(([hook, lines]) => `  chain ${hook} {\n    type filter hook ${hook} priority filter - 1\n${lines.map(line => `    ${line}\n`).join('')}  }\n`)
      return addTable(host, `${sets.map(set => `  ${set}\n`).join('')}${chains.join('')}`)
    },
    leadAside: (server, port) => addTable('firewall', `  chain prerouting {
    type nat hook prerouting priority dstnat - 1
    ip saddr 10.10.0.0/16 ip daddr ${server} tcp dport 5269 redirect to :${port}
  }
`),
    settle: async () => {
      await names.forgotten()
      const ports = (await Promise.all(LOOKERS.map(async name => portsOf((await at(name).run('ss', ['-Htna', '( dport = 5269 or dport = 5270 )'])).stdout)))).flat()
      const not = [...new Set(ports)].slice(0, PORTS_SPARED).map(port => ` and dport != ${port}`).join('')
      await Promise.all(SPEAKERS.map(async name => await at(name).run('ss', ['-Kt', `( sport = 5269 or dport = 5269 or sport = 5270 or dport = 5270 )${not}`])))
    },
  }
}

/** The local ports of what `ss -Htna` lists. Address translation keeps them. */
function portsOf (listed: string): string[] {
  return listed.split('\n').flatMap(line => /^(?:\S+\s+){3}\S+:(\d+)\s/.exec(line)?.[1] ?? [])
}
