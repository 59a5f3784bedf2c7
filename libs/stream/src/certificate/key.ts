// Public keys and signature algorithms of certificates, by name (RFC 3279, RFC 5480, RFC 8410). What is not known is `unknown`, not refused.
import { BIT_STRING, INTEGER, SEQUENCE, childrenOfDer, oidOf, onlyDer, type Der } from './der.ts'

/** `algorithm` names the curve where there is one; `bits` is the length of the modulus or of the curve's order, 0 when not known. */
export type KeyFacts = { algorithm: string, bits: number }

/** From SubjectPublicKeyInfo; undefined when it is none. */
export function keyOf (der: Uint8Array, spki: Der): KeyFacts | undefined {
  const [algorithm, key, ...more] = childrenOfDer(der, spki) ?? []
  const [type, parameters] = algorithm?.tag === SEQUENCE ? childrenOfDer(der, algorithm) ?? [] : []
  const oid = oidOf(der, type)
  if (oid === '' || key?.tag !== BIT_STRING || key.end === key.start || der[key.start] !== 0 || more.length > 0) return undefined
  if (oid === RSA || oid === RSA_PSS) {
    const modulus = childrenOfDer(der, onlyDer(der, key.start + 1, key.end))?.[0]
    return modulus?.tag === INTEGER ? { algorithm: 'RSA', bits: bitLength(der, modulus) } : undefined
  }
  const [name, bits] = (oid === EC ? CURVES[oidOf(der, parameters)] ?? ['EC', 0] : OTHER_KEYS[oid]) ?? ['unknown', 0]
  return { algorithm: name, bits }
}

/** The name of a signature algorithm. */
export function signatureNamed (oid: string): string {
  return SIGNATURES[oid] ?? 'unknown'
}

function bitLength (der: Uint8Array, { start, end }: Der): number {
  let at = start
  while (at < end && der[at] === 0) at++
  return at === end ? 0 : (end - at) * 8 - Math.clz32(der[at] as number) + 24
}

const RSA = '1.2.840.113549.1.1.1'
const RSA_PSS = '1.2.840.113549.1.1.10'
const EC = '1.2.840.10045.2.1'
type Sized = Record<string, readonly [string, number] | undefined>
const CURVES: Sized = {
  '1.2.840.10045.3.1.7': ['P-256', 256], '1.3.132.0.34': ['P-384', 384], '1.3.132.0.35': ['P-521', 521], '1.3.132.0.33': ['P-224', 224], '1.2.840.10045.3.1.1': ['P-192', 192],
  '1.3.36.3.3.2.8.1.1.7': ['brainpoolP256r1', 256], '1.3.36.3.3.2.8.1.1.11': ['brainpoolP384r1', 384],
}
const OTHER_KEYS: Sized = { '1.3.101.112': ['Ed25519', 256], '1.3.101.113': ['Ed448', 456], '1.2.840.10040.4.1': ['DSA', 0] }
const SIGNATURES: Record<string, string | undefined> = {
  '1.2.840.113549.1.1.4': 'md5WithRSA', '1.2.840.113549.1.1.5': 'sha1WithRSA', '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'sha256WithRSA', '1.2.840.113549.1.1.12': 'sha384WithRSA', '1.2.840.113549.1.1.13': 'sha512WithRSA',
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1', '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256', '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384', '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.3.101.112': 'Ed25519', '1.3.101.113': 'Ed448',
}
