// Secrets and certificates that somebody holds, checked before anything is sent with them. `named`: what they are called in a sentence.
import { isUtf8 } from 'node:buffer'
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { OperatorError } from '@dialtone/kernel'
import { DIGEST } from './digest.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The text of a secret without the line break at its end. Throws an OperatorError on what would silently be another secret. */
export function secretTextOf (held: Buffer, named: string): string {
  if (!isUtf8(held)) throw new OperatorError('unreadable-secret', `${named} holds bytes that are no UTF-8: it must hold the secret as text; to make one: openssl rand -base64 32`)
  const text = held.toString('utf8').replace(/\r?\n$/, '')
  if (text.trim() === '') throw new OperatorError('empty-secret', `${named} is empty: it must hold the secret on one line; to make one: openssl rand -base64 32`)
  if (/[\r\n]/.test(text)) throw new OperatorError('unreadable-secret', `${named} holds more than one line: it must hold the secret alone, with no more than one line break, at its end; take the others out`)
  return text
}

/** Tells equal secrets from different ones where `salt` is the same, and nothing else: 32 hex digits. */
export function secretPrint (secret: string, salt: string): string {
  return DIGEST.hmacSha256(DIGEST.sha256(secret), `dialtone secret ${salt}`).slice(0, 32)
}

/** PEM, the leaf first, the key without a passphrase. Throws an OperatorError where the key belongs to another certificate. */
export function matchedCertificate (held: { certificate: string, key: string }, named: { certificate: string, key: string }): { certificate: string, key: string } {
  const leaf = decoded(held.certificate, named.certificate)[0]
  const key = parsed(() => createPrivateKey(held.key), `${named.key} holds no private key that can be read: it must be PEM without a passphrase`)
  if (leaf === undefined || !leaf.checkPrivateKey(key)) throw new OperatorError('key-mismatch', `${named.key} does not belong to the first certificate in ${named.certificate.replace(/^--cert /, '')}: put the server's own certificate first, or name its key`)
  return held
}

/** One PEM string per certificate in the text. Throws an OperatorError where there is none, or one that cannot be decoded. */
export function certificatesOf (text: string, named: string): string[] {
  decoded(text, named)
  return text.match(CERTIFICATE) ?? []
}

function decoded (text: string, named: string): X509Certificate[] {
  const found = (text.match(CERTIFICATE) ?? []).map(pem => parsed(() => new X509Certificate(pem), `${named} holds a certificate that cannot be decoded`))
  if (found.length === 0) throw new OperatorError('unreadable-certificate', `${named} holds no certificate: it must be PEM, with a line BEGIN CERTIFICATE`)
  return found
}

function parsed<T> (parse: () => T, otherwise: string): T {
  try {
    return parse()
  } catch {
    throw new OperatorError('unreadable-certificate', otherwise)
  }
}
