/** What strangers may take of a listener (XEP-0205; gateways: limits before authentication). Times in milliseconds. */
export type ListenerLimits = {
  /** Connections at once, in all. One in ten is kept for peers that are under check. */
  connections: number
  /** Connections at once from one address (or IPv6 network), in a burst, and a second; peers under check may have as many as there are. */
  connectionsPerAddress: number
  accepts: number
  acceptsPerSecond: number
  /** Questions that one address may ask in a burst, and how many a second are given back; ten times as many for peers under check. */
  questions: number
  questionsPerSecond: number
  /** Questions and keys that are refused on one stream before it ends. */
  refusals: number
  /** Keys of one peer under check that are proved at once, and in all; from addresses other than its own, half as many. */
  proofsAtOnce: number
  proofs: number
  /** To a whole stream header, each. */
  helloMs: number
  tlsMs: number
  /** From the accept to the first thing of use: a key that was ours, or an authenticated pair. */
  negotiationMs: number
  /** Without any element, once it was of use. */
  idleMs: number
  /** Bytes that a peer does not take from us. */
  unsentBytes: number
}

export const LISTENER_LIMITS: ListenerLimits = {
  connections: 500, connectionsPerAddress: 20, accepts: 50, acceptsPerSecond: 20, questions: 50, questionsPerSecond: 5, refusals: 20, proofsAtOnce: 4, proofs: 20,
  helloMs: 10_000, tlsMs: 15_000, negotiationMs: 60_000, idleMs: 120_000, unsentBytes: 65_536,
}
