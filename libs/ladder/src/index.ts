// Observe: from a domain to everything that one vantage can see of it.

export { DEFAULT_TIMEOUTS, requestFor, type CheckRequest, type Override, type StageTimeouts } from './request.ts'
export { observe } from './observe.ts'
export type { Progress } from './progress.ts'
