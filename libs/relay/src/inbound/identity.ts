/**
 * Whom a peer's certificate proves (gateways.md rows C4 to C7, D7, D15): the name first, which is cheap; then the chain, whatever its purpose; then dates
 * and pins. Judged for the exact domain at the moment of the decision (I9); what a chain is worth is kept by its digest.
 */
import { createHash } from 'node:crypto'
import { CERTIFICATE_BYTES, anchorsOf, createKept, validateChain, type Kept } from '@dialtone/net'
import type { LegRules } from '@dialtone/routing'
import { identityOf, pathProblem, readCertificate, type CertificateFacts } from '@dialtone/stream'
import type { Zone } from '../seams.ts'

/** The path to an anchor, leaf first; empty where there is none. `key`: SHA-256 of the leaf's SubjectPublicKeyInfo. */
export type Chain = { leaf: CertificateFacts | undefined, path: readonly CertificateFacts[], key: string }

/** For as long as the connection lives that they came by, and nothing beyond of those that lead nowhere: a stranger can make as many as it likes. */
const ofConnections = new WeakMap<readonly Uint8Array[], { trusted: object, chain: Chain }>()
const leaves = new WeakMap<readonly Uint8Array[], { leaf: CertificateFacts | undefined }>()
/** Those that lead to an anchor. */
const chains = new WeakMap<object, Kept<Chain>>()
const KEPT = { most: 10_000, weight: 32 * 1024 * 1024 }

/** DER, leaf first. */
export function chainOf (sent: readonly Uint8Array[], anchors: Zone['anchors']): Chain {
  const trusted = anchorsOf(anchors)
  const again = ofConnections.get(sent)
  if (again?.trusted === trusted) return again.chain
  let kept = chains.get(trusted)
  if (kept === undefined) chains.set(trusted, kept = createKept<Chain>(KEPT))
  const hash = createHash('sha256')
  for (const der of sent) hash.update(`${der.length} `).update(der)
  const digest = hash.digest('hex')
  const known = kept.get(digest)
  const chain = known ?? judged(sent, trusted)
  // What was read of a certificate takes about as much as the certificate, and of every name twice.
  if (known === undefined && chain.path.length > 0) kept.set(digest, chain, 2000 + 4 * sent.reduce((sum, { length }) => sum + Math.min(length, CERTIFICATE_BYTES), 0))
  ofConnections.set(sent, { trusted, chain })
  return chain
}

function judged (sent: readonly Uint8Array[], trusted: ReturnType<typeof anchorsOf>): Chain {
  const { chain, certificates } = validateChain(sent, trusted)
  const facts = (digest: string) => readCertificate(Buffer.from(certificates[digest]?.der ?? '', 'base64')) ?? []
  const [first] = chain.sent
  return {
    leaf: leafOf(sent),
    path: chain.trust === 'trusted' ? chain.path.flatMap(facts) : [],
    key: first === undefined ? '' : certificates[first]?.spkiSha256 ?? '',
  }
}

/** Whether what was sent is good for the domain now, as the leg demands. */
export function proves (sent: readonly Uint8Array[], anchors: Zone['anchors'], domain: string, leg: Pick<LegRules, 'certificate' | 'pins'>, now: number): boolean {
  const leaf = leafOf(sent)
  if (leaf === undefined || identityOf(leaf, domain).match === 'none') return false
  const { path, key } = chainOf(sent, anchors)
  return path.length > 0 && pathProblem(path, now) === undefined && (leg.certificate !== 'pinned' || leg.pins.includes(key))
}

/** What the first certificate says; undefined where there is none that is read. */
function leafOf (sent: readonly Uint8Array[]): CertificateFacts | undefined {
  const [first] = sent
  const known = leaves.get(sent)
  if (known !== undefined || first === undefined || first.length > CERTIFICATE_BYTES) return known?.leaf
  const leaf = readCertificate(first)
  leaves.set(sent, { leaf })
  return leaf
}
