// Listeners under test: a world of one external and one internal zone over loopback, a core that keeps what it was given, and authoritative servers that say what the test wants.
import type { GatewayEvent, Refusal, ZoneSpec } from '@dialtone/contracts'
import { NO_LOGGER, type Labels, type Metric } from '@dialtone/kernel'
import { DIGEST, RANDOM, createResolver } from '@dialtone/net'
import type { Decision, LegRules } from '@dialtone/routing'
import { keysOf, type DialbackAnswer, type Pair } from '@dialtone/stream'
import { certificateFor, trustedRoot } from '@dialtone/zoo'
import { afterEach, onTestFailed } from 'vitest'
import type { KeyPair, OutStream, Source, Verify, World, Zone } from '../../seams.ts'
import type { InboundHooks } from '../hooks.ts'
import { startInbound, type Inbound, type InboundOptions } from '../inbound.ts'

export const OURS = 'ours.example'
export const SECOND = 'second-ours.example'
export const PEER = 'partner.example'
export const STRANGER = 'stranger.example'
/** One secret for each zone (row D5, I8). */
export const KEYS = { outside: keysOf('the secret of the outside', DIGEST), inside: keysOf('the secret of the inside', DIGEST) }

const cleanUp: (() => unknown)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

/** Ended after the test, last begun first. */
export function after (clean: () => unknown): void {
  cleanUp.push(clean)
}

export const OUTSIDE_LEG: LegRules = { tls: 'required', minTls: '1.2', certificate: 'any', pins: [], dialback: 'over-tls', external: true, withoutDialback: true, bidi: false, streamManagement: false }
export const INSIDE_LEG: LegRules = { ...OUTSIDE_LEG, tls: 'optional', dialback: 'always' }

export type WorldGiven = {
  outside?: Partial<ZoneSpec>
  inside?: Partial<ZoneSpec>
  leg?: Partial<LegRules>
  insideLeg?: Partial<LegRules>
  limits?: NonNullable<World['assignment']['spec']['limits']>
  pair?: Partial<Decision['limits']>
  policies?: World['assignment']['policies']
  /** By the peer. */
  decide?: (peer: string, direction: 'inbound' | 'outbound') => Partial<Decision>
  peers?: readonly string[]
  certificates?: Record<string, KeyPair>
  withoutCertificate?: true
  keys?: Partial<typeof KEYS>
  /** Domains of ours. */
  domains?: readonly string[]
  wayTo?: World['wayTo']
}

/** Each place of the listeners, in this order: outside STARTTLS, outside direct TLS, inside STARTTLS. */
const LISTEN = [{ address: '127.0.0.1', port: 0 }, { address: '127.0.0.1', port: 0, kind: 'direct' as const }]

export async function worldOf (given: WorldGiven = {}): Promise<World> {
  const issued = await certificateFor({ names: { dns: [OURS, SECOND] } })
  const foreign = await certificateFor({ names: { dns: [PEER, STRANGER] } })
  const own: Record<string, KeyPair> = given.certificates ?? (given.withoutCertificate === true ? {} : { [OURS]: pairOf(issued), [SECOND]: pairOf(issued), [PEER]: pairOf(foreign), [STRANGER]: pairOf(foreign) })
  const root = await trustedRoot()
  const keys = { ...KEYS, ...given.keys }
  const domains = given.domains ?? [OURS, SECOND]
  const leg = { ...OUTSIDE_LEG, ...given.leg }
  const zone = (spec: ZoneSpec, keys: Zone['keys'], rules: LegRules, speaks: readonly string[]): Zone => ({
    name: spec.name, side: spec.side, spec, keys, leg: rules, secretPrint: spec.name, secretMade: true, componentSecret: () => '',
    certificateFor: domain => speaks.includes(domain) ? own[domain] : undefined, certificates: speaks.flatMap(domain => own[domain] ?? []),
    anchors: { system: false, given: [root] }, resolver: createResolver({ address: '127.0.0.1', port: 9, timeoutMs: 100 }), allowNets: ['127.0.0.0/8'],
  })
  const outside: ZoneSpec = { name: 'outside', side: 'external', listen: LISTEN, ...given.outside }
  const inside: ZoneSpec = { name: 'inside', side: 'internal', listen: [{ address: '127.0.0.1', port: 0 }], domains: [OURS, SECOND], ...given.inside }
  const zones = new Map([[outside.name, zone(outside, keys.outside, leg, [OURS, SECOND])], [inside.name, zone(inside, keys.inside, { ...INSIDE_LEG, ...given.insideLeg }, [PEER, STRANGER])]])
  return {
    revision: 1, zones, external: zones.get('outside'),
    assignment: {
      v: 1, revision: 1, gateway: 'gw', spec: { desired: 'running', zones: [outside, inside], ...(given.limits === undefined ? {} : { limits: given.limits }) }, policies: given.policies ?? {}, routes: {},
      domains: Object.fromEntries(domains.map(domain => [domain, {}])), peers: Object.fromEntries((given.peers ?? [PEER]).map(peer => [peer, {}])),
    },
    zoneOf: domain => domains.includes(domain) ? zones.get('inside') : undefined,
    decide: ({ peer }, direction) => ({
      action: 'allow', shadow: false, matched: 'a test', wanted: 'enabled', leg,
      limits: { stanzaBytes: 262_144, streams: 8, queueStanzas: 1000, queueBytes: 4_000_000, waitMs: { message: 1, iq: 1, presence: 1, error: 1 }, ...given.pair },
      ...given.decide?.(peer, direction),
    }),
    wayTo: given.wayTo ?? (() => undefined),
    allowNetsFor: () => [],
    anchorsFor: () => ({ system: false, given: [root] }),
    certificateEnds: new Map(),
  }
}

