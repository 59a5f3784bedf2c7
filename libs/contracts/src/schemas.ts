// The validators (TypeBox, JSON Schema) of the shapes that cross a process boundary.

export { Failure } from './failure.ts'
export { Deep, DeepConnection } from './deep.ts'
export { ListenerEvent } from './listener-event.ts'
export { DnsAnswer } from './dns-answer.ts'
export { EndpointObservation, Observation } from './observation.ts'
export { Finding, Half, JointReport, PairVerdict, Report, Verdict } from './report.ts'
export { firstProblem } from './problem.ts'
export {
  ASSIGNMENT_KEY, AgentPresence, Assignment, CheckNow, CheckProgress, JOBS, ObservationEvent, ObservationRecorded, PRESENCE_PERIOD_SECONDS, PresenceDocument, ResetTarget, RunHook, Target, TellTime, assignmentDocument,
} from './fleet.ts'
export { HOOKS, HookCommand, HooksFile } from './hooks-file.ts'
export { FleetPairVerdict, FleetVerdict } from './fleet-verdict.ts'
export { Announcement, AnnouncementEvent, INCIDENT_EVENTS, INCIDENT_STATES, Incident, Subject } from './incident.ts'
export { AuditEntry, AuditEvent } from './audit.ts'
export { AnyResource, CONFIGURATION_KEY, Configuration, ConfigurationDocument, DomainSpec, ExceptionSpec, KINDS, ManagedServerSpec, PeerSpec, ScheduleSpec, VantageSpec } from './resources/kinds.ts'
export { ComponentsSpec, DomainPattern, GatewayLimits, GatewaySpec, PolicySpec, ResponderSpec, RouteSpec, ZoneSpec } from './resources/gateway.ts'
export {
  Conservation, DrainProgress, ExplainRoute, GATEWAY_STATES, GatewayAct, GatewayAssignment, GatewayEvent, GatewayPresence, GatewayPresenceDocument, GatewayQueues, GatewayStreams, PairFacts, PairFactsEvent, QueueView, ROUTE_STATES, RouteExplanation, RouteStep, StreamView,
  gatewayDocument,
} from './gateway.ts'
export { Address, Cidr, DomainName, Endpoint, Name, Port, SecretRef, Time } from './resources/common.ts'
export {
  Agents, Audit, CHANGE_KINDS, ChangeView, Changes, CheckView, DomainView, HalfView, Incidents, ObservationRow, Observations, Overview, OverviewRow, PairView, Problem, ROLES, Span, Summary, Timeline, TokenView, VantageView, pageOf,
} from './api.ts'
export { CauseView, Causes, EXPIRY_KINDS, Expiries, Expiry, FOUND_KINDS, Found, ListenerView, Listeners, Meta, SearchResults } from './api-vocabulary.ts'
export { CheckRequest, CommandDone, HookDone, MaintenanceRequest, NoteKept, NoteRequest, QuarantineRequest, Reasoned, ResetRequest } from './api-commands.ts'
export { ApplyRequest, ApplyResult, FieldChange, LINT_LEVELS, LintFinding, LintReport, ResourceWrite, RevisionView } from './resource-api.ts'
export {
  GATEWAY_ACTS, GATEWAY_WANTS, GatewayActRequest, GatewayDone, GatewayStatus, GatewayTrace, GatewayView, GatewayWantRequest, QueuesOfGateway, RouteExplanations, StreamsOfGateway,
} from './api-gateways.ts'
