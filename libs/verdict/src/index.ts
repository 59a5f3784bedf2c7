// What is wrong, whose it is and what to change, from observations alone.

export { judge } from './judge.ts'
export { judgeDomain, type DomainQuestion } from './judge-domain.ts'
export { judgePair, type PairQuestion } from './judge-pair.ts'
export type { InsideWays } from './fleet/behind-gateways.ts'
export type { CarriedBy } from './fleet/gateway-facts.ts'
export { closesTheWayIn } from './fleet/pair-rules.ts'
export { reachOf } from './fleet/reach.ts'
export { advanceIncidents, forgetSubjects, shownIncident, tickIncidents, type IncidentChange, type IncidentEvent, type IncidentRules, type NewIncidentId } from './incidents/advance.ts'
export { CAUSE_ROWS } from './causes/index.ts'
export { ORDER } from './causes/order.ts'
export type { CauseRow } from './causes/row.ts'
