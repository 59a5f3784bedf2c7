// Files that the operator names: read, checked and matched before anything is sent.
import { isUtf8 } from 'node:buffer'
import { X509Certificate, createHash, createPrivateKey } from 'node:crypto'
import { OperatorError } from '@dialtone/kernel'
import { DIGEST } from '@dialtone/net'
import { keysOf, type Keys } from '@dialtone/stream'
import { bytesOf, read, shown } from './files.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** `--cert` and `--key`: PEM, the leaf first, the key without a passphrase. Refuses a key that belongs to another certificate. */
export async function clientCertificate (certificateFile: string | undefined, keyFile: string | undefined, signal: AbortSignal): Promise<{ certificate: string, key: string } | undefined> {
  if (certificateFile === undefined && keyFile === undefined) return undefined
  if (certificateFile === undefined) throw new OperatorError('usage', '--key needs --cert: name the certificate that belongs to the key')
  if (keyFile === undefined) throw new OperatorError('usage', '--cert needs --key: name the private key of the certificate')

  const certificate = await read('--cert', certificateFile, { signal })
  const leaf = certificatesIn('--cert', certificateFile, certificate)[0]
  const key = await read('--key', keyFile, { signal })
  const privateKey = parsed(() => createPrivateKey(key), `--key ${shown(keyFile)} holds no private key that can be read: it must be PEM without a passphrase`)
  if (leaf === undefined || !leaf.checkPrivateKey(privateKey)) throw new OperatorError('key-mismatch', `--key ${shown(keyFile)} does not belong to the first certificate in ${shown(certificateFile)}: put the server's own certificate first, or name its key`)
  return { certificate, key }
}

/** `--ca`: one PEM string per certificate in the file. */
export async function anchorsIn (file: string, signal: AbortSignal): Promise<string[]> {
  const text = await read('--ca', file, { signal })
  certificatesIn('--ca', file, text)
  return text.match(CERTIFICATE) ?? []
}

/** Whose secret a file holds: each server makes its keys from another text of its configuration. */
export const SECRET_OWNERS = ['prosody', 'ejabberd', 'cups'] as const
export type SecretOwner = (typeof SECRET_OWNERS)[number]

/** XEP-0185 §2 wants at least 128 bits of randomness. */
const SECRET_BYTES = 16
/** More is another file, named by mistake. */
const MOST_SECRET = { bytes: 4096, instead: 'it must hold the secret alone, on one line' }

/**
 * `--secret`: the keys that are made from the text in the file, without the line break at its end. Of ejabberd the file is the Erlang cookie, and the
 * secret the SHA-1 of it in hex. Refuses what would silently be another secret. The text itself is neither kept nor told; `warnings` are for people.
 */
export async function secretKeys (file: string, signal: AbortSignal, of: SecretOwner = 'prosody'): Promise<{ keys: Keys, warnings: string[] }> {
  const held = await bytesOf('--secret', file, { signal, most: MOST_SECRET })
  if (!isUtf8(held)) throw new OperatorError('unreadable-secret', `--secret ${shown(file)} holds bytes that are no UTF-8: it must hold the secret as text; to make one: openssl rand -base64 32`)
  const text = held.toString('utf8').replace(/\r?\n$/, '')
  if (text.trim() === '') throw new OperatorError('empty-secret', `--secret ${shown(file)} is empty: it must hold the secret on one line; to make one: openssl rand -base64 32`)
  if (/[\r\n]/.test(text)) throw new OperatorError('unreadable-secret', `--secret ${shown(file)} holds more than one line: it must hold the secret alone, with no more than one line break, at its end; take the others out`)
  const bytes = Buffer.byteLength(text)
  return {
    keys: keysOf(of === 'ejabberd' ? createHash('sha1').update(text).digest('hex') : text, DIGEST),
    warnings: bytes >= SECRET_BYTES ? [] : [`--secret ${shown(file)} holds ${bytes} bytes; XEP-0185 wants 128 bits or more, since who guesses the secret can pass for the domain`],
  }
}

/** `--from-file`: one domain a line; blank lines and what follows a `#` do not count. `-` is standard input. What `domainOf` refuses is refused with its line. */
export async function domainsIn (file: string, domainOf: (text: string) => string, signal: AbortSignal): Promise<string[]> {
  return (await read('--from-file', file === '-' ? '/dev/stdin' : file, { signal })).replace(/^\uFEFF/, '').split(/\r?\n/).flatMap((line, at) => {
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
