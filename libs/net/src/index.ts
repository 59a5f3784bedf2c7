// The network as facts: DNS answers, connections, TLS and chains, every error classified once. Judges nothing.

export { toAscii, toHost } from './domain-name.ts'
export { guarded, parseCidr } from './address-guard.ts'
export { createResolver, systemResolver, type DnsQuestion, type DnsReply, type Resolver } from './resolver.ts'
export { connect, type Chunk, type ConnectOptions, type Connection, type Flow } from './connection.ts'
export type { AcceptOptions, PeerSecured, SecureOptions, Secured } from './handshake.ts'
export { listen, type Accepted, type Listening, type ListenOptions } from './listen.ts'
export { createBuckets } from './buckets.ts'
export { hostOf, networkOf, withinNets } from './origin.ts'
export { createSparing, type Sparing } from './sparing.ts'
export { anchorsOf, validateChain, type Anchors, type ChainResult } from './chain.ts'
export { DIGEST, RANDOM } from './digest.ts'
export { classifyConnect, classifyStream, classifyTls } from './classify.ts'
