import { defineCounter, defineGauge } from '@dialtone/kernel'

export const responderAnswers = defineCounter('dialtone_responder_answers_total', 'Questions to the inside DNS responder, by what was answered: srv and address of the gateway, nodata, nxdomain, refused, any, forwarded, or what could not be read (formerr, notimp, badvers).', ['zone', 'transport', 'answer'])
export const responderForwarded = defineCounter('dialtone_responder_forwarded_total', 'Questions that the responder does not answer itself, by where the answer came from: cache, joined (another client had asked), resolver, none (all resolvers failed: SERVFAIL).', ['zone', 'from'])
export const responderResolver = defineCounter('dialtone_responder_resolver_failures_total', 'Attempts at a resolver that brought no answer: timeout, unreachable, stray (datagrams that answer nothing that was asked), failed (SERVFAIL or REFUSED).', ['zone', 'why'])
export const responderLimits = defineCounter('dialtone_responder_limits_total', 'What the responder left unanswered because of a limit: stranger (not among its clients), rate, in-flight, waiting, connections, pipeline, idle, size, unsent, cache (an answer thrown out early).', ['zone', 'limit'])
export const responderInFlight = defineGauge('dialtone_responder_in_flight', 'Questions that wait for a resolver at this moment.', ['zone'])

/** The limits, once. */
export type ResponderLimit = 'stranger' | 'rate' | 'in-flight' | 'waiting' | 'connections' | 'pipeline' | 'idle' | 'size' | 'unsent' | 'cache'
