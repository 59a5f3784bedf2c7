/**
 * The minting authority (gateways.md §6.2 a): where an inside server insists on TLS with valid certificates, the gateway shows one in the name of each foreign domain, made when
 * it is first needed by a private authority that is trusted inside and nowhere else. Short-lived, kept in memory alone, so many at most.
 */
import { X509Certificate, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { OperatorError, defineCounter, type Clock, type Meter, type Random } from '@dialtone/kernel'
import type { KeyPair, Mint } from '../../seams.ts'
import { OCTETS, SEQUENCE, der, oid, valuesIn, type Value } from './der.ts'
import { writeLeaf, type Issuer } from './leaf.ts'

export const mintedTotal = defineCounter('dialtone_minted_certificates_total', 'Certificates for foreign domains that the private authority of an internal zone has made: new, renewed, or again because it had been pushed out.', ['zone'])

export type MintOptions = {
  zone: string
  /** PEM of the authority: its certificate, and those between it and the root, if there are any. */
  authority: KeyPair
  /** For sentences: what the operator calls it. */
  named: string
  clock: Clock
  random: Random
  meter: Meter
  /** Kept at once; the one that was longest not used goes. */
  most?: number
}

const HOUR = 3_600_000
/** It began before, for clocks that are behind; it is renewed when half of its time is over. */
const BEFORE = HOUR
const LIFE = 7 * 24 * HOUR
const MOST = 10_000
/** Signature algorithms (RFC 5758, RFC 4055, RFC 8410); null: the one that belongs to the key. */
const ALGORITHMS: Readonly<Record<string, { algorithm: Buffer, digest: string | null }>> = {
  'ec': { algorithm: der(SEQUENCE, oid('1.2.840.10045.4.3.2')), digest: 'sha256' },
  'rsa': { algorithm: der(SEQUENCE, oid('1.2.840.113549.1.1.11'), Buffer.from([5, 0])), digest: 'sha256' },
  'ed25519': { algorithm: der(SEQUENCE, oid('1.3.101.112')), digest: null },
}

/** Throws an OperatorError where the authority is none, or has ended. */
export function createMint ({ zone, authority, named, clock, random, meter, most = MOST }: MintOptions): Mint {
  const { issuer, ends, chain } = issuerOf(authority, named, clock.now())
  const kept = new Map<string, { pair: KeyPair, renewAt: number }>()
  const certificateFor = (domain: string): KeyPair | undefined => {
    const now = clock.now()
    if (now >= ends) return undefined
    const known = kept.get(domain)
    kept.delete(domain)
    if (known !== undefined && now < known.renewAt) {
      kept.set(domain, known)
      return known.pair
    }
    if (kept.size >= most) kept.delete(kept.keys().next().value as string)
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const notAfter = Math.min(ends, now + LIFE)
    const leaf = writeLeaf(issuer, { domain, publicKey, serial: random.bytes(16), notBefore: now - BEFORE, notAfter })
    const pair = { certificate: pemOf(leaf) + chain, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
    kept.set(domain, { pair, renewAt: now + Math.max(0, notAfter - now) / 2 })
    meter.add(mintedTotal, { zone })
    return pair
  }
  return { authority, ends, certificateFor }
}

/** `chain`: what is sent behind a leaf, which is all but a root. */
function issuerOf ({ certificate, key }: KeyPair, named: string, now: number): { issuer: Issuer, ends: number, chain: string } {
  const refuse = (why: string): never => { throw new OperatorError('bad-authority', `the authority ${named} ${why}`) }
  const blocks = certificate.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  let all: X509Certificate[] = []
  let secret: KeyObject | undefined
  try {
    all = blocks.map(block => new X509Certificate(block))
    secret = createPrivateKey(key)
  } catch { /* said below */ }
  const [own] = all
  if (own === undefined || secret === undefined) return refuse('cannot be read: give its certificate and its private key in PEM, the key without a passphrase')
  if (!own.checkPrivateKey(secret)) return refuse('has a key that does not belong to its certificate')
  if (!own.ca) return refuse('may not issue certificates (basicConstraints CA is not set): make one with: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Gateway inside" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign')
  const ends = Date.parse(own.validTo)
  if (ends <= now) return refuse(`ended at ${new Date(ends).toISOString()}: make another, and trust it on the inside servers`)
  const signs = ALGORITHMS[secret.asymmetricKeyType ?? '']
  if (signs === undefined) return refuse(`has a key of the kind ${secret.asymmetricKeyType ?? 'unknown'}: take EC (P-256), RSA or Ed25519`)
  const { subject, keyId } = readIssuer(own.raw) ?? refuse('breaks RFC 5280: make another')
  return { issuer: { subject, keyId, key: secret, ...signs }, ends, chain: all.filter(one => !one.checkIssued(one)).map(one => `${one.toString().trim()}\n`).join('') }
}

/** Its subject, and its subject key identifier, as they stand in the certificate (RFC 5280 §4.1, §4.2.1.2). */
function readIssuer (raw: Buffer): Pick<Issuer, 'subject' | 'keyId'> | undefined {
  const inside = (value: Value | undefined) => value === undefined ? undefined : valuesIn(value.content)
  const fields = inside(inside(valuesIn(raw)?.[0])?.[0])
  // version, serial, signature, issuer, validity, subject; one less in version 1, which is no authority.
  const subject = fields?.[5]
  if (fields === undefined || subject?.tag !== SEQUENCE) return undefined
  const extensions = inside(inside(fields.find(({ tag }) => tag === 0xA3))?.[0]) ?? []
  const wanted = oid('2.5.29.14')
  const found = extensions.map(inside).find(parts => parts?.[0]?.whole.equals(wanted) === true)?.at(-1)
  const keyId = found?.tag === OCTETS ? valuesIn(found.content)?.[0]?.content : undefined
  return { subject: subject.whole, keyId }
}

function pemOf (certificate: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replaceAll(/(.{64})(?!$)/g, '$1\n')}\n-----END CERTIFICATE-----\n`
}
