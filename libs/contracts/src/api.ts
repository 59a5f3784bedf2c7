/** What the control API answers. All lists are pages; all times UTC with milliseconds; `asOf` is control's clock. */
import { Type, type Static, type TSchema } from 'typebox'
import { AuditEntry } from './audit.ts'
import { AgentPresence, JOBS } from './fleet.ts'
import type { GatewayView } from './api-gateways.ts'
import { FleetVerdict } from './fleet-verdict.ts'
import { PairFacts, type GatewayEvent } from './gateway.ts'
import { Incident, type INCIDENT_EVENTS } from './incident.ts'
import { Finding } from './report.ts'
import { DomainName, Name, Time, closed } from './resources/common.ts'
import { CAUSES, CONFIDENCES, SIDES, STATES } from './words.ts'

/** A page; `next` goes into `cursor=` of the following request, and is absent on the last. */
export const pageOf = <K extends string, T extends TSchema>(field: K, item: T) => Type.Object({ asOf: Time, seq: Type.Integer(), [field]: Type.Array(item), next: Type.Optional(Type.String()) } as { asOf: typeof Time, seq: ReturnType<typeof Type.Integer> } & Record<K, ReturnType<typeof Type.Array<T>>> & { next: ReturnType<typeof Type.Optional<ReturnType<typeof Type.String>>> }, closed)

/** RFC 9457. `type`: `urn:dialtone:problem:<code>`, stable. `detail` says what to do. */
export const Problem = Type.Object({
  type: Type.String(), title: Type.String(), status: Type.Integer(), code: Type.String(), detail: Type.String(),
  instance: Type.Optional(Type.String()), pointer: Type.Optional(Type.String({ description: 'JSON Pointer (RFC 6901) of the field that is wrong' })), traceId: Type.Optional(Type.String()),
  problems: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), says: Type.String(), resource: Type.Optional(Type.String()) }, closed))),
}, closed)
export type Problem = Static<typeof Problem>

const state = { state: Type.Enum([...STATES]), cause: Type.Enum([...CAUSES]), side: Type.Enum([...SIDES]), sentence: Type.String(), since: Time }
/** A half of a pair, short. */
export const HalfView = Type.Object({ ...state, confidence: Type.Enum([...CONFIDENCES]), checkedAt: Type.Optional(Time) }, closed)
export type HalfView = Static<typeof HalfView>

/** One row: a domain of ours, or a pair (then `peer`, and the worse half's answer on top). */
export const OverviewRow = Type.Object({
  domain: DomainName, peer: Type.Optional(DomainName), ...state, confidence: Type.Enum([...CONFIDENCES]),
  out: Type.Optional(HalfView), in: Type.Optional(HalfView),
  checkedAt: Type.Optional(Time), staleAfter: Type.Optional(Time),
  incident: Type.Optional(Type.String()), quietBecause: Type.Optional(Type.String()),
}, closed)
export type OverviewRow = Static<typeof OverviewRow>
export const Overview = pageOf('domains', OverviewRow)
export type Overview = Static<typeof Overview>

export const Summary = Type.Object({
  asOf: Time, seq: Type.Integer(),
  states: Type.Object({ up: Type.Integer(), degraded: Type.Integer(), down: Type.Integer(), unknown: Type.Integer() }, closed),
  causes: Type.Record(Type.String(), Type.Integer()),
  incidents: Type.Object({ open: Type.Integer(), confirmed: Type.Integer(), recovering: Type.Integer() }, closed),
  agents: Type.Object({ healthy: Type.Integer(), all: Type.Integer(), vacant: Type.Optional(Type.Array(Name, { description: 'Vantages without an agent' })) }, closed),
  oldestObservation: Type.Optional(Time),
  /** Observations not yet judged. */
  behind: Type.Integer(),
}, closed)
export type Summary = Static<typeof Summary>

/** What one vantage last saw in one job: endpoint × stage. */
export const VantageView = Type.Object({
  vantage: Name, side: Type.Enum(['inside', 'outside']), network: Name, agent: Name, job: Type.Enum([...JOBS]), ours: Type.Optional(DomainName),
  observation: Type.String({ description: 'id, for /v1/observations/{id}' }), at: Time, same: Type.Integer({ description: 'How often the same was seen before in a row' }), aside: Type.Optional(Type.String()),
  endpoints: Type.Array(Type.Object({
    id: Type.String(), kind: Type.String(), target: Type.String(), port: Type.Integer(), address: Type.String(), ended: Type.Optional(Type.String()),
    steps: Type.Array(Type.Object({ stage: Type.String(), outcome: Type.String(), ms: Type.Number(), failure: Type.Optional(Type.String()) }, closed)),
  }, closed)),
  findings: Type.Array(Finding),
}, closed)
export type VantageView = Static<typeof VantageView>

export const DomainView = Type.Object({
  asOf: Time, seq: Type.Integer(), domain: DomainName, since: Time, lastUp: Type.Optional(Time), checkedAt: Type.Optional(Time), staleAfter: Type.Optional(Time),
  verdict: FleetVerdict, incident: Type.Optional(Incident), vantages: Type.Array(VantageView),
  pairs: Type.Array(OverviewRow),
}, closed)
export type DomainView = Static<typeof DomainView>

