// What all parts agree on. Words are values; shapes are types here and validators in '@dialtone/contracts/schemas',
// so that a command that validates nothing does not pay for loading a validator.

export {
  ACTORS, CAUSES, CHAIN_TRUST, CONFIDENCES, DIRECT_LADDER, DNS_OUTCOMES, DNS_PURPOSES, DNS_TYPES, ENDPOINT_KINDS, ENDPOINT_SOURCES, HOPS, LEVELS,
  PROFILES, SIDES, STAGES, STARTTLS_LADDER, STATES, STEP_OUTCOMES, STREAM_CONDITIONS, XML_LIMITS,
  type Actor, type Cause, type ChainTrust, type Confidence, type DnsOutcome, type DnsPurpose, type DnsType, type EndpointKind, type EndpointSource,
  type Hop, type Level, type Profile, type Side, type Stage, type State, type StepOutcome, type StreamCondition, type XmlLimit,
} from './words.ts'
export { DEFAULT_JUDGE_CONFIG, type JudgeConfig } from './judging.ts'
export type { Failure } from './failure.ts'
export type {
  Asked, ChainSeen, ClaimAnswer, DnsAnswer, DnsRecord, EndpointObservation, FeaturesSeen, HeaderSeen, Observation, Step, StoredCertificate, TlsSeen, TranscriptLine,
} from './observation.ts'
export type { Evidence, Finding, JointReport, Report, Untested, Verdict } from './report.ts'
