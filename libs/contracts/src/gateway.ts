/** What control and gateways tell each other: what a gateway has to do, how it is, what it is told, what it saw of the pairs that it carries. */
import { Type, type Static } from 'typebox'
import { Address, Cidr, DomainName, Endpoint, Name, Time, closed } from './resources/common.ts'
import { GatewaySpec, PolicySpec, RouteSpec } from './resources/gateway.ts'
import { CALLBACK_ANSWERS, OUTCOMES, REFUSALS } from './words.ts'

/** All that one gateway works by, in a bucket of its own. It is complete: a gateway keeps the last good one on its disk and needs nothing else. */
export const GatewayAssignment = Type.Object({
  v: Type.Literal(1),
  /** Of the configuration that it was made of. */
  revision: Type.Integer({ minimum: 0 }),
  gateway: Name,
  spec: GatewaySpec,
  policies: Type.Record(Name, PolicySpec),
  routes: Type.Record(Name, RouteSpec),
  /** Domains of ours: where their servers are, in the internal zone that names them. */
  domains: Type.Record(DomainName, Type.Object({ internal: Type.Optional(Type.Array(Endpoint)), allowNets: Type.Optional(Type.Array(Cidr)) }, closed)),
  /** Configured peers: the only ones that a metric label may name. */
  peers: Type.Record(DomainName, Type.Object({ endpoints: Type.Optional(Type.Array(Endpoint)), allowNets: Type.Optional(Type.Array(Cidr)) }, closed)),
}, closed)
export type GatewayAssignment = Static<typeof GatewayAssignment>

/** The bucket of one gateway, with one document under `ASSIGNMENT_KEY`. */
export function gatewayDocument (gateway: string) {
  return { bucket: `gateway-${gateway}`, schema: GatewayAssignment } as const
}

const Count = Type.Integer({ minimum: 0 })
const Short = (maxLength: number) => Type.String({ maxLength })
const Outcomes = Type.Object(Object.fromEntries(OUTCOMES.map(outcome => [outcome, Count])) as Record<(typeof OUTCOMES)[number], typeof Count>, closed)

/**
 * Of all stanzas since the start: `accepted` = the sum of the outcomes + `queued` + `onStream` (written to streams that are still open), at every moment. `retried` are counted
 * again on their way to another outcome.
 */
export const Conservation = Type.Object({ accepted: Count, outcomes: Outcomes, queued: Count, onStream: Count, retried: Count }, closed)
export type Conservation = Static<typeof Conservation>

export const GATEWAY_STATES = ['starting', 'running', 'draining', 'stopped'] as const
/** How far a drain has come; of the gateway, or of the part that `scope` names (`zone NAME`, `peer DOMAIN`, `pair OURS PEER`). */
export const DrainProgress = Type.Object({ scope: Short(600), since: Time, deadline: Time, streams: Count, queued: Count, done: Type.Boolean() }, closed)
export type DrainProgress = Static<typeof DrainProgress>

/** How a gateway is, written every presence period; gone two periods after the last. */
export const GatewayPresence = Type.Object({
  v: Type.Literal(1), gateway: Name, version: Short(64), startedAt: Time, at: Time,
  state: Type.Enum([...GATEWAY_STATES]),
  healthy: Type.Boolean(),
  findings: Type.Array(Type.Object({ what: Type.Enum(['configuration', 'listener', 'secret', 'certificate', 'responder', 'component', 'event-loop', 'memory', 'spool']), unhealthy: Type.Boolean(), says: Short(400) }, closed), { maxItems: 16 }),
  revision: Type.Integer({ minimum: 0, description: 'Of the configuration that it works by' }),
  listeners: Type.Array(Type.Object({ zone: Name, address: Address, port: Type.Integer(), kind: Type.Enum(['starttls', 'direct', 'component', 'dns']), open: Type.Boolean() }, closed), { maxItems: 200 }),
  streams: Type.Object({ inbound: Count, outbound: Count, negotiating: Count }, closed),
  stanzas: Conservation,
  queued: Type.Object({ stanzas: Count, bytes: Count, oldestSeconds: Type.Number() }, closed),
  drains: Type.Array(DrainProgress, { maxItems: 50 }),
  /** Salted fingerprints of the dialback secrets by zone: those of gateways that share one are equal. */
  secrets: Type.Record(Name, Short(64)),
  /** When the certificate that serves it ends, by name. */
  certificates: Type.Record(DomainName, Time),
}, closed)
export type GatewayPresence = Static<typeof GatewayPresence>
/** Key `<gateway>`. */
export const GatewayPresenceDocument = { bucket: 'gateways', schema: GatewayPresence, ttlSeconds: 10 } as const

