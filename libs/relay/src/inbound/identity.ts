/**
 * Whom a peer's certificate proves (gateways.md rows C4 to C7, D7, D15): the name first, which is cheap; then the chain, whatever its purpose; then dates
 * and pins. Judged for the exact domain at the moment of the decision (I9); what a chain is worth is kept by its digest.
 */
import { createHash } from 'node:crypto'
import { anchorsOf, validateChain } from '@dialtone/net'
import type { LegRules } from '@dialtone/routing'
import { identityOf, readCertificate, type CertificateFacts } from '@dialtone/stream'
import type { Zone } from '../seams.ts'

/** The path to an anchor, leaf first; empty where there is none. `key`: SHA-256 of the leaf's SubjectPublicKeyInfo. */
export type Chain = { leaf: CertificateFacts | undefined, path: readonly (CertificateFacts | undefined)[], key: string }

const KEPT = 10_000
const chains = new WeakMap<object, Map<string, Chain>>()

/** DER, leaf first. */
export function chainOf (sent: readonly Uint8Array[], anchors: Zone['anchors']): Chain {
  const trusted = anchorsOf(anchors)
  let known = chains.get(trusted)
  if (known === undefined) chains.set(trusted, known = new Map<string, Chain>())
  const hash = createHash('sha256')
  for (const der of sent) hash.update(`${der.length} `).update(der)
  const digest = hash.digest('hex')
  const chain = known.get(digest) ?? judged(sent, trusted)
  // The one that was used last is the last to be forgotten.
  known.delete(digest)
  known.set(digest, chain)
  for (const oldest of known.keys()) {
    if (known.size <= KEPT) break
    known.delete(oldest)
  }
  return chain
}

function judged (sent: readonly Uint8Array[], trusted: ReturnType<typeof anchorsOf>): Chain {
  const { chain, certificates } = validateChain(sent, trusted)
  const facts = (digest: string) => readCertificate(Buffer.from(certificates[digest]?.der ?? '', 'base64'))
  const [first] = chain.sent
  return {
    leaf: first === undefined ? undefined : facts(first),
    path: chain.trust === 'trusted' ? chain.path.map(facts) : [],
    key: first === undefined ? '' : certificates[first]?.spkiSha256 ?? '',
  }
}

/** Whether what was sent is good for the domain now, as the leg demands. */
export function proves (sent: readonly Uint8Array[], anchors: Zone['anchors'], domain: string, leg: Pick<LegRules, 'certificate' | 'pins'>, now: number): boolean {
  const [first] = sent
  const facts = first === undefined ? undefined : readCertificate(first)
  if (facts === undefined || identityOf(facts, domain).match === 'none') return false
  const { path, key } = chainOf(sent, anchors)
  return path.length > 0 && path.every(each => each !== undefined && each.notBefore <= now && now <= each.notAfter) && (leg.certificate !== 'pinned' || leg.pins.includes(key))
}
