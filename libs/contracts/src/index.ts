// What all parts agree on. Words are values; shapes are types here and validators in '@dialtone/contracts/schemas',
// so that a command that validates nothing does not pay for loading a validator.

export {
  ACTORS, CALLBACK_ANSWERS, CAUSES, CHAIN_TRUST, CONFIDENCES, DEEP_LADDERS, DEEP_ROLES, DEEP_STAGES, DEPTHS, DIRECT_LADDER, DNS_OUTCOMES, DNS_PURPOSES, DNS_TYPES, ENDPOINT_KINDS, ENDPOINT_SOURCES, HOPS, LEVELS,
  PROFILES, SIDES, STAGES, STARTTLS_LADDER, STATES, STEP_OUTCOMES, STREAM_CONDITIONS, XML_LIMITS,
  type Actor, type CallbackAnswer, type Cause, type ChainTrust, type Confidence, type DeepRole, type DeepStage, type Depth, type DnsOutcome, type DnsPurpose, type DnsType, type EndpointKind, type EndpointSource,
  type Hop, type Level, type Profile, type Side, type Stage, type State, type StepOutcome, type StreamCondition, type XmlLimit,
} from './words.ts'
export { DEFAULT_JUDGE_CONFIG, type JudgeConfig } from './judging.ts'
export type { Failure } from './failure.ts'
export type { Asked, ClaimAnswer, EndpointObservation, Observation, Step, StoredCertificate } from './observation.ts'
export type { Callback, Deep, DeepConnection, DeepStep, DialbackAnswerSeen, ListenerSeen, PairSeen, Pong, Software } from './deep.ts'
export type { ListenerEvent } from './listener-event.ts'
export type { DnsAnswer, DnsRecord } from './dns-answer.ts'
export type { ChainSeen, FeaturesSeen, HeaderSeen, TlsSeen, TranscriptLine } from './stream-seen.ts'
export type { Evidence, Finding, Half, JointReport, PairVerdict, Report, Untested, Verdict } from './report.ts'