/** One attempt's way, step by step: what an operator reads when a peer cannot be reached. */
export const RouteStep = Type.Object({ at: Time, ms: Type.Number({ description: 'Since the attempt began' }), step: Type.Enum(['policy', 'dns', 'targets', 'tcp', 'header', 'features', 'starttls', 'tls', 'certificate', 'external', 'dialback', 'ready', 'component', 'wait', 'failed']), target: Type.Optional(Short(300)), outcome: Type.Enum(['ok', 'failed', 'skipped']), says: Short(400) }, closed)
export type RouteStep = Static<typeof RouteStep>

export const StreamView = Type.Object({
  id: Short(64), zone: Name, direction: Type.Enum(['inbound', 'outbound']), state: Short(40), remote: Short(100),
  pairs: Type.Array(Type.Object({ from: Short(253), to: Short(253), by: Type.Enum(['external', 'dialback', 'certificate', 'component', 'bidi']) }, closed), { maxItems: 64 }),
  since: Time, tls: Type.Optional(Short(40)), cipher: Type.Optional(Short(80)), certificate: Type.Optional(Short(80)), bidi: Type.Boolean(), stanzas: Type.Object({ in: Count, out: Count }, closed), bytes: Type.Object({ in: Count, out: Count }, closed), paused: Type.Boolean(),
}, closed)
export type StreamView = Static<typeof StreamView>

export const ROUTE_STATES = ['idle', 'connecting', 'ready', 'waiting', 'held', 'draining', 'blocked'] as const
export const QueueView = Type.Object({
  zone: Name, from: Short(253), to: Short(253), state: Type.Enum([...ROUTE_STATES]), stanzas: Count, bytes: Count, oldestSeconds: Type.Number(), nextAttemptSeconds: Type.Optional(Type.Number()),
  failure: Type.Optional(Type.Object({ reason: Type.Enum([...REFUSALS]), says: Short(400), at: Time, steps: Type.Array(RouteStep, { maxItems: 100 }) }, closed)),
}, closed)
export type QueueView = Static<typeof QueueView>

/** What would happen to a stanza from one domain to another at this moment, and why. */
export const RouteExplanation = Type.Object({
  gateway: Name, revision: Count, from: Short(253), to: Short(253),
  /** What would be done: `deliver` at once or after connecting, `queue`, or `refuse` with the condition that the sender would get. */
  outcome: Type.Enum(['deliver', 'queue', 'refuse', 'drop']), says: Short(600),
  refusal: Type.Optional(Type.Object({ reason: Type.Enum([...REFUSALS]), condition: Short(60), type: Short(20) }, closed)),
  zones: Type.Object({ from: Type.Optional(Name), to: Type.Optional(Name) }, closed),
  policy: Type.Object({ name: Type.Optional(Name), matched: Short(600), action: Short(40), until: Type.Optional(Time), expects: Type.Array(Short(300), { maxItems: 20 }) }, closed),
  way: Type.Object({ by: Type.Enum(['records', 'route', 'internal', 'component', 'peer', 'none']), name: Type.Optional(Short(300)), targets: Type.Array(Type.Object({ target: Short(300), kind: Short(20), says: Short(300), failed: Type.Optional(Type.Boolean({ description: 'Lately, so that it is tried last; false: it worked; absent: not tried' })) }, closed), { maxItems: 100 }) }, closed),
  /** The streams that carry it now, in both directions. */
  streams: Type.Array(StreamView, { maxItems: 16 }),
  queue: Type.Optional(QueueView),
}, closed)
export type RouteExplanation = Static<typeof RouteExplanation>

const Scope = { zone: Type.Optional(Name), peer: Type.Optional(DomainName), ours: Type.Optional(DomainName) }
/** Commands to a gateway; served for (gateway). What it is wanted to do in the long run is in its resource; these act at once and are forgotten. */
export const GatewayAct = {
  verb: 'gateway-act',
  request: Type.Object({
    act: Type.Enum(['retry', 'close', 'flush', 'drop', 'reload', 'trace']), ...Scope,
    stream: Type.Optional(Short(64)), seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3600, description: 'Of trace: begins to record, for so long; without it what was recorded is read' })),
    after: Type.Optional(Type.Integer({ minimum: 0, description: 'Of trace: the `next` of the answer before' })),
  }, closed),
  /** `lines`, of trace: what was said on streams, without what people said; `next` is to be asked for then. */
  answer: Type.Object({ affected: Count, says: Short(600), lines: Type.Optional(Type.Array(Short(1000), { maxItems: 500 })), next: Type.Optional(Count) }, closed),
} as const
export const GatewayStreams = { verb: 'gateway-streams', request: Type.Object({ ...Scope, most: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })) }, closed), answer: Type.Object({ streams: Type.Array(StreamView), all: Count }, closed) } as const
export const GatewayQueues = { verb: 'gateway-queues', request: Type.Object({ ...Scope, most: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })) }, closed), answer: Type.Object({ queues: Type.Array(QueueView), all: Count }, closed) } as const
export const ExplainRoute = { verb: 'gateway-explain', request: Type.Object({ from: DomainName, to: DomainName }, closed), answer: RouteExplanation } as const