export const PairView = Type.Object({
  asOf: Time, seq: Type.Integer(), domain: DomainName, peer: DomainName, checkedAt: Type.Optional(Time), staleAfter: Type.Optional(Time), backoffUntil: Type.Optional(Time),
  out: Type.Object({ since: Time, lastUp: Type.Optional(Time), verdict: FleetVerdict }, closed), in: Type.Object({ since: Time, lastUp: Type.Optional(Time), verdict: FleetVerdict }, closed),
  incident: Type.Optional(Incident), vantages: Type.Array(VantageView),
  /** What the gateways that carry it told last, by name. */
  gateways: Type.Optional(Type.Array(PairFacts)),
}, closed)
export type PairView = Static<typeof PairView>

/** A span in which a subject had one cause. */
export const Span = Type.Object({ direction: Type.Optional(Type.Enum(['out', 'in'])), ...state, until: Type.Optional(Time) }, closed)
export type Span = Static<typeof Span>

/** What changed in what a domain shows (records, addresses, certificate, features, software), what a gateway found of a pair, and notes. */
export const CHANGE_KINDS = ['records', 'addresses', 'certificate', 'features', 'software', 'gateway', 'note'] as const
export const ChangeView = Type.Object({ id: Type.String(), at: Time, domain: DomainName, vantage: Type.Optional(Name), kind: Type.Enum([...CHANGE_KINDS]), what: Type.String(), before: Type.Unknown(), after: Type.Unknown(), actor: Type.Optional(Type.String()) }, closed)
export type ChangeView = Static<typeof ChangeView>

export const Timeline = Type.Object({ asOf: Time, seq: Type.Integer(), domain: DomainName, peer: Type.Optional(DomainName), spans: Type.Array(Span), changes: Type.Array(ChangeView), truncated: Type.Boolean() }, closed)
export type Timeline = Static<typeof Timeline>

export const Incidents = pageOf('incidents', Incident)
export type Incidents = Static<typeof Incidents>
export const Changes = pageOf('changes', ChangeView)
export type Changes = Static<typeof Changes>
export const Audit = pageOf('entries', AuditEntry)
export type Audit = Static<typeof Audit>
export const Agents = Type.Object({ asOf: Time, agents: Type.Array(AgentPresence) }, closed)
export type Agents = Static<typeof Agents>

/** One row of the list of observations: kept in full (`full`), or counted as equal to one before it. */
export const ObservationRow = Type.Object({ id: Type.String(), at: Time, domain: DomainName, ours: Type.Optional(DomainName), vantage: Name, agent: Name, job: Type.Enum([...JOBS]), check: Type.Optional(Type.String()), full: Type.Boolean(), same: Type.Integer() }, closed)
export type ObservationRow = Static<typeof ObservationRow>
export const Observations = pageOf('observations', ObservationRow)
export type Observations = Static<typeof Observations>

/** A check that an operator asked for. */
export const CheckView = Type.Object({
  id: Type.String(), domain: DomainName, ours: Type.Optional(DomainName), state: Type.Enum(['running', 'done', 'timed-out', 'cancelled']), startedAt: Time, endedAt: Type.Optional(Time),
  vantages: Type.Array(Type.Object({ vantage: Name, agent: Type.Optional(Name), target: Type.String(), state: Type.Enum(['asked', 'running', 'done', 'refused', 'no-agent', 'timed-out', 'cancelled']), says: Type.Optional(Type.String()), retryAfterSeconds: Type.Optional(Type.Integer()), observation: Type.Optional(Type.String()) }, closed)),
  before: Type.Optional(Type.Array(OverviewRow)), after: Type.Optional(Type.Array(OverviewRow)),
}, closed)
export type CheckView = Static<typeof CheckView>

export const ROLES = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof ROLES)[number]
/** A token as it is kept: never the token itself, which is shown once. */
export const TokenView = Type.Object({ name: Name, role: Type.Enum([...ROLES]), createdAt: Time, createdBy: Type.String(), expiresAt: Type.Optional(Time) }, closed)
export type TokenView = Static<typeof TokenView>

/** Live events, as they come over SSE. Bodies carry full values, so that the last one wins. */
export type LiveEvent =
  | { on: 'verdict.changed', row: OverviewRow }
  | { on: `incident.${(typeof INCIDENT_EVENTS)[number]}`, incident: Incident }
  | { on: 'change', change: ChangeView }
  | { on: 'agent', agent: AgentPresence }
  | { on: 'agent.gone', vantage: string, agent: string }
  | { on: 'resource.changed', kind: string, name: string, revision: number, gone: boolean }
  | { on: 'check', check: CheckView }
  | { on: 'summary', summary: Summary }
  | { on: 'gateway', gateway: GatewayView }
  /** What happened there; `n` makes each another, as none replaces the one before. */
  | { on: 'gateway.event', n: number, event: GatewayEvent }
