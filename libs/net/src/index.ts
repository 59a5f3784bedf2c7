// The network as facts: DNS answers, connections, TLS and chains, every error classified once. Judges nothing.

export { toAscii, toHost } from './domain-name.ts'
export { guarded, parseCidr } from './address-guard.ts'
export { createResolver, systemResolver, type DnsQuestion, type DnsReply, type Resolver } from './resolver.ts'
export { connect, type Chunk, type Connection, type SecureOptions, type Secured } from './connection.ts'
export { anchorsOf, validateChain, type Anchors, type ChainResult } from './chain.ts'
export { classifyConnect, classifyStream, classifyTls } from './classify.ts'
