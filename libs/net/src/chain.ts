/**
 * Whether a chain leads to a trust anchor (RFC 5280 §6): signatures, CA flags, path lengths, name constraints. Dates, names and extended key usage are other
 * questions, judged elsewhere from the certificates; the platform's one error code would mix them (docs/decisions/0004).
 */
import { X509Certificate, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import type { ChainSeen, StoredCertificate } from '@dialtone/contracts'
import { readCertificate, violation, type CertificateFacts } from '@dialtone/stream'
import { createKept } from './kept.ts'

/** What a peer sends is bounded: certificates looked at, the bytes of one, and steps of the search for a path. */
const CERTIFICATES = 16
export const CERTIFICATE_BYTES = 16_384
const STEPS = 200
const KEY_CERT_SIGN = 0x0400
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

export type Anchors = { readonly kind: ChainSeen['anchors'], readonly bySubject: ReadonlyMap<string, readonly Link[]>, readonly byDigest: ReadonlyMap<string, Link>, /** Of these anchors alone, in keys. */ readonly id: number }
type Link = { certificate: X509Certificate, facts: CertificateFacts, digest: string }

export type ChainResult = { chain: ChainSeen, certificates: Record<string, StoredCertificate> }

const known = createKept<Anchors>({ most: 50 })
let made = 0
/** The same list again, without looking into it. */
const latest = new WeakMap<readonly string[], { system: boolean, anchors: Anchors }>()
/**
 * Chains that led to an anchor, by their digests: who has none has not earned a place, and is judged again. Of certificates nothing is kept but the digests.
 */
const trusted = createKept<ChainSeen>({ most: 20_000, weight: 16 * 1024 * 1024 })

/** Roughly, of all chains together. */
export function keptBytes (): number {
  return trusted.weight
}

/** Trust anchors: the system's bundle (or the runtime's where there is none), and PEM certificates beside or instead of them. Cached. */
export function anchorsOf ({ system, given }: { system: boolean, given: readonly string[] }): Anchors {
  const again = latest.get(given)
  if (again?.system === system) return again.anchors
  const anchors = anchorsIn(system, given)
  latest.set(given, { system, anchors })
  return anchors
}

function anchorsIn (system: boolean, given: readonly string[]): Anchors {
  const key = createHash('sha256').update(`${system}\n${given.join('\n')}`).digest('hex')
  const cached = known.get(key)
  if (cached !== undefined) return cached
  const bySubject = new Map<string, Link[]>()
  const byDigest = new Map<string, Link>()
  for (const pem of [...(system ? systemCertificates() : []), ...given.flatMap(text => text.match(PEM) ?? [])]) {
    const { raw } = new X509Certificate(pem)
    const link = linkOf(raw, digestOf(raw))
    if (link === undefined) continue
    byDigest.set(link.digest, link)
    bySubject.set(link.facts.subject, [...(bySubject.get(link.facts.subject) ?? []), link])
  }
  const anchors: Anchors = { kind: system ? given.length > 0 ? 'both' : 'system' : 'given', bySubject, byDigest, id: ++made }
  known.set(key, anchors)
  return anchors
}

/** Judges what a peer sent (DER, leaf first), and stores every certificate of it and of the path by digest. */
export function validateChain (sent: readonly Uint8Array[], anchors: Anchors): ChainResult {
  const bounded = sent.slice(0, CERTIFICATES)
  const digests = bounded.map(digestOf)
  const key = `${anchors.id} ${digests.join()}`
  const kept = trusted.get(key)
  const chain = kept ?? build(bounded.map((der, at) => der.length > CERTIFICATE_BYTES ? undefined : linkOf(der, digests[at] ?? '')), bounded[0]?.length ?? 0, digests, anchors)
  if (kept === undefined && chain.trust === 'trusted') trusted.set(key, chain, key.length + 80 * (chain.path.length + chain.sent.length) + 200)
  const certificates: Record<string, StoredCertificate> = {}
  for (const [at, digest] of digests.entries()) certificates[digest] ??= stored(bounded[at] ?? new Uint8Array(0))
  for (const digest of chain.path) {
    const anchor = anchors.byDigest.get(digest)
    if (anchor !== undefined) certificates[digest] ??= storedAnchor(anchor)
  }
  return { chain, certificates }
}

function build (sent: readonly (Link | undefined)[], leafBytes: number, digests: string[], anchors: Anchors): ChainSeen {
  const common = { sent: digests, anchors: anchors.kind }
  const [leaf] = sent
  if (leaf === undefined) return { ...common, trust: 'invalid', path: digests.slice(0, 1), detail: leafBytes > CERTIFICATE_BYTES ? `the first certificate has ${leafBytes} bytes, and no more than ${CERTIFICATE_BYTES} are looked at` : 'the first certificate cannot be read' }
  const unread = leaf.facts.criticalUnread[0]
  if (unread !== undefined) return { ...common, trust: 'invalid', path: [leaf.digest], detail: `the certificate has the critical extension ${unread}, which is not understood here` }
  const pool = sent.filter(link => link !== undefined)
  const search: Search = { steps: 0, longest: [leaf], refused: undefined }
  const path = extend([leaf], pool, anchors, search)
  if (path !== undefined) return { ...common, trust: 'trusted', path: path.map(({ digest }) => digest) }
  const end = search.longest.at(-1) ?? leaf
  if (search.refused !== undefined) return { ...common, trust: 'invalid', path: search.longest.map(({ digest }) => digest), detail: search.refused }
  const longest = search.longest.map(({ digest }) => digest)
  if (leaf.facts.selfIssued && signs(leaf, leaf)) return { ...common, trust: 'self-signed', path: [leaf.digest] }
  if (end.facts.selfIssued) return { ...common, trust: 'unknown-ca', path: longest, detail: `the chain ends at ${end.facts.subject}, which is not trusted here` }
  // Nobody sent the issuer: either the server leaves out an intermediate, or its authority is not known here. Only a named anchor tells.
  return { ...common, trust: pool.length === 1 || !end.facts.isAuthority ? 'incomplete' : 'unknown-ca', path: longest, detail: `nobody sent the issuer ${end.facts.issuer}` }
}

/** Depth first, shortest candidates as they were sent; bounded in steps whatever a peer sends. */
function extend (path: Link[], pool: readonly Link[], anchors: Anchors, search: Search): Link[] | undefined {
  const last = path.at(-1) as Link
  if (path.length > search.longest.length) search.longest = [...path]
  if (anchors.byDigest.has(last.digest)) {
    const constrained = misnamed(path)
    search.refused ??= constrained
    return constrained === undefined ? path : undefined
  }
  if (path.length > 10) return undefined
  const candidates = [...(anchors.bySubject.get(last.facts.issuer) ?? []), ...pool.filter(link => link.facts.subject === last.facts.issuer)]
  for (const issuer of candidates) {
    if (++search.steps > STEPS) return undefined
    if (path.some(({ digest }) => digest === issuer.digest) || !signs(issuer, last)) continue
    const unfit = unfitToIssue(issuer, path)
    if (unfit !== undefined) {
      search.refused ??= `${issuer.facts.subject} ${unfit}`
      continue
    }
    const found = extend([...path, issuer], pool, anchors, search)
    if (found !== undefined) return found
  }
  return undefined
}

/** `refused`: somebody signed the end of the path who may not. */
type Search = { steps: number, longest: Link[], refused: string | undefined }

/**
 * Why an issuer above `path` may not be one: CA flag, key usage and path length (RFC 5280 §6.1.4 k–n), and no critical extension that is not understood (§6.1.4 o),
 * so that whoever has one is trusted for nothing rather than for too much.
 */
function unfitToIssue ({ facts, certificate }: Link, path: readonly Link[]): string | undefined {
  const intermediates = path.slice(1).filter(link => !link.facts.selfIssued).length
  const [unread] = facts.criticalUnread
  if (unread !== undefined) return `has the critical extension ${unread}, which is not understood here`
  if (!facts.isAuthority && !certificate.ca) return 'signed it, and is no certificate authority'
  if (facts.keyUsage !== undefined && (facts.keyUsage & KEY_CERT_SIGN) === 0) return 'signed it, and its key may not sign certificates'
  return facts.pathLength !== undefined && intermediates > facts.pathLength ? `allows no more than ${facts.pathLength} intermediates below it` : undefined
}

/** Which authority of a whole path does not allow what it leads to (RFC 5280 §6.1.3 b and c); an anchor's constraints hold like any other's. Asked last: strangers get no path. */
function misnamed (path: readonly Link[]): string | undefined {
  for (const [at, { facts: { nameConstraints, subject } }] of path.entries()) {
    if (nameConstraints === undefined) continue
    for (const [below, { facts }] of path.slice(0, at).entries()) {
      const why = below > 0 && facts.selfIssued ? undefined : violation(nameConstraints, facts)
      if (why !== undefined) return `${subject} ${why}`
    }
  }
  return undefined
}

function signs (issuer: Link, subject: Link): boolean {
  try {
    return subject.certificate.verify(issuer.certificate.publicKey)
  } catch {
    return false
  }
}

function linkOf (der: Uint8Array, digest: string): Link | undefined {
  const facts = readCertificate(der)
  try {
    return facts === undefined ? undefined : { certificate: new X509Certificate(der), facts, digest }
  } catch {
    return undefined
  }
}

const storedAnchors = new WeakMap<Link, StoredCertificate>()

function storedAnchor (link: Link): StoredCertificate {
  const entry = storedAnchors.get(link) ?? stored(link.certificate.raw)
  storedAnchors.set(link, entry)
  return entry
}

/** A certificate that cannot be read, or is too large to be, has the digests of an empty key: no pin is that. */
function stored (der: Uint8Array): StoredCertificate {
  const facts = der.length > CERTIFICATE_BYTES ? undefined : readCertificate(der)
  const spki = facts === undefined ? new Uint8Array(0) : der.subarray(facts.spki.start, facts.spki.end)
  const hash = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
  return { der: Buffer.from(der).toString('base64'), sha512: hash('sha512', der), spkiSha256: hash('sha256', spki), spkiSha512: hash('sha512', spki) }
}

function digestOf (der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex')
}

function systemCertificates (): readonly string[] {
  try {
    return readFileSync(SYSTEM_BUNDLE, 'utf8').match(PEM) ?? []
  } catch {
    return tls.rootCertificates
  }
}
