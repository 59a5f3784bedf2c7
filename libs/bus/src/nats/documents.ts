/**
 * Buckets of documents on JetStream. All reads are direct gets, which work from another account too, so that who may only read needs to be allowed no more.
 *
 * nats-server 2.9.10 counts the messages of a subject wrongly in a bucket of which all had expired when it started: after the next pause of their time to live it says that
 * a subject has none while it has some, keeps several of it, and compares what was expected with none, until it is started again. Sequences and readings of the stream stay
 * right. What matters in a bucket with a time to live is asked of those.
 */
import type { Document, DocumentType, Documents } from '@dialtone/contracts'
import { OperatorError, type Logger, type Meter } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'
import type { Bodies } from '../bodies.ts'
import { conflict, kindOf, provedBucket, provedSize } from '../documents.ts'
import type { Limits } from '../limits.ts'
import { readingsCut } from '../metrics.ts'
import { provedDocumentKey } from '../subjects.ts'
import { JetStreamError, isConflict, nothingTakes, toldAs } from './failures.ts'
import { headOf, placeIn } from './heads.ts'
import { bucketStream, bucketSubject, type JetStream } from './jetstream.ts'
import type { Link } from './link.ts'
import { watchBucket } from './watch-bucket.ts'

/** As it is kept; without a body it is the mark of one that was removed. */
export type Stored = { key: string, revision: number, body?: Uint8Array }
export type BucketReader = {
  one: (key: string) => Promise<Stored | undefined>
  /** The same, by reading the stream: what the server counts of the subject is not believed. */
  newest: (key: string) => Promise<Stored | undefined>
  /** All that are there and the marks of removed ones, each as it was when it was come to, oldest first. `whole`: false when there were more than are read. */
  all: () => Promise<{ found: Map<string, Stored>, whole: boolean }>
}
type Given = { link: Link, jetstream: JetStream, bodies: Bodies, limits: Limits, meter: Meter, logger: Logger }

const GET_MS = 5000

