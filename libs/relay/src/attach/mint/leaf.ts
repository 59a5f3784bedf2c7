/** A leaf certificate for one domain as a server of XMPP shows it to another (RFC 5280, RFC 6120 §13.7.1.2, RFC 4985): for both sides of a connection. */
import { createHash, sign, type KeyObject } from 'node:crypto'
import { BITS, BOOLEAN, IA5, INTEGER, OCTETS, SEQUENCE, SET, UTF8, der, oid, time, valuesIn } from './der.ts'

/** What a leaf takes from its issuer: the subject and the key's identifier as they stand there, and how it signs. */
export type Issuer = { subject: Buffer, keyId: Buffer | undefined, key: KeyObject, algorithm: Buffer, digest: string | null }
export type LeafOptions = { domain: string, publicKey: KeyObject, serial: Uint8Array, notBefore: number, notAfter: number }

/** X.520 ub-common-name: a longer domain stands in the alternative names alone. */
const COMMON_NAME_MOST = 64
const YES = der(BOOLEAN, Buffer.from([0xFF]))
const EXPLICIT = (number: number, ...content: Uint8Array[]) => der(0xA0 | number, ...content)
const IMPLICIT = (number: number, content: Uint8Array) => der(0x80 | number, content)

/** DER. */
export function writeLeaf ({ subject: issuer, keyId, key, algorithm, digest }: Issuer, { domain, publicKey, serial, notBefore, notAfter }: LeafOptions): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const named = domain.length <= COMMON_NAME_MOST
  const subject = named ? der(SEQUENCE, der(SET, der(SEQUENCE, oid('2.5.4.3'), der(UTF8, Buffer.from(domain))))) : der(SEQUENCE)
  const service = (name: string) => EXPLICIT(0, oid('1.3.6.1.5.5.7.8.7'), EXPLICIT(0, der(IA5, Buffer.from(`${name}.${domain}`))))
  const alternative = der(SEQUENCE, IMPLICIT(2, Buffer.from(domain)), service('_xmpp-server'))
  const keyBits = (valuesIn(valuesIn(spki)?.[0]?.content ?? Buffer.alloc(0))?.[1]?.content ?? Buffer.alloc(1)).subarray(1)
  const extensions = [
    extension('2.5.29.19', true, der(SEQUENCE)),
    extension('2.5.29.15', true, der(BITS, Buffer.from([7, 0x80]))),
    extension('2.5.29.37', false, der(SEQUENCE, oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.17', !named, alternative),
    extension('2.5.29.14', false, der(OCTETS, createHash('sha1').update(keyBits).digest())),
    ...(keyId === undefined ? [] : [extension('2.5.29.35', false, der(SEQUENCE, IMPLICIT(0, keyId)))]),
  ]
  // A positive number without leading zeros, whatever was drawn.
  const number = Buffer.from(serial)
  number[0] = ((number[0] ?? 0) & 0x3F) | 0x40
  const certificate = der(SEQUENCE, EXPLICIT(0, der(INTEGER, Buffer.from([2]))), der(INTEGER, number), algorithm, issuer, der(SEQUENCE, time(notBefore), time(notAfter)), subject, spki, EXPLICIT(3, der(SEQUENCE, ...extensions)))
  return der(SEQUENCE, certificate, algorithm, der(BITS, Buffer.from([0]), sign(digest, certificate, key)))
}

function extension (name: string, critical: boolean, value: Uint8Array): Buffer {
  return der(SEQUENCE, oid(name), ...(critical ? [YES] : []), der(OCTETS, value))
}
