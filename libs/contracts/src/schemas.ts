// The validators (TypeBox, JSON Schema) of the shapes that cross a process boundary.

export { Failure } from './failure.ts'
export { Deep, DeepConnection } from './deep.ts'
export { ListenerEvent } from './listener-event.ts'
export { DnsAnswer } from './dns-answer.ts'
export { EndpointObservation, Observation } from './observation.ts'
export { Finding, Half, JointReport, PairVerdict, Report, Verdict } from './report.ts'
export { firstProblem } from './problem.ts'
