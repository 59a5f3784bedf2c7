/** Secrets by reference: read where they are needed, kept nowhere else, never logged. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecretRef } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'

const MOST_BYTES = 262_144
const CREDENTIAL = /^[A-Za-z0-9._-]+$/

/** The bytes behind a reference. Rejects with an OperatorError that says which reference, and never what was in it. `what`: what it is called there. */
export async function readSecret (reference: SecretRef, environment: NodeJS.ProcessEnv, what = 'secret'): Promise<Buffer> {
  const unreadable = (why: string) => new OperatorError('unreadable-secret', `the ${what} '${quoted(reference, 200)}' cannot be read: ${why}`)
  const colon = reference.indexOf(':')
  const [scheme, name] = [reference.slice(0, colon), reference.slice(colon + 1)]
  if (scheme === 'env') {
    const value = environment[name]
    if (value === undefined) throw unreadable('the environment of this process has no such variable: set it, or name a file')
    return Buffer.from(value)
  }
  if (scheme === 'file') return await bytesOf(name, unreadable)
  const directory = environment['CREDENTIALS_DIRECTORY']
  if (!CREDENTIAL.test(name) || name === '.' || name === '..') throw unreadable('a credential has a plain name of letters, digits, dots, hyphens and underscores')
  if (directory === undefined) throw unreadable('systemd gave this process no credentials: add LoadCredential to its unit, or name a file')
  return await bytesOf(join(directory, name), unreadable)
}

async function bytesOf (path: string, unreadable: (why: string) => OperatorError): Promise<Buffer> {
  try {
    const kind = await stat(path)
    if (!kind.isFile()) throw unreadable('it is no file')
    if (kind.size > MOST_BYTES) throw unreadable(`it has more than ${MOST_BYTES} bytes`)
    return await readFile(path)
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw unreadable({ ENOENT: 'there is no such file', EACCES: 'this process may not read it' }[code] ?? `it could not be read (${code})`)
  }
}
