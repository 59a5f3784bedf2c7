/** How long and how much, of streams that we open (gateways.md 5.3, 5.8). All are arguments, so that tests need not wait. */
export type OutboundLimits = {
  /** One TCP connection, one target up to authentication, the whole route over all targets. */
  tcpMs: number
  targetMs: number
  routeMs: number
  /** Happy eyeballs: before the next address of a target is tried beside the one that has not answered (RFC 8305 §5). */
  staggerMs: number
  /** The peer's footer after ours (RFC 6120 §4.4). */
  closeMs: number
  /** A peer that takes nothing, or acknowledges nothing that it was asked to (row R10). */
  stuckMs: number
  /** White space after so long without a word of ours: between these two, different for every stream. */
  keepAliveMs: readonly [number, number]
  /** The shared wheel of all streams. */
  tickMs: number
  /** Back-off of a bad target: at first, and at most. */
  badTargetMs: number
  badTargetMostMs: number
  /** Bad targets that are remembered; the oldest goes first. */
  badTargets: number
  /** XEP-0198: an acknowledgement is asked for after so many stanzas, or when nothing was written for a tick. */
  ackEvery: number
  /** 5269, except in tests: where the addresses of a domain without records are tried. */
  fallbackPort: number
}

export const LIMITS: OutboundLimits = {
  tcpMs: 10_000, targetMs: 20_000, routeMs: 60_000, staggerMs: 250, closeMs: 5000, stuckMs: 120_000, keepAliveMs: [60_000, 300_000], tickMs: 1000,
  badTargetMs: 60_000, badTargetMostMs: 3_600_000, badTargets: 10_000, ackEvery: 50, fallbackPort: 5269,
}

/** For the tests of the security table alone: each takes one guard away, and the attack that it stops then succeeds. */
export type Weakened = {
  /** C2: a peer that does not offer STARTTLS is spoken to in clear, whatever the rules of the leg say. */
  stripped?: true
  /** C3: EXTERNAL in clear. */
  externalInClear?: true
  /** C5 to C7, C11, D15: every certificate is good. */
  anyCertificate?: true
  /** D1, D2, D9: an answer to whatever is taken for the answer to what was asked. */
  anyAnswer?: true
  /** S1: records may lead to every port. */
  anyPort?: true
  /** R10: a peer may take nothing for ever. */
  patient?: true
}