export function createDocuments ({ link, jetstream, bodies, limits, meter, logger }: Given) {
  const watching = new Set<() => Promise<void>>()
  /** Made at each connection: the server may have lost its disk. */
  const ours = new Map<string, () => Promise<void>>()
  link.onChange(connected => {
    if (connected) for (const make of ours.values()) void make()
  })
  const open = async <S extends TSchema>(type: DocumentType<S>, { create }: { create: boolean }): Promise<Documents<Static<S>>> => {
    const bucket = provedBucket(type.bucket)
    const stream = bucketStream(bucket)
    const ready = (): Promise<void> => create ? jetstream.bucket(bucket, type.ttlSeconds) : Promise.resolve()
    /** What failed may have failed because an operator deleted the bucket: then whoever uses it next makes it. */
    const doubted = async (failure: unknown): Promise<never> => {
      if (create) await jetstream.info(stream).catch(() => undefined)
      throw failure
    }
    const ask = async (subject: string, body?: unknown): Promise<Stored | undefined> => {
      const message = await link.fetch(subject, Buffer.from(body === undefined ? '' : JSON.stringify(body)), GET_MS).catch(doubted)
      const head = headOf(message)
      const place = placeIn(head)
      if (place === undefined) {
        if (head.code === 404) return undefined
        return await doubted(head.code === 503 ? nothingTakes(subject) : new JetStreamError(head.code, head.description))
      }
      const stored = { key: place.subject.slice(bucketSubject(bucket, '').length), revision: place.seq }
      return head.last('KV-Operation') !== '' ? stored : { ...stored, body: message.data }
    }
    const reader: BucketReader = {
      one: key => ask(`$JS.API.DIRECT.GET.${stream}.${bucketSubject(bucket, key)}`),
      newest: async key => {
        for (let found: Stored | undefined, steps = 0; ; steps++) {
          const stored = await ask(`$JS.API.DIRECT.GET.${stream}`, { seq: (found?.revision ?? 0) + 1, next_by_subj: bucketSubject(bucket, key) })
          if (stored === undefined || steps >= limits.mostRead) return found
          found = stored
        }
      },
      all: async () => {
        const found = new Map<string, Stored>()
        for (let seq = 1, steps = 0; ; steps++) {
          const stored = await ask(`$JS.API.DIRECT.GET.${stream}`, { seq, next_by_subj: bucketSubject(bucket, '>') })
          if (stored === undefined) return { found, whole: true }
          if (stored.revision < seq) throw new OperatorError('bus-unreachable', `the bucket ${bucket} cannot be read to its end`)
          if (steps >= limits.mostRead) {
            // They are not ours, or written faster than they can be read.
            meter.add(readingsCut, { bucket })
            logger.warn({ bucket, read: steps }, 'a bucket was read in part: it has more documents than are read at once')
            return { found, whole: false }
          }
          found.set(stored.key, stored)
          seq = stored.revision + 1
        }
      },
    }
    const read = type.single === true ? reader.newest : reader.one
    const documentOf = ({ key, revision, body }: Stored): Document<Static<S>> | undefined => {
      if (body === undefined) return undefined
      const read = bodies.read(bucket, type.schema, body, kindOf(type))
      if ('value' in read) return { key, document: read.value as Static<S>, revision }
      logger.warn({ bucket, key, why: read.says }, 'a document was left out, because it is not what its kind says')
      return undefined
    }
    const told = async <R>(key: string, work: () => Promise<R>): Promise<R> => {
      try {
        await ready()
        return await work()
      } catch (error) {
        throw toldAs(error, bucketSubject(bucket, key))
      }
    }
    /** Of a single document, told by who leads the stream: what reads may come from who lags. Its number outlives it; then it is as a mark. */
    const lastWrite = async (key: string): Promise<Stored> => {
      const { state: { messages, last_seq: revision } } = await jetstream.info(stream)
      if (messages === 0) return { key, revision }
      const newest = await reader.newest(key)
      return newest?.revision === revision ? newest : { key, revision, body: new Uint8Array() }
    }
    /** Over the revision that was expected. Where none was to be, the mark of a removed one counts as none. */
    const write = async (key: string, bytes: Uint8Array, expected: number | undefined, more: Readonly<Record<string, string>>): Promise<number> => {
      const over = async (revision: number | undefined): Promise<number> => (await jetstream.store(stream, bucketSubject(bucket, key), bytes, { ...more, ...expectation(revision, type) })).seq
      const overMark = (at: number): Promise<number> => over(at).catch((error: unknown) => {
        throw isConflict(error) ? conflict(bucket, key, 0, undefined) : error
      })
      if (type.single === true && expected === 0) {
        const is = await lastWrite(key)
        if (is.body !== undefined) throw conflict(bucket, key, 0, is.revision)
        return await overMark(is.revision)
      }
      try {
        return await over(expected)
      } catch (error) {
        if (!isConflict(error)) return await doubted(error)
        if (expected === undefined) throw error
        const is = await read(key)
        if (expected !== 0 || is === undefined || is.body !== undefined) throw conflict(bucket, key, expected, is?.body === undefined ? 0 : is.revision)
        return await overMark(is.revision)
      }
    }
    if (create) {
      const make = (): Promise<void> => ready().catch((error: unknown) => logger.error({ bucket, error: String(error) }, 'a bucket could not be made; it is tried again when it is used'))
      ours.set(bucket, make)
      if (link.connected) await make()
    }
    return {
      get: async key => told(provedDocumentKey(key), async () => {
        const stored = await read(key)
        return stored === undefined ? undefined : documentOf(stored)
      }),
      list: () => told('>', async () => {
        const { found } = await reader.all()
        const all = [...found.values()].flatMap(stored => documentOf(stored) ?? [])
        return all.toSorted((a, b) => a.key < b.key ? -1 : 1)
      }),
      put: async (key, document, { expect } = {}) => told(provedDocumentKey(key), () => write(key, provedSize(bodies.write(bucket, type.schema, document, kindOf(type)), type, limits), expect, {})),
      remove: async (key, { expect } = {}) => told(provedDocumentKey(key), async () => {
        await write(key, new Uint8Array(), expect, { 'KV-Operation': 'DEL' })
      }),
      watch: async hear => {
        const stop = await watchBucket({ link, reader, ready, bucket, ttlSeconds: type.ttlSeconds, documentOf, hear, meter, logger })
        watching.add(stop)
        return {
          stop: async () => {
            watching.delete(stop)
            await stop()
          },
        }
      },
    }
  }
  return {
    open,
    stop: async (): Promise<void> => {
      await Promise.all([...watching].map(stop => stop()))
    },
  }
}

/** The header that says over what is written. Of a bucket to which nothing was ever written, the server knows rightly that a subject has none. */
function expectation (revision: number | undefined, { single }: DocumentType): Record<string, string> {
  if (revision === undefined) return {}
  return { [single === true && revision > 0 ? 'Nats-Expected-Last-Sequence' : 'Nats-Expected-Last-Subject-Sequence']: `${revision}` }
}
