/** Sentences about documents that both adapters say. */
import { OperatorError } from '@dialtone/kernel'

export function conflict (bucket: string, key: string, expected: number, is: number | undefined): OperatorError {
  const now = is === undefined ? 'it is at another' : is === 0 ? 'there is none' : `it is at ${is}`
  return new OperatorError('conflict', `'${key}' of ${bucket} was to be written over revision ${expected}, and ${now}; read it again and repeat the change`)
}

/** Times to live are those of whole buckets; the name is a token. */
export function provedBucket (bucket: string): string {
  if (!/^[a-z0-9-]{1,80}$/.test(bucket)) throw new OperatorError('bad-key', `the bus has no bucket called '${bucket}': a name is 1 to 80 of a-z, 0-9 and '-'`)
  return bucket
}
