// Secrets and certificates that somebody holds, checked before anything is sent with them. `named`: what they are called in a sentence.
import { isUtf8 } from 'node:buffer'
import { X509Certificate, createHash, createPrivateKey } from 'node:crypto'
import { OperatorError } from '@dialtone/kernel'
import { DIGEST } from '@dialtone/net'
import { keysOf, type Keys } from '@dialtone/stream'

/** Whose secret it is: each server makes its keys from another text of its configuration. */
export const SECRET_OWNERS = ['prosody', 'ejabberd', 'cups'] as const
export type SecretOwner = (typeof SECRET_OWNERS)[number]

/** More is something else, named by mistake. */
export const MOST_SECRET_BYTES = 4096
/** XEP-0185 §2 wants at least 128 bits of randomness. */
const SECRET_BYTES = 16
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/**
 * The keys that are made from a secret, without the line break at its end. Of ejabberd the secret is the SHA-1 of the Erlang cookie in hex. Throws an
 * OperatorError on what would silently be another secret. The text itself is neither kept nor told; `warnings` are for people. `print`: tells equal
 * secrets from different ones where `salt` is the same, and nothing else.
 */
export function keysOfSecret (held: Buffer, named: string, of: SecretOwner = 'prosody'): { keys: Keys, warnings: string[], print: (salt: string) => string } {
  if (!isUtf8(held)) throw new OperatorError('unreadable-secret', `${named} holds bytes that are no UTF-8: it must hold the secret as text; to make one: openssl rand -base64 32`)
  const text = held.toString('utf8').replace(/\r?\n$/, '')
  if (text.trim() === '') throw new OperatorError('empty-secret', `${named} is empty: it must hold the secret on one line; to make one: openssl rand -base64 32`)
  if (/[\r\n]/.test(text)) throw new OperatorError('unreadable-secret', `${named} holds more than one line: it must hold the secret alone, with no more than one line break, at its end; take the others out`)
  const bytes = Buffer.byteLength(text)
  const secret = of === 'ejabberd' ? createHash('sha1').update(text).digest('hex') : text
  return {
    keys: keysOf(secret, DIGEST),
    warnings: bytes >= SECRET_BYTES ? [] : [`${named} holds ${bytes} bytes; XEP-0185 wants 128 bits or more, since who guesses the secret can pass for the domain`],
    print: salt => DIGEST.hmacSha256(DIGEST.sha256(secret), `dialtone secret ${salt}`).slice(0, 32),
  }
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