function pairOf ({ chain, key }: { chain: string, key: string }): KeyPair {
  return { certificate: chain, key }
}

export type Taken = { pair: Pair, text: string, source: Source }
export type Started = {
  inbound: Inbound
  told: Omit<GatewayEvent, 'gateway' | 'at'>[]
  taken: Taken[]
  refused: { as: Pair | undefined, pair: Pair, reason: Refusal, text: string }[]
  /** Ways back that were offered. */
  offered: OutStream[]
  lanes: { pair: Pair, source: Source, ended: boolean }[]
  settled: () => number
  /** What authoritative servers were asked. */
  verified: Parameters<Verify>[0][]
  facts: Record<keyof InboundHooks, Record<string, unknown>[]>
  count: (name: string, labels?: Labels) => number
  series: () => number
  starttls: Place
  direct: Place
  inside: Place
  become: (world: World) => Promise<readonly { pointer: string, says: string }[]>
}
export type Place = { address: string, port: number }
export type Given = WorldGiven & Partial<Pick<InboundOptions, 'guards' | 'random' | 'clock' | 'verify'>> & { bounds?: InboundOptions['limits'], answers?: (question: Pair & { id: string, key: string }) => DialbackAnswer | Promise<DialbackAnswer> }

/** Listeners that are open; stopped after the test. Authoritative servers say `valid` unless told otherwise. */
export async function started (given: Given = {}): Promise<Started> {
  let world = await worldOf(given)
  const told: Started['told'] = []
  const taken: Taken[] = []
  const lanes: Started['lanes'] = []
  const refused: Started['refused'] = []
  const offered: OutStream[] = []
  const verified: Started['verified'] = []
  const facts: Started['facts'] = { authenticated: [], refused: [], asked: [], shown: [] }
  const counts = new Map<string, number>()
  let settled = 0
  const id = ({ name }: Metric, labels: Labels = {}) => `${name} ${JSON.stringify(sorted(labels))}`
  const inbound = startInbound({
    world: () => world, clock: given.clock ?? { now: () => Date.now(), elapsed: () => performance.now() }, random: given.random ?? RANDOM, logger: NO_LOGGER,
    meter: { add: (metric, labels, by = 1) => counts.set(id(metric, labels), (counts.get(id(metric, labels)) ?? 0) + by), set: (metric, labels, value) => counts.set(id(metric, labels), value), observe: () => undefined, remove: () => undefined },
    tell: event => told.push(event),
    intake: {
      lane: (source, pair) => {
        const lane = { pair, source, ended: false }
        lanes.push(lane)
        return {
          from: Buffer.from(pair.from), to: Buffer.from(pair.to), end: () => { lane.ended = true },
          accept: frame => taken.push({ pair, source, text: Buffer.from(frame.data.slice(frame.start, frame.end)).toString() }),
        }
      },
      refuse: (_, as, pair, frame, reason) => refused.push({ as, pair, reason, text: Buffer.from(frame.data.slice(frame.start, frame.end)).toString() }),
      offer: (_, out) => offered.push(out),
      settled: () => { settled++ },
    },
    verify: given.verify ?? (async request => {
      verified.push(request)
      return await (given.answers?.(request.question) ?? { type: 'valid' })
    }),
    hooks: { authenticated: fact => facts.authenticated.push(fact), refused: fact => facts.refused.push(fact), asked: fact => facts.asked.push(fact), shown: fact => facts.shown.push(fact) },
    sweepMs: 20, ...(given.bounds === undefined ? {} : { limits: given.bounds }), ...(given.guards === undefined ? {} : { guards: given.guards }),
  })
  after(() => inbound.stop())
  const problems = await inbound.configure()
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const [starttls, direct, inside] = inbound.listeners()
  if (starttls === undefined || direct === undefined || inside === undefined) throw new Error('three places were to be opened')
  onTestFailed(() => { process.stderr.write(`${JSON.stringify(told.slice(-20))}\n`) })
  return {
    inbound, told, taken, refused, offered, lanes, verified, facts, starttls, direct, inside, settled: () => settled,
    count: (name, labels) => labels === undefined ? [...counts].filter(([key]) => key.startsWith(`${name} `)).reduce((sum, [, value]) => sum + value, 0) : counts.get(`${name} ${JSON.stringify(sorted(labels))}`) ?? 0,
    series: () => counts.size,
    become: async next => {
      world = next
      return await inbound.configure()
    },
  }
}

function sorted (labels: Labels): [string, string][] {
  return Object.entries(labels).toSorted(([a], [b]) => a < b ? -1 : 1)
}
