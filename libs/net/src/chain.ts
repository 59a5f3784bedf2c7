/**
 * Whether a chain leads to a trust anchor (RFC 5280 §6): signatures, CA flags, path lengths. Dates, names and extended key usage are other
 * questions, judged elsewhere from the certificates; the platform's one error code would mix them (docs/decisions/0004).
 */
import { X509Certificate, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import type { ChainSeen, StoredCertificate } from '@dialtone/contracts'
import { readCertificate, type CertificateFacts } from '@dialtone/stream'

/** What a peer sends is bounded: certificates looked at, and steps of the search for a path. */
const CERTIFICATES = 16
const STEPS = 200
const KEY_CERT_SIGN = 0x0400
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

export type Anchors = { readonly kind: ChainSeen['anchors'], readonly bySubject: ReadonlyMap<string, readonly Link[]>, readonly digests: ReadonlySet<string> }
type Link = { certificate: X509Certificate, facts: CertificateFacts, digest: string }

export type ChainResult = { chain: ChainSeen, certificates: Record<string, StoredCertificate> }

const known = new Map<string, Anchors>()
/** The same list again, without looking into it. */
const latest = new WeakMap<readonly string[], { system: boolean, anchors: Anchors }>()
const links = new Map<string, Link | undefined>()
const results = new WeakMap<Anchors, Map<string, ChainSeen>>()

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
  const digests = new Set<string>()
  for (const pem of [...(system ? systemCertificates() : []), ...given.flatMap(text => text.match(PEM) ?? [])]) {
    const link = linkIn(new X509Certificate(pem).raw)
    if (link === undefined) continue
    digests.add(link.digest)
    bySubject.set(link.facts.subject, [...(bySubject.get(link.facts.subject) ?? []), link])
  }
  const anchors: Anchors = { kind: system ? given.length > 0 ? 'both' : 'system' : 'given', bySubject, digests }
  if (known.size < 50) known.set(key, anchors)
  return anchors
}

/** Judges what a peer sent (DER, leaf first), and stores every certificate of it and of the path by digest. */
export function validateChain (sent: readonly Uint8Array[], anchors: Anchors): ChainResult {
  const bounded = sent.slice(0, CERTIFICATES)
  const digests = bounded.map(digestOf)
  const cache = results.get(anchors) ?? new Map<string, ChainSeen>()
  results.set(anchors, cache)
  const key = digests.join()
  const chain = cache.get(key) ?? build(bounded.map((der, at) => linkOf(der, digests[at] ?? '')), digests, anchors)
  if (cache.size < 10_000) cache.set(key, chain)
  const certificates: Record<string, StoredCertificate> = {}
  for (const [at, digest] of digests.entries()) certificates[digest] = stored(bounded[at] ?? new Uint8Array(0), digest)
  for (const digest of chain.path) {
    const link = links.get(digest)
    if (link !== undefined) certificates[digest] ??= stored(link.certificate.raw, digest)
  }
  return { chain, certificates }
}

function build (sent: readonly (Link | undefined)[], digests: string[], anchors: Anchors): ChainSeen {
  const common = { sent: digests, anchors: anchors.kind }
  const [leaf] = sent
  if (leaf === undefined) return { ...common, trust: 'invalid', path: digests.slice(0, 1), detail: 'the first certificate cannot be read' }
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
  if (anchors.digests.has(last.digest)) return path
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
 * Why an issuer above `path` may not be one: CA flag, key usage and path length (RFC 5280 §6.1.4 k–n), and no critical extension that is not understood (§6.1.4 o):
 * name constraints are among those, so that a constrained authority is trusted for nothing rather than for too much.
 */
function unfitToIssue ({ facts, certificate }: Link, path: readonly Link[]): string | undefined {
  const intermediates = path.slice(1).filter(link => !link.facts.selfIssued).length
  const [unread] = facts.criticalUnread
  if (unread !== undefined) return `has the critical extension ${unread}, which is not understood here`
  if (!facts.isAuthority && !certificate.ca) return 'signed it, and is no certificate authority'
  if (facts.keyUsage !== undefined && (facts.keyUsage & KEY_CERT_SIGN) === 0) return 'signed it, and its key may not sign certificates'
  return facts.pathLength !== undefined && intermediates > facts.pathLength ? `allows no more than ${facts.pathLength} intermediates below it` : undefined
}

function signs (issuer: Link, subject: Link): boolean {
  try {
    return subject.certificate.verify(issuer.certificate.publicKey)
  } catch {
    return false
  }
}

function linkIn (der: Uint8Array): Link | undefined {
  return linkOf(der, digestOf(der))
}

function linkOf (der: Uint8Array, digest: string): Link | undefined {
  if (links.has(digest)) return links.get(digest)
  const facts = readCertificate(der)
  let link: Link | undefined
  try {
    link = facts === undefined ? undefined : { certificate: new X509Certificate(der), facts, digest }
  } catch {
    link = undefined
  }
  if (links.size < 20_000) links.set(digest, link)
  return link
}

const storedCache = new Map<string, StoredCertificate>()

function stored (der: Uint8Array, digest: string): StoredCertificate {
  const cached = storedCache.get(digest)
  if (cached !== undefined) return cached
  const link = linkOf(der, digest)
  let spki: Buffer | undefined
  try {
    spki = link?.certificate.publicKey.export({ type: 'spki', format: 'der' })
  } catch { /* a key that the runtime does not know has no digest worth publishing */ }
  const hash = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
  const entry = {
    der: Buffer.from(der).toString('base64'),
    sha512: hash('sha512', der),
    spkiSha256: hash('sha256', spki ?? new Uint8Array(0)),
    spkiSha512: hash('sha512', spki ?? new Uint8Array(0)),
  }
  if (storedCache.size < 20_000) storedCache.set(digest, entry)
  return entry
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
