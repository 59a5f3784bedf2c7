// What an operator would apply for the lab's network, with intervals that suit it: what is 60 seconds in operation is two here.
import { join } from 'node:path'
import type { Kind, ScheduleSpec, VantageSpec } from '@dialtone/contracts'
import { EDGE, OURS, PEERS, type FleetName, type World } from '../seams.ts'
import { gatewaySpec } from './gateway-spec.ts'

export const VANTAGES = ['inside', 'amsterdam', 'frankfurt'] as const
type Vantage = (typeof VANTAGES)[number]
export type Given = { kind: Kind, name: string, spec: unknown }

/** Of EDGE alone: both offer TLS, which the gateway demands of peers. */
export const EDGE_PEERS: readonly string[] = ['gtls.test', 'six.test']

/**
 * Thirty times as fast as in operation, as alerts are (TIME_SCALE): what must last for so many checks before somebody is told must do so here. Deep checks are made more often
 * still, and a peer that refuses is asked again after five seconds instead of ten: half an hour would be a minute a row.
 */
const SCHEDULE: ScheduleSpec = { lightEverySeconds: 2, failingEverySeconds: 1, deepEverySeconds: 15, confirmations: 2, retryWindowSeconds: 5 }
/** Of the domains that are broken for good: they are many, and nothing of them changes. */
const STANDING: ScheduleSpec = { lightEverySeconds: 12, failingEverySeconds: 12, deepEverySeconds: 30, confirmations: 2, retryWindowSeconds: 20 }

/** Servers that speak TLS to nobody, as the profile of those days expects. */
const CLEAR: ReadonlySet<string> = new Set(['gmail.test', 'plain.test'])

const DAY_MS = 86_400_000
/** Stages that take longer are slow: far above what a busy machine makes of a healthy one. */
const SLOW_MS = 1500

/** `folder` holds `secret`, `probe.secret`, `root.pem`, a certificate and key for each vantage, and the files of the gateway. `standing`: whether the domains that are broken for good are peers, too. */
export function resourcesOf (world: World, fleet: FleetName, folder: string, { standing }: { standing: boolean }): Given[] {
  const shared = fleet === 'shared'
  const nets = [...world.inside.nets]
  return [
    { kind: 'Schedule', name: 'default', spec: SCHEDULE },
    { kind: 'Schedule', name: 'standing', spec: STANDING },
    ...VANTAGES.map((name): Given => ({ kind: 'Vantage', name, spec: vantage(world, name, folder, { listens: !shared }) })),
    {
      kind: 'Domain', name: OURS, spec: {
        expectedAddresses: [...world.publicAddresses], internal: [{ host: world.inside.ours, port: 5269 }], allowNets: nets, slowStageMs: SLOW_MS,
        ...(shared ? { secret: `file:${join(folder, 'secret')}`, secretOf: 'prosody' } : {}),
      },
    },
    { kind: 'Domain', name: EDGE, spec: { expectedAddresses: [world.gateway.outside], internal: [{ host: world.inside.edge, port: 5269 }], allowNets: nets, slowStageMs: SLOW_MS } },
    ...PEERS.map((name): Given => ({ kind: 'Peer', name, spec: { ours: [OURS, ...(EDGE_PEERS.includes(name) ? [EDGE] : [])], slowStageMs: SLOW_MS, ...(CLEAR.has(name) ? { profile: 'googletalk' } : {}) } })),
    ...(standing ? world.standing.map(({ domain }): Given => ({ kind: 'Peer', name: domain, spec: { ours: [OURS], schedule: 'standing', slowStageMs: SLOW_MS } })) : []),
    {
      kind: 'Exception', name: 'webex-certificate', spec: {
        effect: 'accept', domain: OURS, peer: 'webex.test', causes: ['auth.external-refused'], until: new Date(Date.now() + DAY_MS).toISOString(), reason: 'It insists on a certificate, and no agent has that of our server.',
      },
    },
    ...(shared ? [{ kind: 'Gateway', name: 'edge', spec: gatewaySpec(world, folder) } satisfies Given] : []),
  ]
}

/** `listens`: it answers dialback for a domain of its own. Only one fleet can, for the port is one. */
function vantage (world: World, name: Vantage, folder: string, { listens }: { listens: boolean }): VantageSpec {
  const side = name === 'inside' ? 'inside' : 'outside'
  const { addresses, address } = world.host(name)
  const families = addresses.some(each => each.includes(':')) ? [4, 6] as const : [4] as const
  const probe = world.probes[name]
  const file = (what: string): string => `file:${join(folder, what)}`
  return {
    side, network: name, families: [...families], resolver: { address: world.resolver[side], port: 53 }, controlName: CONTROL_NAME, connectionsPerTargetPerHour: 100_000,
    anchors: { system: false, given: [file('root.pem')] }, timeoutsMs: { dns: 1500, tcp: 5000, stream: 5000, tls: 5000, close: 500, answer: 20_000 },
    ...(side === 'inside' ? { sharesResolverWith: [OURS], allowNets: [...world.inside.nets] } : {}),
    ...(listens ? { probeDomain: { domain: probe.domain, secret: file('probe.secret'), listen: [{ address, port: 5269 }], publicAddresses: [probe.address], certificate: file(`${name}.crt`), key: file(`${name}.key`) } } : {}),
  }
}

/** A name that is well whatever is broken of ours: it tells a dead resolver from a dead zone. */
const CONTROL_NAME = 'plain.test'
