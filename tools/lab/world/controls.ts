// What can be done to the world, for breaks. Whatever is done can be undone by what it gives.
import { isIPv6 } from 'node:net'
import { nft, type Network, type NetworkHost } from '@dialtone/testkit'
import type { Firewall } from './firewall.ts'
import type { Names } from './names.ts'
import { AT, PUBLIC, type WorldHost } from './places.ts'
import type { Servers } from './servers.ts'
import type { Undo } from './undo.ts'

export type Controls = {
  at: (name: WorldHost) => NetworkHost
  firewall: Firewall
  names: Names
  servers: Servers
  /** Rules of a packet filter on a host, beside its own, by what it receives, sends or forwards. `sets`: what they refer to. */
  filter: (host: WorldHost, rules: Partial<Record<'input' | 'output' | 'forward', readonly string[]>>, sets?: readonly string[]) => Undo
  /** Leads what the inside network sends to a server's port 5269 to a port of the firewall. What the gateway sends goes on. */
  leadAside: (server: string, port: number) => Undo
  /** Waits until nobody remembers other names, and ends every stream that a server began, on both sides: who did not see the change sees it now. Checks go on. */
  settle: () => Promise<void>
}

/** Hosts whose servers begin streams, the gateway among them. Those of `odd` are over with their answer. */
const SPEAKERS: readonly WorldHost[] = ['ours', 'second', 'edge', 'gateway', 'gmail', 'gtls', 'webex', 'plain', 'six', 'bad']
/** Where agents answer for domains of their own: who calls there answers a check. */
const LOOKERS = [AT.inside, PUBLIC.agent, AT.amsterdam, AT.frankfurt, AT.amsterdam6, AT.frankfurt6]
const NOT_LOOKERS = LOOKERS.map(address => ` and not dst ${isIPv6(address) ? `[${address}]` : address}`).join('')
/** The kernel takes 64 KiB of filter, some thousand ports; with more, ss reads its list elsewhere, ends nothing and does not say so. */
const PORTS_A_FILTER = 100

/** Of a network whose parts have been started. */
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
    at, firewall, names, servers,
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
      // What servers began, by its ports, and not all but what agents began: a check that begins between the list and the end would be cut, and tell of somebody on the way who cuts streams.
      const ports = new Set((await Promise.all(SPEAKERS.map(async name => portsOf(await ss(at(name), '-Htn', `( dport = 5269 or dport = 5270 )${NOT_LOOKERS}`))))).flat())
      const filters = chunks([...ports]).map(some => `( ${some.map(port => `sport = ${port} or dport = ${port}`).join(' or ')} )${NOT_LOOKERS}`)
      await Promise.all(SPEAKERS.flatMap(name => filters.map(async filter => await ss(at(name), '-Kt', filter))))
    },
  }
}

async function ss (host: NetworkHost, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await host.run('ss', args)
  if (code !== 0) throw new Error(`ss ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** The local ports of what `ss -Htn` lists. Address translation keeps them. */
function portsOf (listed: string): string[] {
  return listed.split('\n').flatMap(line => /^(?:\S+\s+){3}\S+:(\d+)\s/.exec(line)?.[1] ?? [])
}

function chunks (ports: readonly string[]): string[][] {
  return [...Map.groupBy(ports.map((port, index) => ({ port, chunk: Math.floor(index / PORTS_A_FILTER) })), ({ chunk }) => chunk).values()].map(some => some.map(({ port }) => port))
}
