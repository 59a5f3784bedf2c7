// Observe: from a domain to everything that one vantage can see of it.

export { DEEP_TIMEOUTS, DEFAULT_TIMEOUTS, requestFor, type CheckRequest, type DeepRequest, type Override, type StageTimeouts } from './request.ts'
export { observe } from './observe.ts'
export type { Progress } from './progress.ts'
export type { Expectation, Prove } from './listener/expectation.ts'
export { startListener, type Listener, type ListenerOptions } from './listener/listener.ts'
export { usableFamilies } from './usable-families.ts'
export { MOST_SECRET_BYTES, SECRET_OWNERS, certificatesOf, keysOfSecret, matchedCertificate, type SecretOwner } from './credentials.ts'
