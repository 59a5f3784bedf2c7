import { Type, type Static } from 'typebox'
import { Observation } from './observation.ts'
import { ACTORS, CAUSES, CONFIDENCES, HOPS, LEVELS, SIDES, STATES } from './words.ts'

const closed = { additionalProperties: false }

/** One answer of one check. `says` is the sentence of the catalogue, `detail` what was seen here. */
export const Finding = Type.Object({
  check: Type.String({ description: "'s2s.…', see docs/checks" }),
  outcome: Type.String(),
  level: Type.Enum([...LEVELS]),
  says: Type.String(),
  detail: Type.Optional(Type.String()),
  endpoint: Type.Optional(Type.String({ description: 'EndpointObservation.id; absent when the finding is about the domain' })),
  vantage: Type.String(),
}, closed)
export type Finding = Static<typeof Finding>

export const Evidence = Type.Object({ text: Type.String(), endpoint: Type.Optional(Type.String()), vantage: Type.Optional(Type.String({ description: 'Who saw it, where several looked' })) }, closed)
export type Evidence = Static<typeof Evidence>

/** What nobody asked, and what it would take to know. */
export const Untested = Type.Object({ what: Type.String(), needs: Type.String() }, closed)
export type Untested = Static<typeof Untested>

/** One direction of a pair: what is proved about it. */
export const Half = Type.Object({
  state: Type.Enum([...STATES]),
  cause: Type.Enum([...CAUSES]),
  side: Type.Enum([...SIDES]),
  sentence: Type.String(),
}, closed)
export type Half = Static<typeof Half>

/** Whether OURS and PEER can talk: `out` is ours to peer, `in` is peer to ours. */
export const PairVerdict = Type.Object({ ours: Type.String(), peer: Type.String(), out: Half, in: Half }, closed)
export type PairVerdict = Static<typeof PairVerdict>

/** One named root cause about one domain. */
export const Verdict = Type.Object({
  state: Type.Enum([...STATES]),
  cause: Type.Enum([...CAUSES]),
  side: Type.Enum([...SIDES]),
  hop: Type.Enum([...HOPS]),
  actor: Type.Enum([...ACTORS]),
  confidence: Type.Enum([...CONFIDENCES]),
  sentence: Type.String(),
  evidence: Type.Array(Evidence),
  remedy: Type.Array(Type.String()),
  untested: Type.Array(Untested),
  runbook: Type.Optional(Type.String({ description: 'Where the runbook of the cause is read: a path of the control API, or a file of the checkout that a command was started in' })),
  /** Where the check spoke in somebody's name. */
  pair: Type.Optional(PairVerdict),
}, closed)
export type Verdict = Static<typeof Verdict>

/** What `dialtone check --format json` prints for one domain. */
export const Report = Type.Object({
  domain: Type.String(),
  as: Type.Union([Type.String(), Type.Null()]),
  vantage: Type.String(),
  startedAt: Type.String({ format: 'date-time' }),
  verdict: Verdict,
  findings: Type.Array(Finding),
  observation: Observation,
}, closed)
export type Report = Static<typeof Report>

/** What `dialtone judge` prints for one domain that was observed several times: one verdict, and the report of each observation under it. */
export const JointReport = Type.Object({
  domain: Type.String(),
  verdict: Verdict,
  findings: Type.Array(Finding, { description: 'Of all observations, in their order' }),
  reports: Type.Array(Report, { minItems: 2 }),
}, closed)
export type JointReport = Static<typeof JointReport>
