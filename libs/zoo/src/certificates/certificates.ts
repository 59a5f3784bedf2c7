/**
 * Certificates of every kind that servers show, good and bad, made when they are needed and kept for the life of the process. The keys exist
 * nowhere but in its memory. ECDSA P-256 unless a scenario needs RSA (RFC 5280; RFC 6120 §13.7).
 */
import { createHash, webcrypto } from 'node:crypto'
import type { X509Certificate } from '@peculiar/x509'
import { loadX509 } from './load-x509.ts'
import { subjectAlternativeName, type Names } from './subject-alternative-name.ts'

/** What is wanted, as data. */
export type CertificateSpec = {
  names: Names
  /** Without it the subject is empty, as public CAs issue today. */
  commonName?: string
  /**
   * `root`: the zoo's CA, which a scenario trusts. `intermediate`: below it. `unknown`: another root, which nobody trusts.
   * `self`: signed by its own key.
   */
  issuer?: 'root' | 'intermediate' | 'unknown' | 'self'
  /** Leaves the intermediate out of what is sent. */
  withoutIntermediate?: true
  /** Days from now; negative is past. Default from -1 to 90. */
  validDays?: { from: number, to: number }
  /** Extended key usage; an empty list leaves the extension out. Default both. */
  usages?: readonly ('serverAuth' | 'clientAuth')[]
  /** Default `p256`. `rsa-1024` is weaker than anyone should accept. */
  key?: 'p256' | 'rsa-2048' | 'rsa-1024'
}

/** PEM. `chain` is what a server sends: the leaf first. `spkiSha256` is what a TLSA record `3 1 1` holds. */
export type Issued = { chain: string, key: string, spkiSha256: Uint8Array }

type Algorithm = webcrypto.EcKeyGenParams & { hash: string } | webcrypto.RsaHashedKeyGenParams
type Authority = { certificate: X509Certificate, keys: webcrypto.CryptoKeyPair, algorithm: Algorithm }

const DAY = 86_400_000
/** Certificates begin and end on whole hours, so that a second of delay changes nothing. */
const HOUR = 3_600_000
const USAGE = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' }
const SAN = '2.5.29.17'

const authorities = new Map<string, Promise<Authority>>()
const issued = new Map<string, Promise<Issued>>()

/** A certificate as described: the same description gives the same certificate. */
export function certificateFor (spec: CertificateSpec): Promise<Issued> {
  return remembered(issued, JSON.stringify(spec), () => issue(spec))
}

/** The root that scenarios trust, in PEM. */
export async function trustedRoot (): Promise<string> {
  return (await authority('root')).certificate.toString('pem')
}

async function issue (spec: CertificateSpec): Promise<Issued> {
  const x509 = await loadX509()
  const algorithm = algorithmOf(spec.key ?? 'p256')
  const keys = await generate(algorithm)
  const by = spec.issuer === undefined || spec.issuer === 'self' ? spec.issuer : await authority(spec.issuer)
  const issuer = by === 'self' ? undefined : by ?? await authority('root')
  const { from, to } = spec.validDays ?? { from: -1, to: 90 }
  const names = Object.values(spec.names).some(list => list.length > 0)
  const usages = spec.usages ?? ['serverAuth', 'clientAuth']
  const subject = spec.commonName === undefined ? '' : `CN=${spec.commonName}`
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialOf(JSON.stringify(spec)),
    // A self-signed certificate needs a name: without one its issuer is no different from an unknown one.
    subject: subject === '' && issuer === undefined ? 'CN=Self-signed' : subject,
    issuer: issuer?.certificate.subject ?? (subject === '' ? 'CN=Self-signed' : subject),
    notBefore: at(from),
    notAfter: at(to),
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: issuer?.algorithm ?? algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...(usages.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(usages.map(usage => USAGE[usage]))]),
      ...(names ? [new x509.Extension(SAN, subject === '' && issuer !== undefined, subjectAlternativeName(spec.names))] : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(issuer === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey)]),
    ],
  })
  const above = spec.issuer === 'intermediate' && spec.withoutIntermediate !== true ? [await authority('intermediate')] : []
  return {
    chain: [certificate, ...above.map(entry => entry.certificate)].map(entry => `${entry.toString('pem')}\n`).join(''),
    key: await pem(keys.privateKey),
    spkiSha256: createHash('sha256').update(new Uint8Array(certificate.publicKey.rawData)).digest(),
  }
}

function authority (name: 'root' | 'intermediate' | 'unknown'): Promise<Authority> {
  return remembered(authorities, name, async () => {
    const x509 = await loadX509()
    const algorithm = algorithmOf('p256')
    const keys = await generate(algorithm)
    const above = name === 'intermediate' ? await authority('root') : undefined
    const subject = `CN=Dialtone zoo ${name}, O=Failures on purpose`
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialOf(name),
      subject,
      issuer: above?.certificate.subject ?? subject,
      notBefore: at(-30),
      notAfter: at(365),
      publicKey: keys.publicKey,
      signingKey: above?.keys.privateKey ?? keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, above === undefined ? 1 : 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ...(above === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(above.keys.publicKey)]),
      ],
    })
    return { certificate, keys, algorithm }
  })
}

function algorithmOf (key: NonNullable<CertificateSpec['key']>): Algorithm {
  if (key === 'p256') return { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: Uint8Array.of(1, 0, 1), modulusLength: key === 'rsa-1024' ? 1024 : 2048 }
}

async function generate (algorithm: Algorithm): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function pem (key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END PRIVATE KEY-----\n`
}

function at (days: number): Date {
  return new Date(Math.floor((Date.now() + days * DAY) / HOUR) * HOUR)
}

/** Sixteen positive bytes of a description: equal in every run, different for every certificate. */
function serialOf (description: string): string {
  return `1${createHash('sha256').update(description).digest('hex').slice(0, 31)}`
}

function remembered<T> (known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const made = known.get(key) ?? make()
  known.set(key, made)
  return made
}
