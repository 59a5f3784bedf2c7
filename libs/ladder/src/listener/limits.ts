/** What strangers may take of a listener (XEP-0205; gateways: limits before authentication). Times in milliseconds. */
export type ListenerLimits = {
  /** Connections at once, in all. One in ten is kept for peers that are under check. */
  connections: number
  /** Connections at once from one address; peers under check may have as many as there are. */
  connectionsPerAddress: number
  /** Questions that one address may ask in a burst, and how many a second are given back. */
  questions: number
  questionsPerSecond: number
  /** To a whole stream header, each. */
  helloMs: number
  tlsMs: number
  /** From the accept to the first thing of use: a question that was answered, or an authenticated pair. */
  negotiationMs: number
  /** Without any element, once it was of use. */
  idleMs: number
  /** Bytes that a peer does not take from us. */
  unsentBytes: number
}

export const LISTENER_LIMITS: ListenerLimits = {
  connections: 500, connectionsPerAddress: 20, questions: 50, questionsPerSecond: 5,
  helloMs: 10_000, tlsMs: 15_000, negotiationMs: 60_000, idleMs: 120_000, unsentBytes: 65_536,
}
