/** What operators ask of the fleet, and what comes of it. `dryRun`: says what would be done, and does nothing. */
import { Type, type Static } from 'typebox'
import { ChangeView } from './api.ts'
import { DomainName, Name, Text, Time, closed } from './resources/common.ts'

const why = { reason: Type.Optional(Text(400)), ticket: Type.Optional(Text(100)) }
const dryRun = Type.Optional(Type.Boolean({ description: 'Say what would be done, and do nothing; default false' }))

/** Check a domain, or a pair of one of ours and a peer, now. */
export const CheckRequest = Type.Object({
  domain: DomainName, peer: Type.Optional(DomainName),
  vantages: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 64, uniqueItems: true, description: 'Default: all that have it to check' })),
  deep: Type.Optional(Type.Boolean({ description: 'Authenticate too, where that is configured; default false' })),
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: 120, description: 'Seconds to wait for the result; default 0: answer 202 at once' })),
  dryRun, ...why,
}, closed)
export type CheckRequest = Static<typeof CheckRequest>

/** The parts of a fleet that a command is about, and why. */
export const Reasoned = Type.Object({ dryRun, ...why }, closed)
export type Reasoned = Static<typeof Reasoned>

export const ResetRequest = Type.Object({ domain: Type.Optional(DomainName), peer: Type.Optional(DomainName), vantages: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 64, uniqueItems: true })), dryRun, ...why }, closed)
export type ResetRequest = Static<typeof ResetRequest>

/** Keeps quiet about a domain, a pair or what a vantage sees. One of `until` and `minutes`. */
export const MaintenanceRequest = Type.Object({
  domain: Type.Optional(DomainName), peer: Type.Optional(DomainName), vantage: Type.Optional(Name),
  until: Type.Optional(Time), minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 43_200 })),
  reason: Text(400), ticket: Type.Optional(Text(100)), dryRun,
}, closed)
export type MaintenanceRequest = Static<typeof MaintenanceRequest>

export const QuarantineRequest = Type.Object({ reason: Text(400), ticket: Type.Optional(Text(100)), dryRun }, closed)
export type QuarantineRequest = Static<typeof QuarantineRequest>

/** Tells of something that was changed outside of Dialtone, so that it stands in the timeline beside what was seen. */
export const NoteRequest = Type.Object({ domain: DomainName, what: Text(1000), at: Type.Optional(Time), ticket: Type.Optional(Text(100)), dryRun }, closed)
export type NoteRequest = Static<typeof NoteRequest>
export const NoteKept = Type.Object({ change: ChangeView, dryRun: Type.Boolean() }, closed)
export type NoteKept = Static<typeof NoteKept>

/** What a command did, or would do: one line for each thing. `revision`: of the configuration, where that was written. */
export const CommandDone = Type.Object({
  dryRun: Type.Boolean(), revision: Type.Optional(Type.Integer()),
  effects: Type.Array(Type.Object({ subject: Type.String(), outcome: Type.Enum(['done', 'would-do', 'unchanged', 'no-agent', 'timed-out', 'refused']), says: Type.String() }, closed)),
}, closed)
export type CommandDone = Static<typeof CommandDone>

/** What a hook of a managed server printed, cut to 20,000 characters by the agent. */
export const HookDone = Type.Object({
  server: Name, vantage: Name, hook: Type.Enum(['status', 'start', 'stop', 'reload']), dryRun: Type.Boolean(),
  exitCode: Type.Optional(Type.Union([Type.Integer(), Type.Null()])), output: Type.Optional(Type.String()), ms: Type.Optional(Type.Number()), truncated: Type.Optional(Type.Boolean()),
}, closed)
export type HookDone = Static<typeof HookDone>
