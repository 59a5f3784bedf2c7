// What all parts agree on. Words are values; shapes are types here and validators in '@dialtone/contracts/schemas',
// so that a command that validates nothing does not pay for loading a validator.

export {
  ACTORS, CALLBACK_ANSWERS, CAUSES, CHAIN_TRUST, CONFIDENCES, DEEP_LADDERS, DEEP_ROLES, DEEP_STAGES, DEPTHS, DIRECT_LADDER, DNS_OUTCOMES, DNS_PURPOSES, DNS_TYPES, ENDPOINT_KINDS, ENDPOINT_SOURCES, HOPS, LEVELS, OUTCOMES,
  PROFILES, REFUSALS, SIDES, STAGES, STARTTLS_LADDER, STATES, STEP_OUTCOMES, STREAM_CONDITIONS, XML_LIMITS,
  type Actor, type CallbackAnswer, type Cause, type ChainTrust, type Confidence, type DeepRole, type DeepStage, type Depth, type DnsOutcome, type DnsPurpose, type DnsType, type EndpointKind, type EndpointSource,
  type Hop, type Level, type Outcome, type Profile, type Refusal, type Side, type Stage, type State, type StepOutcome, type StreamCondition, type XmlLimit,
} from './words.ts'
export { runbookOf } from './runbook.ts'
export { DEFAULT_JUDGE_CONFIG, type JudgeConfig } from './judging.ts'
export type { Failure } from './failure.ts'
export type { Asked, ClaimAnswer, EndpointObservation, Observation, Step, StoredCertificate } from './observation.ts'
export type { Callback, Deep, DeepConnection, DeepStep, DialbackAnswerSeen, ListenerSeen, PairSeen, Pong, Software } from './deep.ts'
export type { ListenerEvent } from './listener-event.ts'
export type { DnsAnswer, DnsRecord } from './dns-answer.ts'
export type { ChainSeen, FeaturesSeen, HeaderSeen, TlsSeen, TranscriptLine } from './stream-seen.ts'
export type { Evidence, Finding, Half, JointReport, PairVerdict, Report, Untested, Verdict } from './report.ts'
export {
  STREAMS, domainTokens, type Bus, type CommandType, type Delivery, type Document, type DocumentChange, type DocumentType, type Documents, type EventType, type Extent, type From, type StreamAt, type StreamName, type Subscription, type Unanswered,
} from './bus.ts'
export type { AgentPresence, Assignment, CheckProgress, Job, ObservationRecorded, Target } from './fleet.ts'
export type { HookCommand, HookName, HooksFile } from './hooks-file.ts'
export type { FleetConfig, FleetPairVerdict, FleetVerdict, PeerReach, Standpoint, Witness } from './fleet-verdict.ts'
export type { Announcement, Incident, Subject } from './incident.ts'
export type { AuditEntry } from './audit.ts'
export type { Configuration, DomainSpec, ExceptionSpec, Kind, ManagedServerSpec, PeerSpec, Resource, ScheduleSpec, Specs, VantageSpec } from './resources/kinds.ts'
export type { ComponentsSpec, GatewayLimits, GatewaySpec, PolicySpec, ResponderSpec, RouteSpec, ZoneSpec } from './resources/gateway.ts'
export type { Conservation, DrainProgress, GatewayAssignment, GatewayEvent, GatewayPresence, PairFacts, QueueView, RouteExplanation, RouteStep, StreamView } from './gateway.ts'
export type { Endpoint, SecretRef } from './resources/common.ts'
export type {
  Agents, Audit, ChangeView, Changes, CheckView, DomainView, HalfView, Incidents, LiveEvent, ObservationRow, Observations, Overview, OverviewRow, PairView, Problem, Role, Span, Summary, Timeline, TokenView, VantageView,
} from './api.ts'
export type { OverviewFilter, PageOf, Period, Readings } from './readings.ts'
export type { ConfigurationChange, ConfigurationView, Lease } from './configuration-view.ts'
export type { CauseView, Causes, Expiries, Expiry, Found, ListenerView, Listeners, Meta, SearchResults } from './api-vocabulary.ts'
export type { CheckRequest, CommandDone, HookDone, MaintenanceRequest, NoteKept, NoteRequest, QuarantineRequest, Reasoned, ResetRequest } from './api-commands.ts'
export type { ApplyRequest, ApplyResult, FieldChange, LintFinding, LintReport, ResourceWrite, RevisionView } from './resource-api.ts'
export type { GatewayActRequest, GatewayActWord, GatewayDone, GatewayStatus, GatewayTrace, GatewayView, GatewayWant, GatewayWantRequest, QueuesOfGateway, RouteExplanations, StreamsOfGateway } from './api-gateways.ts'
