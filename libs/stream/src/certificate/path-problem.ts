/**
 * What of a path to a trust anchor does not do today: dates, and what is too weak to mean anything. One judgement for both directions. An anchor is trusted for what it is, whatever its
 * dates, its key and its signature are (RFC 5280 §6.1 takes its name and key and nothing else), unless it is itself what the peer shows.
 */
import type { CertificateFacts } from './read-certificate.ts'

export type PathProblem = { is: 'not-yet-valid' | 'expired' | 'weak', facts: CertificateFacts, /** To follow the certificate's name in a sentence. */ says: string }

/** MD5 and SHA-1 have collisions: whoever can have one certificate signed has another (RFC 6151, RFC 9155). */
const BROKEN: ReadonlySet<string> = new Set(['md5WithRSA', 'sha1WithRSA', 'ecdsa-with-SHA1'])
const RSA_BITS = 2048

/** Leaf first, the anchor last; `now` in milliseconds since the epoch. */
export function pathProblem (path: readonly CertificateFacts[], now: number): PathProblem | undefined {
  const judged = path.length > 1 ? path.slice(0, -1) : path
  for (const facts of judged) {
    if (now < facts.notBefore) return { is: 'not-yet-valid', facts, says: 'is not valid yet' }
    if (facts.notAfter < now) return { is: 'expired', facts, says: 'has expired' }
    if (facts.key.algorithm === 'RSA' && facts.key.bits < RSA_BITS) return { is: 'weak', facts, says: `has an RSA key of ${facts.key.bits} bits, and ${RSA_BITS} are needed` }
    if (path.length > 1 && BROKEN.has(facts.signatureAlgorithm)) return { is: 'weak', facts, says: `is signed with ${facts.signatureAlgorithm}, which proves nothing any more` }
  }
  return undefined
}
