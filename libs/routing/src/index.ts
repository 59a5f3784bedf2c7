// What may pass, where it goes, how long it may wait, and what becomes of it. Pure: no socket, no clock, no timer.

export { STANZA_CLASSES, type Decision, type Direction, type LegRules, type PairLimits, type Sides, type StanzaClass } from './decision.ts'
export { Queue, type Entry, type Waiting } from './queue.ts'
export { createBucket, owedMs, spend, type Bucket } from './rate.ts'
export { BOUNCES, bounceSays, type Bounce, type ErrorType } from './bounce.ts'
export { Ledger } from './outcome.ts'
export { EXTERNAL_LEG, INTERNAL_LEG, PAIR_LIMITS, PRIVATE_NETS, PROFILE_LEGS, legOfPolicy, legOfZone } from './defaults.ts'
export { appliesTo, compilePolicy, type PolicyTable, type Way } from './policy-table.ts'
export { lintAssignment, lintGateways } from './lint/lint.ts'
export type { GatewaySubject } from './lint/subject.ts'
