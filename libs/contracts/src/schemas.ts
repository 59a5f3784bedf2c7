// The validators (TypeBox, JSON Schema) of the shapes that cross a process boundary.

export { Failure } from './failure.ts'
export { DnsAnswer, EndpointObservation, Observation } from './observation.ts'
export { Finding, JointReport, Report, Verdict } from './report.ts'
export { firstProblem } from './problem.ts'
