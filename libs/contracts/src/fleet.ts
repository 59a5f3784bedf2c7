/** What agents and control tell each other: who stands where, what is to be checked, what was seen, how an agent is. */
import { Type, type Static } from 'typebox'
import { Observation } from './observation.ts'
import { Address, Cidr, DomainName, Endpoint, Name, Port, SecretRef, Time, closed } from './resources/common.ts'
import { ManagedServerSpec, ScheduleSpec, VantageSpec } from './resources/kinds.ts'
import { PROFILES } from './words.ts'

/**
 * The jobs of a fleet, from which all verdicts come. `own-internal`: our domain at its internal address. `own-published`: our domain by its records, which from
 * inside is the hairpin. `peer`: a peer, in the interest of one of ours (with the claim question). `control`: a peer in nobody's interest, which tells a
 * blocked path from a dead peer. `listener`: the probe domain of another vantage.
 */
export const JOBS = ['own-internal', 'own-published', 'peer', 'control', 'listener'] as const
export type Job = (typeof JOBS)[number]

/** One thing to check from one vantage. */
export const Target = Type.Object({
  /** `job:domain` or `job:domain:ours`; unique in the vantage, and by which work is shared. */
  id: Type.String({ maxLength: 600 }),
  job: Type.Enum([...JOBS]),
  domain: DomainName,
  ours: Type.Optional(DomainName),
  /** Sub-domains of ours that the claim question asks about too. */
  alsoClaimed: Type.Optional(Type.Array(DomainName)),
  /** Instead of the records. */
  endpoints: Type.Optional(Type.Array(Endpoint)),
  schedule: Name,
  deep: Type.Optional(Type.Object({ depth: Type.Enum(['probe', 'shared']), secret: Type.Optional(SecretRef), secretOf: Type.Optional(Type.Enum(['prosody', 'ejabberd', 'cups'])) }, closed)),
  profile: Type.Enum([...PROFILES]),
  expectedAddresses: Type.Array(Address),
  allowNets: Type.Array(Cidr),
}, closed)
export type Target = Static<typeof Target>

/** All that one vantage has to do: one document in the bucket of that vantage, which its agents may read. */
export const Assignment = Type.Object({
  v: Type.Literal(1),
  /** Of the configuration that it was made of. */
  revision: Type.Integer({ minimum: 0 }),
  vantage: Name,
  spec: VantageSpec,
  schedules: Type.Record(Name, ScheduleSpec),
  targets: Type.Array(Target),
  managed: Type.Record(Name, ManagedServerSpec),
}, closed)
export type Assignment = Static<typeof Assignment>

/** What one agent saw in one check, as it is published. `id` is also the id on the bus: a repetition is the same. */
export const ObservationRecorded = Type.Object({
  v: Type.Literal(1),
  id: Type.String({ minLength: 8, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }),
  agent: Name,
  vantage: Name,
  target: Type.String({ maxLength: 600, description: 'Target.id' }),
  job: Type.Enum([...JOBS]),
  ours: Type.Optional(DomainName),
  /** What an operator asked for, and not the schedule. */
  check: Type.Optional(Type.String({ maxLength: 64 })),
  /** The agent knows that it was itself the problem: set aside, never evidence. */
  aside: Type.Optional(Type.Enum(['uplink', 'clock', 'event-loop'])),
  observation: Observation,
}, closed)
export type ObservationRecorded = Static<typeof ObservationRecorded>