/**
 * What one gateway knows of one pair of ours and a peer: facts for verdicts. Published when it changes, at most once in five seconds a pair, and every ten minutes. Counts are since
 * the gateway's start; times are absent where it never happened.
 */
export const PairFacts = Type.Object({
  v: Type.Literal(1), id: Type.String({ minLength: 8, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }), gateway: Name, at: Time, startedAt: Time, ours: DomainName, peer: DomainName,
  inbound: Type.Object({ authenticatedAt: Type.Optional(Time), by: Type.Optional(Short(20)), tls: Type.Optional(Short(40)), lastStanzaAt: Type.Optional(Time), refusedAt: Type.Optional(Time), refusal: Type.Optional(Short(400)), from: Type.Optional(Short(60)) }, closed),
  outbound: Type.Object({ readyAt: Type.Optional(Time), by: Type.Optional(Short(20)), tls: Type.Optional(Short(40)), triedAt: Type.Optional(Time), failedAt: Type.Optional(Time), reason: Type.Optional(Type.Enum([...REFUSALS])), condition: Type.Optional(Short(60)), text: Type.Optional(Short(300)), /** The peer refused our name and had not asked our authoritative server since the attempt began. */ refusedUnasked: Type.Optional(Type.Boolean()) }, closed),
  /** The way of the gateway to the server of `ours`, for what the peer sends. Absent where it was never tried. */
  inside: Type.Optional(Type.Object({ readyAt: Type.Optional(Time), failedAt: Type.Optional(Time), reason: Type.Optional(Type.Enum([...REFUSALS])) }, closed)),
  /** The peer (or whoever says so) asked whether we made a key. */
  asked: Type.Object({ valid: Count, invalid: Count, refused: Count, lastAt: Type.Optional(Time), last: Type.Optional(Type.Enum([...CALLBACK_ANSWERS])), from: Type.Optional(Short(60)) }, closed),
  /** Keys that somebody showed in the peer's name, as the peer's own server judged them. */
  shown: Type.Object({ valid: Count, invalid: Count, failed: Count }, closed),
  certificate: Type.Optional(Type.Object({ key: Type.String({ pattern: '^[0-9a-f]{64}$' }), issuer: Short(300), notAfter: Time, changedAt: Type.Optional(Time), pinned: Type.Boolean(), matches: Type.Boolean() }, closed)),
  /** What became of stanzas, by outcome; bounces by reason; policy by action. */
  stanzas: Type.Object({ in: Count, out: Count, outcomes: Outcomes }, closed),
  bounces: Type.Partial(Type.Record(Type.Enum([...REFUSALS]), Count)),
  policy: Type.Object({ name: Type.Optional(Name), action: Short(40), shadowed: Count, refused: Count }, closed),
}, closed)
export type PairFacts = Static<typeof PairFacts>
/** Durable; key (gateway, …domainTokens(peer)). */
export const PairFactsEvent = { noun: 'pair', stream: 'facts', schema: PairFacts } as const

/** What happens at a gateway, as it happens, for people who watch: fire and forget, key (gateway). Bounded by the gateway; what is left out is counted. */
export const GatewayEvent = {
  noun: 'gateway',
  schema: Type.Object({
    gateway: Name, at: Time,
    on: Type.Enum(['state', 'stream-opened', 'stream-closed', 'stream-refused', 'route-failed', 'asked', 'configuration', 'pin-changed', 'drain', 'left-out']),
    zone: Type.Optional(Name), from: Type.Optional(Short(253)), to: Type.Optional(Short(253)), stream: Type.Optional(Short(64)), remote: Type.Optional(Short(100)), says: Short(400), count: Type.Optional(Count),
  }, closed),
} as const
export type GatewayEvent = Static<typeof GatewayEvent.schema>
