// Files that the operator names: read, checked and matched before anything is sent.
import { X509Certificate, createHash, createPrivateKey } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { OperatorError, quoted } from '@dialtone/kernel'
import { DIGEST } from '@dialtone/net'
import { keysOf, type Keys } from '@dialtone/stream'

/** More than the reports of a large fleet. */
const MOST_BYTES = 1_000_000_000
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** `--cert` and `--key`: PEM, the leaf first, the key without a passphrase. Refuses a key that belongs to another certificate. */
export function clientCertificate (certificateFile: string | undefined, keyFile: string | undefined): { certificate: string, key: string } | undefined {
  if (certificateFile === undefined && keyFile === undefined) return undefined
  if (certificateFile === undefined) throw new OperatorError('usage', '--key needs --cert: name the certificate that belongs to the key')
  if (keyFile === undefined) throw new OperatorError('usage', '--cert needs --key: name the private key of the certificate')

  const certificate = read('--cert', certificateFile)
  const leaf = certificatesIn('--cert', certificateFile, certificate)[0]
  const key = read('--key', keyFile)
  const privateKey = parsed(() => createPrivateKey(key), `--key ${shown(keyFile)} holds no private key that can be read: it must be PEM without a passphrase`)
  if (leaf === undefined || !leaf.checkPrivateKey(privateKey)) throw new OperatorError('key-mismatch', `--key ${shown(keyFile)} does not belong to the first certificate in ${shown(certificateFile)}: put the server's own certificate first, or name its key`)
  return { certificate, key }
}

/** `--ca`: one PEM string per certificate in the file. */
export function anchorsIn (file: string): string[] {
  const text = read('--ca', file)
  certificatesIn('--ca', file, text)
  return text.match(CERTIFICATE) ?? []
}

/** Whose secret a file holds: each server makes its keys from another text of its configuration. */
export const SECRET_OWNERS = ['prosody', 'ejabberd', 'cups'] as const
export type SecretOwner = (typeof SECRET_OWNERS)[number]

/** XEP-0185 §2 wants at least 128 bits of randomness. */
const SECRET_BYTES = 16

/**
 * `--secret`: the keys that are made from the text in the file, without the line break at its end. Of ejabberd the file is the Erlang cookie, and the
 * secret the SHA-1 of it in hex. The text itself is neither kept nor told; `warnings` are for people.
 */
export function secretKeys (file: string, of: SecretOwner = 'prosody'): { keys: Keys, warnings: string[] } {
  const text = read('--secret', file).replace(/\r?\n$/, '')
  if (text.trim() === '') throw new OperatorError('empty-secret', `--secret ${shown(file)} is empty: it must hold the secret on one line; to make one: openssl rand -base64 32`)
  const bytes = Buffer.byteLength(text)
  return {
    keys: keysOf(of === 'ejabberd' ? createHash('sha1').update(text).digest('hex') : text, DIGEST),
    warnings: bytes >= SECRET_BYTES ? [] : [`--secret ${shown(file)} holds ${bytes} bytes; XEP-0185 wants 128 bits or more, since who guesses the secret can pass for the domain`],
  }
}

/** `--from-file`: one domain a line; blank lines and what follows a `#` do not count. `-` is standard input. What `domainOf` refuses is refused with its line. */
export function domainsIn (file: string, domainOf: (text: string) => string): string[] {
  return read('--from-file', file === '-' ? '/dev/stdin' : file).replace(/^\uFEFF/, '').split(/\r?\n/).flatMap((line, at) => {
    const text = line.replace(/#.*/, '').trim()
    if (text === '') return []
    try {
      return domainOf(text)
    } catch (error) {
      if (error instanceof OperatorError) throw new OperatorError(error.code, `--from-file ${shown(file)}, line ${at + 1}: ${error.message}`)
      throw error
    }
  })
}

/** What is wrong with the dates of the first certificate, now; undefined when nothing is. */
export function datesProblem (pem: string): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(pem)
  const now = Date.now()
  if (validToDate.getTime() < now) return `ended on ${validToDate.toISOString().slice(0, 10)}`
  return validFromDate.getTime() > now ? `begins on ${validFromDate.toISOString().slice(0, 10)}` : undefined
}

/** Any file that an option or argument names. */
export function read (option: string, file: string): string {
  try {
    const kind = statSync(file)
    // A device may have no end; a terminal or pipe behind standard input has.
    if ((kind.isCharacterDevice() && file !== '/dev/stdin') || kind.isBlockDevice()) throw new OperatorError('unreadable-file', `${option} ${shown(file)}: it is a device; name a file`)
    if (kind.size > MOST_BYTES) throw new OperatorError('unreadable-file', `${option} ${shown(file)}: it has ${kind.size} bytes, and ${MOST_BYTES} are the most`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const why = { ENOENT: 'there is no such file', EACCES: 'it may not be read by this user', EISDIR: 'it is a directory' }[code] ?? `it could not be read (${code})`
    throw new OperatorError('unreadable-file', `${option} ${shown(file)}: ${why}`)
  }
}

function certificatesIn (option: string, file: string, text: string): X509Certificate[] {
  const found = (text.match(CERTIFICATE) ?? []).map(pem => parsed(() => new X509Certificate(pem), `${option} ${shown(file)} holds a certificate that cannot be decoded`))
  if (found.length === 0) throw new OperatorError('unreadable-certificate', `${option} ${shown(file)} holds no certificate: it must be PEM, with a line BEGIN CERTIFICATE`)
  return found
}

function parsed<T> (parse: () => T, otherwise: string): T {
  try {
    return parse()
  } catch {
    throw new OperatorError('unreadable-certificate', otherwise)
  }
}

function shown (file: string): string {
  return `'${quoted(file, 120)}'`
}
