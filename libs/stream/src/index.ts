// XML streams: bytes to frames, frames to events, events to what is said next. Pure: no socket, no clock, no digest.

export { createFramer, type Framer } from './framer.ts'
export type { Attribute, ElementFrame, FramerError, FramerSink, HeaderFrame } from './frame.ts'
export { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, type Limits } from './limits.ts'
export { childrenOf, toElement, type Element } from './element.ts'
export { serialise } from './serialise.ts'
export { canonicalDomain, domainOf } from './domain.ts'
export { isLegacy, readHeader } from './read-header.ts'
export { readFeatures } from './read-features.ts'
export { keysOf, type Keys, type KeyScope } from './dialback-key.ts'
export { readEvent, type DialbackAnswer, type Event } from './negotiation/event.ts'
export { advance, begin, type Command, type Plan, type Question, type State } from './negotiation/initiating.ts'
export type { Pair } from './negotiation/pair.ts'
export { accept, advanceReceiving, type Event as ReceivingEvent, type State as ReceivingState } from './negotiation/receiving.ts'
export type { Command as ReceivingCommand } from './negotiation/receiving-command.ts'
export type { Offer, Rules, StreamLimits } from './negotiation/rules.ts'
export {
  ACKNOWLEDGEMENT_REQUEST, BIDI_REQUEST, ENABLE, ENABLED, FOOTER, OWN_DECLARATIONS, PROCEED, SASL_SUCCESS, STARTTLS, STARTTLS_FAILURE, acknowledgementText, dialbackAnswerText, dialbackKeyText, dialbackQuestionText, externalText, featuresText, headerText, saslFailureText,
  enableFailureText, streamErrorText,
} from './negotiation/write.ts'
export { bounceText, type Bounce } from './negotiation/bounce.ts'
export { ANY_PURPOSE, CLIENT_AUTH, SERVER_AUTH, readCertificate, type CertificateFacts } from './certificate/read-certificate.ts'
export { DIALBACK, SASL, SERVER, STREAMS, STREAM_ERRORS, TLS } from './namespaces.ts'
export { identityOf, type Identity } from './certificate/identity.ts'
export { violation, type NameConstraints } from './certificate/name-constraints.ts'
export { pathProblem, type PathProblem } from './certificate/path-problem.ts'
