/**
 * What changes in a bucket. The stream says each stored document again on a subject of its own; that is heard. What was there before, what changed while the
 * connection was away, and what the server forgot at the end of its time to live (2.9 says nothing then) is found by reading the bucket.
 */
import type { Document, DocumentChange } from '@dialtone/contracts'
import type { Logger, Meter } from '@dialtone/kernel'
import type { Msg } from 'nats'
import { createMailbox } from '../mailbox.ts'
import { documentSubject } from '../subjects.ts'
import { createView } from './bucket-view.ts'
import type { BucketReader, Stored } from './documents.ts'
import { headOf, placeIn } from './heads.ts'
import type { Link } from './link.ts'

type Watching<D> = {
  link: Link, reader: BucketReader, ready: () => Promise<void>, bucket: string, ttlSeconds: number | undefined
  documentOf: (stored: Stored) => Document<D> | undefined
  hear: (change: DocumentChange<D>) => void, meter: Meter, logger: Logger
}

/** A message is lost only with the connection; this is for what nobody thought of. */
const READ_AGAIN_MS = 60_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2000
const FIRST_MS = 2000

/**
 * Resolves, to what stops it, when what is there was read, or at once while the bus is away. While it is away nothing is told: who has not been heard of
 * since may be well.
 */
export async function watchBucket<D> ({ link, reader, ready, bucket, ttlSeconds, documentOf, hear, meter, logger }: Watching<D>): Promise<() => Promise<void>> {
  const mailbox = createMailbox<DocumentChange<D>>({ of: 'bucket', meter, logger, handle: hear })
  const view = createView(documentOf, mailbox.put, ttlSeconds === undefined ? Infinity : ttlSeconds * 1000)
  const first = Promise.withResolvers<void>()
  let stopped = false
  let isReady = false
  let busy: Promise<void> | undefined
  let again = false
  let pause = FIRST_PAUSE_MS
  let retry: NodeJS.Timeout | undefined

  const readAll = async (): Promise<void> => {
    await ready()
    const began = view.mark()
    const { found, whole } = await reader.all()
    view.settle(began, found, whole)
    if (!isReady) mailbox.put({ on: 'ready' })
    isReady = true
    first.resolve()
  }
  const askForDue = async (): Promise<void> => {
    for (const key of view.due()) {
      const began = view.mark()
      const stored = await reader.newest(key)
      if (stored === undefined) view.gone(began, key)
    }
  }
  /** One thing at a time. A whole reading that is wanted meanwhile follows; a look at what is due comes again by itself. */
  const look = (work: () => Promise<void>): void => {
    if (stopped || !link.connected) return
    if (busy !== undefined) {
      again ||= work === readAll
      return
    }
    busy = (async () => {
      try {
        await work()
        pause = FIRST_PAUSE_MS
      } catch (error) {
        if (link.connected) logger.debug({ bucket, error: String(error) }, 'the bucket cannot be read yet; it is tried again')
        clearTimeout(retry)
        if (!stopped) retry = setTimeout(() => look(readAll), pause)
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      }
      busy = undefined
      if (again) {
        again = false
        look(readAll)
      }
    })()
  }
  const hearMessage = (message: Msg): void => {
    const { subject, data } = message
    const head = headOf(message)
    const revision = placeIn(head)?.seq
    if (revision === undefined) return
    const key = subject.slice(documentSubject(bucket, '').length)
    view.take(head.last('KV-Operation') !== '' ? { key, revision } : { key, revision, body: data })
  }

  const subscription = await link.subscribe(documentSubject(bucket, '>'), hearMessage)
  const unhear = link.onChange(connected => connected && look(readAll))
  const timers = [setInterval(() => look(readAll), READ_AGAIN_MS)]
  if (ttlSeconds !== undefined) timers.push(setInterval(() => look(askForDue), Math.min(1000, Math.max(50, ttlSeconds * 100))))
  look(readAll)
  if (link.connected) {
    let waiting: NodeJS.Timeout | undefined
    await Promise.race([first.promise, new Promise<void>(resolve => {
      waiting = setTimeout(resolve, FIRST_MS)
    })])
    clearTimeout(waiting)
  }
  return async () => {
    stopped = true
    mailbox.close()
    clearTimeout(retry)
    for (const timer of timers) clearInterval(timer)
    unhear()
    await subscription.stop()
    await busy
  }
}
