// The S2S routing gateway as an engine: zones, listeners, routes, queues, drain, the inside DNS responder.

export type { CertificateSeen, ConfigurationProblem, DialFailure, DialRequest, Intake, Lane, OutStream, Relay, RelayOptions, Selection, Source, Surroundings, World, Zone } from './seams.ts'
export { createWorld, type NewWorld, type WorldFinding, type WorldOptions } from './world.ts'
export { startResponder, type Responder, type ResponderOptions } from './attach/dns/responder.ts'
export { RESOLVERS, zoneFile, type ResolverKind, type ZoneFileOptions } from './attach/dns/zone-file.ts'
export { startAttachments, type AttachmentOptions, type Attachments, type OutHeard } from './attach/attachments.ts'
export { startInbound, type Inbound, type InboundOptions } from './inbound/inbound.ts'
export { RELAY_METRICS } from './metrics.ts'
export type { Authenticated, InboundHooks } from './inbound/hooks.ts'
export { createDial, type Dialing, type OutboundOptions } from './outbound/dial.ts'
export { createVerify } from './outbound/verify.ts'
export { createRelay } from './relay.ts'