/** How an agent is, written every presence period; gone two periods after the last. */
export const AgentPresence = Type.Object({
  v: Type.Literal(1),
  agent: Name,
  vantage: Name,
  version: Type.String({ maxLength: 64 }),
  startedAt: Time,
  at: Time,
  state: Type.Enum(['running', 'paused', 'unhealthy']),
  /** Why it is unhealthy, or a finding about itself. */
  findings: Type.Array(Type.Object({ what: Type.Enum(['uplink', 'clock', 'event-loop', 'spool', 'configuration', 'listener', 'secret']), unhealthy: Type.Boolean(), says: Type.String({ maxLength: 400 }) }, closed), { maxItems: 16 }),
  revision: Type.Integer({ minimum: 0, description: 'Of the configuration that it works by' }),
  targets: Type.Object({ mine: Type.Integer(), all: Type.Integer(), failing: Type.Integer(), overdue: Type.Integer() }, closed),
  spool: Type.Object({ waiting: Type.Integer(), bytes: Type.Integer(), dropped: Type.Integer() }, closed),
  clockOffsetMs: Type.Optional(Type.Number()),
  eventLoopLagMs: Type.Number(),
  checks: Type.Integer({ description: 'Since the start' }),
  listener: Type.Optional(Type.Object({ domain: DomainName, places: Type.Array(Type.Object({ address: Address, port: Port, kind: Type.String() }, closed)), connections: Type.Integer(), asked: Type.Integer() }, closed)),
  /** The targets that used most of their budget in the last hour. */
  budget: Type.Array(Type.Object({ domain: DomainName, connections: Type.Integer(), of: Type.Integer() }, closed), { maxItems: 20 }),
  /** Until when its peers are not asked in our name again, because they refused: who takes a target over waits as long. */
  waits: Type.Optional(Type.Array(Type.Object({ target: Type.String({ maxLength: 600 }), until: Time }, closed), { maxItems: 50 })),
  /** Salted fingerprints of the secrets that it holds, so that differing ones are found before a callback fails. */
  secrets: Type.Optional(Type.Record(DomainName, Type.String({ maxLength: 64 }))),
  hooks: Type.Optional(Type.Record(Name, Type.Array(Type.String({ maxLength: 32 })))),
}, closed)
export type AgentPresence = Static<typeof AgentPresence>

/**
 * Commands to agents. Served for (vantage, agent) by that agent, for (vantage, 'any') by the agents of the vantage in turn. A check is made by the agent whose
 * the target is, which alone knows its budget and retry window: another refuses, and names it as `owner`.
 */
export const CheckNow = {
  verb: 'check',
  request: Type.Object({ check: Type.String({ maxLength: 64 }), target: Type.String({ maxLength: 600 }), deep: Type.Boolean() }, closed),
  answer: Type.Object({ agent: Name, accepted: Type.Boolean(), says: Type.Optional(Type.String({ maxLength: 400 })), retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0 })), owner: Type.Optional(Name) }, closed),
} as const
/** Forgets back-off and confirmations of a target, so that it is checked afresh. Without a target: of all. */
export const ResetTarget = {
  verb: 'reset',
  request: Type.Object({ target: Type.Optional(Type.String({ maxLength: 600 })) }, closed),
  answer: Type.Object({ targets: Type.Integer() }, closed),
} as const
/** Runs a hook that the agent's own file allows. Nothing of the request reaches the command line. */
export const RunHook = {
  verb: 'hook',
  request: Type.Object({ server: Name, hook: Type.Enum(['status', 'start', 'stop', 'reload']) }, closed),
  answer: Type.Object({ exitCode: Type.Union([Type.Integer(), Type.Null()]), output: Type.String({ maxLength: 20_000 }), ms: Type.Number(), truncated: Type.Boolean() }, closed),
} as const
/** What control's clock says; served by control for ('clock'). */
export const TellTime = { verb: 'time', request: Type.Object({}, closed), answer: Type.Object({ at: Time }, closed) } as const

/** How far a check that an operator asked for has come: fire and forget, key (vantage, check), so that no agent speaks for another vantage. */
export const CheckProgress = {
  noun: 'progress',
  schema: Type.Object({
    check: Type.String({ maxLength: 64 }), vantage: Name, agent: Name, target: Type.String({ maxLength: 600 }),
    at: Type.Enum(['started', 'step', 'endpoint', 'done', 'failed']),
    endpoint: Type.Optional(Type.String({ maxLength: 400 })), stage: Type.Optional(Type.String({ maxLength: 40 })), outcome: Type.Optional(Type.String({ maxLength: 40 })), ms: Type.Optional(Type.Number()), says: Type.Optional(Type.String({ maxLength: 400 })),
  }, closed),
} as const
export type CheckProgress = Static<typeof CheckProgress.schema>

/** Durable; key (vantage, …domainTokens(domain)). */
export const ObservationEvent = { noun: 'observation', stream: 'observations', schema: ObservationRecorded } as const
/** Presence; key `agent.<vantage>.<agent>`. */
export const PRESENCE_PERIOD_SECONDS = 5
export const PresenceDocument = { bucket: 'presence', schema: AgentPresence, ttlSeconds: 2 * PRESENCE_PERIOD_SECONDS } as const
/** The bucket of one vantage, with one document under `ASSIGNMENT_KEY`. */
export function assignmentDocument (vantage: string) {
  return { bucket: `vantage-${vantage}`, schema: Assignment } as const
}
export const ASSIGNMENT_KEY = 'assignment'
