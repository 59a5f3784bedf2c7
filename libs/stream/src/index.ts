// XML streams: bytes to frames, frames to events, events to what is said next. Pure: no socket, no clock, no digest.

export { createFramer, type Framer } from './framer.ts'
export type { Attribute, ElementFrame, FramerError, FramerSink, HeaderFrame } from './frame.ts'
export { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, type Limits } from './limits.ts'
export { toElement, type Element } from './element.ts'
export { readHeader } from './read-header.ts'
export { readFeatures } from './read-features.ts'
export { readEvent, type DialbackAnswer, type Event } from './negotiation/event.ts'
export { advance, begin, type Command, type Plan, type State } from './negotiation/initiating.ts'
export { accept, advanceReceiving, type Command as ReceivingCommand, type Event as ReceivingEvent, type Offer, type Pair, type State as ReceivingState } from './negotiation/receiving.ts'
export {
  FOOTER, PROCEED, STARTTLS, STARTTLS_FAILURE, dialbackAnswerText, dialbackKeyText, dialbackQuestionText, externalText, headerText, streamErrorText,
} from './negotiation/write.ts'
export { ANY_PURPOSE, CLIENT_AUTH, SERVER_AUTH, readCertificate, type CertificateFacts } from './certificate/read-certificate.ts'
export { identityOf, type Identity } from './certificate/identity.ts'
