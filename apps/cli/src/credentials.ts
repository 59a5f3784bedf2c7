// Files that the operator names: read, checked and matched before anything is sent.
import { X509Certificate } from 'node:crypto'
import { OperatorError } from '@dialtone/kernel'
import { MOST_SECRET_BYTES, certificatesOf, keysOfSecret, matchedCertificate, type SecretOwner } from '@dialtone/ladder'
import type { Keys } from '@dialtone/stream'
import { bytesOf, read, shown } from './files.ts'

/** `--cert` and `--key`: PEM, the leaf first, the key without a passphrase. Refuses a key that belongs to another certificate. */
export async function clientCertificate (certificateFile: string | undefined, keyFile: string | undefined, signal: AbortSignal): Promise<{ certificate: string, key: string } | undefined> {
  if (certificateFile === undefined && keyFile === undefined) return undefined
  if (certificateFile === undefined) throw new OperatorError('usage', '--key needs --cert: name the certificate that belongs to the key')
  if (keyFile === undefined) throw new OperatorError('usage', '--cert needs --key: name the private key of the certificate')

  const held = { certificate: await read('--cert', certificateFile, { signal }), key: await read('--key', keyFile, { signal }) }
  return matchedCertificate(held, { certificate: `--cert ${shown(certificateFile)}`, key: `--key ${shown(keyFile)}` })
}

/** `--ca`: one PEM string per certificate in the file. */
export async function anchorsIn (file: string, signal: AbortSignal): Promise<string[]> {
  return certificatesOf(await read('--ca', file, { signal }), `--ca ${shown(file)}`)
}

/** More is another file, named by mistake. */
const MOST_SECRET = { bytes: MOST_SECRET_BYTES, instead: 'it must hold the secret alone, on one line' }

/** `--secret`: the keys that are made from the text in the file. Refuses what would silently be another secret. The text itself is neither kept nor told; `warnings` are for people. */
export async function secretKeys (file: string, signal: AbortSignal, of: SecretOwner = 'prosody'): Promise<{ keys: Keys, warnings: string[] }> {
  const held = await bytesOf('--secret', file, { signal, most: MOST_SECRET })
  const { keys, warnings } = keysOfSecret(held, `--secret ${shown(file)}`, of)
  return { keys, warnings }
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
