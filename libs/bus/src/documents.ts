/** Sentences about documents that both adapters say. */
import type { DocumentType } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import type { Kind } from './bodies.ts'
import type { Limits } from './limits.ts'

export function conflict (bucket: string, key: string, expected: number, is: number | undefined): OperatorError {
  const now = is === undefined ? 'it is at another' : is === 0 ? 'there is none' : `it is at ${is}`
  return new OperatorError('conflict', `'${key}' of ${bucket} was to be written over revision ${expected}, and ${now}; read it again and repeat the change`)
}

/** The bytes of a document, where they are no more than its bucket takes. Throws `too-large`. */
export function provedSize (bytes: Buffer, { bucket, ttlSeconds }: DocumentType, { mostPassingBytes }: Limits): Buffer {
  if (ttlSeconds === undefined || bytes.length <= mostPassingBytes) return bytes
  throw new OperatorError('too-large', `a document of ${bucket} has ${bytes.length} bytes, and what is forgotten after a time has at most ${mostPassingBytes}; make it smaller`)
}

/** How a document is read and written. */
export function kindOf ({ ttlSeconds, keepsUnknown = false }: DocumentType): Kind {
  return { keepsUnknown, lasting: ttlSeconds === undefined }
}

/** Times to live are those of whole buckets; the name is a token. */
export function provedBucket (bucket: string): string {
  if (!/^[a-z0-9-]{1,80}$/.test(bucket)) throw new OperatorError('bad-key', `the bus has no bucket called '${bucket}': a name is 1 to 80 of a-z, 0-9 and '-'`)
  return bucket
}
