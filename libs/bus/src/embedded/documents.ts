/** Buckets of documents as a table: one counter of revisions a bucket, and a timer that forgets what is past its time to live. */
import type { DocumentChange, DocumentType, Documents } from '@dialtone/contracts'
import type { Clock, Logger, Meter } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'
import type { Bodies } from '../bodies.ts'
import { conflict, kindOf, provedBucket, provedSize } from '../documents.ts'
import type { Limits } from '../limits.ts'
import { createMailbox } from '../mailbox.ts'
import { provedDocumentKey } from '../subjects.ts'
import type { Database } from './database.ts'

type Row = { key: string, revision: number, at: number, body: Uint8Array }
type Told = { row: Row } | { removed: string } | { ready: true }
type Given = { database: Database, bodies: Bodies, limits: Limits, clock: Clock, meter: Meter, logger: Logger }

export type Buckets = { open: <S extends TSchema>(type: DocumentType<S>) => Documents<Static<S>>, stop: () => void }

export function createBuckets ({ database, bodies, limits, clock, meter, logger }: Given): Buckets {
  const { sql, transaction } = database
  const one = sql.prepare('SELECT key, revision, at, body FROM document WHERE bucket = ? AND key = ? AND at > ?')
  const every = sql.prepare('SELECT key, revision, at, body FROM document WHERE bucket = ? AND at > ? ORDER BY key')
  const past = sql.prepare('SELECT key FROM document WHERE bucket = ? AND at <= ?')
  const write = sql.prepare('INSERT OR REPLACE INTO document (bucket, key, revision, at, body) VALUES (?, ?, ?, ?, ?)')
  const remove = sql.prepare('DELETE FROM document WHERE bucket = ? AND key = ?')
  const count = sql.prepare('INSERT INTO bucket (name, revision) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET revision = revision + 1 RETURNING revision')
  const watchers = new Map<string, Set<(told: Told) => void>>()
  const timers = new Map<string, NodeJS.Timeout>()

  const tell = (bucket: string, told: Told): void => {
    for (const hear of watchers.get(bucket) ?? []) hear(told)
  }
  const horizon = ({ ttlSeconds }: DocumentType): number => ttlSeconds === undefined ? -1 : clock.now() - ttlSeconds * 1000
  const next = (bucket: string): number => (count.get(bucket) as { revision: number }).revision
  const forget = (type: DocumentType): void => {
    const until = horizon(type)
    const keys = (past.all(type.bucket, until) as { key: string }[]).map(({ key }) => key)
    if (keys.length === 0) return
    transaction(() => {
      for (const key of keys) remove.run(type.bucket, key)
      next(type.bucket)
    })
    for (const key of keys) tell(type.bucket, { removed: key })
  }
  const expire = (type: DocumentType, ttlSeconds: number): void => {
    if (timers.has(type.bucket)) return
    const every = Math.min(1000, Math.max(20, ttlSeconds * 100))
    timers.set(type.bucket, setInterval(() => {
      try {
        forget(type)
      } catch (error) {
        logger.error({ bucket: type.bucket, error: String(error) }, 'what is past its time to live could not be forgotten')
      }
    }, every).unref())
  }
  /** Runs in a transaction over what is there now; throws `conflict`. */
  const over = <R>(type: DocumentType, key: string, expect: number | undefined, work: (is: number) => R): R => transaction(() => {
    const is = (one.get(type.bucket, key, horizon(type)) as Row | undefined)?.revision ?? 0
    if (expect !== undefined && expect !== is) throw conflict(type.bucket, key, expect, is)
    return work(is)
  })

  return {
    open: <S extends TSchema>(type: DocumentType<S>): Documents<Static<S>> => {
      const bucket = provedBucket(type.bucket)
      if (type.ttlSeconds !== undefined) expire(type, type.ttlSeconds)
      const documentOf = ({ key, revision, body }: Row): { key: string, document: Static<S>, revision: number }[] => {
        const read = bodies.read(bucket, type.schema, body, kindOf(type))
        if ('value' in read) return [{ key, document: read.value as Static<S>, revision }]
        logger.warn({ bucket, key, why: read.says }, 'a document was left out, because it is not what its kind says')
        return []
      }
      return {
        get: async key => {
          const row = one.get(bucket, provedDocumentKey(key), horizon(type)) as Row | undefined
          return row === undefined ? undefined : documentOf(row)[0]
        },
        list: async () => (every.all(bucket, horizon(type)) as Row[]).flatMap(documentOf),
        put: async (key, document, { expect } = {}) => {
          provedDocumentKey(key)
          const body = provedSize(bodies.write(bucket, type.schema, document, kindOf(type)), type, limits)
          const row = over(type, key, expect, () => {
            const row = { key, revision: next(bucket), at: clock.now(), body }
            write.run(bucket, key, row.revision, row.at, body)
            return row
          })
          tell(bucket, { row })
          return row.revision
        },
        remove: async (key, { expect } = {}) => {
          const was = over(type, provedDocumentKey(key), expect, was => {
            if (was > 0) next(bucket)
            remove.run(bucket, key)
            return was
          })
          if (was > 0) tell(bucket, { removed: key })
        },
        watch: async hear => {
          const mailbox = createMailbox<Told>({ of: 'bucket', meter, logger, handle: told => changes(told).forEach(change => hear(change)) })
          const changes = (told: Told): DocumentChange<Static<S>>[] =>
            'row' in told ? documentOf(told.row).map(document => ({ on: 'put', ...document })) : 'removed' in told ? [{ on: 'removed', key: told.removed }] : [{ on: 'ready' }]
          for (const row of every.all(bucket, horizon(type)) as Row[]) mailbox.put({ row })
          mailbox.put({ ready: true })
          const hearing = watchers.get(bucket) ?? new Set()
          watchers.set(bucket, hearing.add(mailbox.put))
          return {
            stop: async () => {
              hearing.delete(mailbox.put)
              mailbox.close()
            },
          }
        },
      }
    },
    stop: () => {
      for (const timer of timers.values()) clearInterval(timer)
      watchers.clear()
    },
  }
}
