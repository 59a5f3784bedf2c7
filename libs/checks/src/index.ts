// Observations in, findings out: one table of outcomes and one pure function per check.

export { CHECKS } from './catalogue.ts'
export { ask, defineConnectionCheck, defineDomainCheck, defineEndpointCheck, type Answer, type Check, type ConnectionCheck, type DeepObservation, type DomainCheck, type EndpointCheck, type Outcome } from './check.ts'
export { DEVIATIONS, deviationOf, type Deviation, type Meaning } from './deviations.ts'
export { DIALBACK_DEVIATIONS, dialbackDeviationOf, dialbackMeaning, type DialbackDeviation, type DialbackMeaning } from './dialback-deviations.ts'
export { callbackOf, type CallbackOutcome } from './deep/dialback-callback.ts'
export { dialbackOf, type DialbackOutcome } from './deep/dialback-answer.ts'
export { externalOf, type ExternalOutcome } from './deep/external.ts'
export { addressesOf, arrivals, comesFrom, earlyMs, listens, offersDialback, seconds, stopped, strays, told, worded } from './deep/seen.ts'
export { examine } from './examine.ts'
export { outlineOf } from './outline.ts'
export { endsAt, identity, leafOf, pathOf } from './certificates.ts'
export { PROFILE_DATA, type Expectation } from './profiles.ts'
