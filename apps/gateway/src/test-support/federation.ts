// Scripted servers on both sides of a gateway: which are there, the pairs between them, and the configuration of a gateway that stands between.
import type { GatewayAssignment, PolicySpec, ZoneSpec } from '@dialtone/contracts'
import { freePort, loopbackAddress, type Place } from '@dialtone/testkit'
import { Arrivals, type SentPair } from './arrivals.ts'
import { scriptedServer, type ScriptedServer } from './scripted-server.ts'

/** Where a gateway listens for each side. */
export type Door = { life: number, outside: Place, inside: Place }
export type Scripted = {
  arrivals: Arrivals
  outside: readonly ScriptedServer[]
  inside: readonly ScriptedServer[]
  all: readonly ScriptedServer[]
  /** Of ours and a peer. */
  pairs: readonly { ours: string, peer: string }[]
  start: () => Promise<void>
  stop: () => void
  assignment: (door: Door, change?: Change) => GatewayAssignment
}
export type Change = { revision?: number, desired?: 'running' | 'draining' | 'stopped', policies?: Record<string, PolicySpec>, peers?: Record<string, 'enabled' | 'held' | 'draining' | 'blocked'>, secret?: `file:${string}` | `env:${string}`, gateway?: string }

const OUTSIDE = [['alpha.example', 'beta.example'], ['gamma.example'], ['delta.example']]
const INSIDE = [['one.inside.example'], ['two.inside.example']]
/** Those that acknowledge (XEP-0198), of each side. */
const ACKNOWLEDGES = [true, false, true]

/** `door`: the gateway that a server finds at this moment; `authority`: the one that it asks about keys. */
export async function scriptedFederation (door: () => Door, authority: () => Door = door): Promise<Scripted> {
  const arrivals = new Arrivals()
  const [peers, ours] = [OUTSIDE.flat(), INSIDE.flat()]
  const make = (side: 'outside' | 'inside', domains: readonly (readonly string[])[], others: readonly string[]) => Promise.all(domains.map(async (own, number) => {
    const address = loopbackAddress()
    const pairs: SentPair[] = own.flatMap(from => others.map(to => ({ from, to })))
    return scriptedServer({ place: { address, port: await freePort(address) }, domains: own, pairs, arrivals, acknowledges: ACKNOWLEDGES[number] ?? false, gateway: () => ({ place: door()[side], life: door().life }), authority: () => authority()[side] })
  }))
  const [outside, inside] = [await make('outside', OUTSIDE, ours), await make('inside', INSIDE, peers)]
  const all = [...outside, ...inside]
  const endpoints = (servers: readonly ScriptedServer[]) => servers.flatMap(({ domains, place: { address: host, port } }) => domains.map((domain): [string, { host: string, port: number }[]] => [domain, [{ host, port }]]))
  return {
    arrivals, outside, inside, all,
    pairs: ours.flatMap(our => peers.map(peer => ({ ours: our, peer }))),
    start: async () => { await Promise.all(all.map(each => each.start())) },
    stop: () => { for (const each of all) each.stop('killed') },
    assignment: (at, { revision = 1, desired = 'running', policies = {}, peers: wanted = {}, secret = 'file:/secret', gateway = 'edge' } = {}) => {
      const plain: Partial<ZoneSpec> = { tls: 'none', dialback: 'always', resolver: { address: '127.0.0.1', port: 9 }, allowNets: ['127.0.0.0/8'] }
      return {
        v: 1, revision, gateway, routes: {}, policies,
        spec: {
          desired, drainSeconds: 1, secret, peers: wanted,
          zones: [
            { name: 'world', side: 'external', listen: [at.outside], ...plain },
            { name: 'office', side: 'internal', listen: [at.inside], domains: ours, ...plain },
          ],
          limits: { connections: 10_000, connectionsPerAddress: 10_000, acceptsPerSecond: 100_000 },
        },
        domains: Object.fromEntries(endpoints(inside).map(([domain, internal]) => [domain, { internal }])),
        peers: Object.fromEntries(endpoints(outside).map(([domain, places]) => [domain, { endpoints: places }])),
      }
    },
  }
}

/** A place of its own on the loopback for each side. */
export async function doorOf (life: number): Promise<Door> {
  const [outside, inside] = [loopbackAddress(), loopbackAddress()]
  return { life, outside: { address: outside, port: await freePort(outside) }, inside: { address: inside, port: await freePort(inside) } }
}
