// What strangers and peers may take of the listeners (gateways.md 5.2, 5.4, XEP-0205). Times in milliseconds.
import type { GatewaySpec } from '@dialtone/contracts'

export type InboundLimits = {
  /** Not authenticated, at once; one in ten is kept for addresses from which a configured peer has authenticated before. */
  connections: number
  /** Not authenticated, from one network; accepts of it in a burst, and a second. Ten times as many for addresses that are known. */
  connectionsPerAddress: number
  accepts: number
  acceptsPerSecond: number
  stanzaBytes: number
  /** To a whole stream header, each; of a TLS handshake; from the accept to the first thing of use. */
  helloMs: number
  tlsMs: number
  negotiationMs: number
  /** For the answer of an authoritative server. */
  verifyMs: number
  /** For the peer's footer after ours. */
  closeMs: number
  /** Without traffic. Half of it, and white space shows whether the connection is alive. */
  idleMs: number
  /** Keys that are proved at once: from one network, and in one zone, a quarter of which is kept for networks that are known; on one stream the table's own bound holds. */
  verificationsPerAddress: number
  verifications: number
  /** How long a network is not believed about a domain whose key was refused. */
  refusedMs: number
  /** The same where the domain's server could not be asked. */
  unaskedMs: number
  /** Questions about keys from one network in a burst, and a second; a hundred times as many from addresses that are known, and no bound inside. */
  questions: number
  questionsPerSecond: number
  /** Questions and keys that are refused on one stream before it ends. */
  refusals: number
  /** Bytes that a peer does not take of our answers. */
  unsentBytes: number
  /** How long it may take nothing at all (row R10). */
  stuckMs: number
}

/** The configured limits over the defaults; `given` over both, for tests. */
export function limitsOf (limits: GatewaySpec['limits'] = {}, given: Partial<InboundLimits> = {}): InboundLimits {
  const { connections = 1000, connectionsPerAddress = 50, acceptsPerSecond = 20, stanzaBytes = 262_144, helloSeconds = 10, negotiationSeconds = 60, idleSeconds = 900 } = limits
  return {
    connections, connectionsPerAddress, acceptsPerSecond, accepts: Math.ceil(acceptsPerSecond * 2.5), stanzaBytes,
    helloMs: helloSeconds * 1000, tlsMs: 15_000, negotiationMs: negotiationSeconds * 1000, verifyMs: 30_000, closeMs: 5000, idleMs: idleSeconds * 1000,
    verificationsPerAddress: 8, verifications: 64, refusedMs: 60_000, unaskedMs: 1000, questions: 50, questionsPerSecond: 5, refusals: 20, unsentBytes: 65_536, stuckMs: 120_000, ...given,
  }
}
