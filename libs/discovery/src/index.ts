// From a domain to an ordered plan of what to connect to, one round of DNS questions at a time.

export { discover, type DiscoveryOptions, type Question } from './discover.ts'
export { isAbsent, isFailed, portProbes, type DiscoveryOutcome, type Plan, type PlannedEndpoint } from './plan.ts'
export { saysNo, serviceAnswers, srvRecords, targetsOf, type Service, type SrvRecord, type Target } from './srv-records.ts'
export { predictedOrders, srvOrder, type Hop, type PredictedOrder, type Server } from './srv-order.ts'
export { addressBytes, sameAddress } from './address.ts'
export { canBeAsked, isAddress, targetProblem, type TargetProblem } from './host-name.ts'
