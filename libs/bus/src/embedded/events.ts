/** Events of the embedded bus: durable ones are written in batches and told when they are stored, the others are told at once. */
import { STREAMS, type Bus, type EventType, type From, type StreamName, type Subscription } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Meter } from '@dialtone/kernel'
import type { TSchema } from 'typebox'
import { MOST_BATCH, deliveryOf, gapBetween, handOver, type BatchHandler, type Kept, type Untold } from '../batches.ts'
import type { Bodies } from '../bodies.ts'
import type { Limits } from '../limits.ts'
import { createMailbox } from '../mailbox.ts'
import * as metrics from '../metrics.ts'
import { eventSubject, keyOf, provedId, startsWith } from '../subjects.ts'
import { writtenBy } from '../written.ts'
import type { Database } from './database.ts'
import { createDurable, type Durable } from './durable.ts'

type Pending = { stream: StreamName, entry: Omit<Kept, 'seq'>, noun: string, began: number, stored: () => void, failed: (error: unknown) => void }
type Given = { database: Database, bodies: Bodies, limits: Limits, clock: Clock, meter: Meter, logger: Logger }

export type Events = Pick<Bus, 'publish' | 'subscribe' | 'consume' | 'extent'> & { stop: () => Promise<void> }

/** So many are written in one transaction at most. */
const AT_ONCE = 512
const SETTLE_MS = 10_000

export function createEvents ({ database, bodies, limits, clock, meter, logger }: Given): Events {
  const streams = Object.fromEntries(STREAMS.map(name => [name, createDurable(database, name, limits.streams[name], meter)])) as Record<StreamName, Durable>
  const hearers = new Set<(kept: Kept) => void>()
  const readers = new Map<() => void, () => Promise<void>>()
  let pending: Pending[] = []
  let stopped = false

  const tell = (kept: Kept): void => {
    for (const hear of hearers) hear(kept)
  }
  const flush = (): void => {
    if (pending.length === 0) return
    const work = pending
    pending = []
    let places: (number | undefined)[]
    try {
      places = database.transaction(() => {
        const places = work.map(({ stream, entry }) => streams[stream].append(entry))
        for (const stream of new Set(work.map(each => each.stream))) streams[stream].settle(clock.now())
        return places
      })
    } catch (error) {
      for (const stream of STREAMS) streams[stream].reload()
      const told = new OperatorError('bus-unreachable', `the file of the bus cannot be written (${error instanceof Error ? error.message : String(error)}); free its disk, then it goes on`)
      for (const { noun, failed } of work) {
        meter.add(metrics.published, { noun, outcome: 'failed' })
        failed(told)
      }
      return
    }
    for (const [index, { entry, noun, began, stored }] of work.entries()) {
      const seq = places[index]
      meter.add(metrics.published, { noun, outcome: seq === undefined ? 'duplicate' : 'stored' })
      meter.observe(metrics.publishSeconds, { noun }, (clock.elapsed() - began) / 1000)
      if (seq !== undefined) tell({ ...entry, seq })
      stored()
    }
    for (const wake of readers.keys()) wake()
  }
  // Age passes without anybody writing.
  const settling = setInterval(() => {
    try {
      database.transaction(() => {
        for (const stream of STREAMS) streams[stream].settle(clock.now())
      })
    } catch (error) {
      for (const stream of STREAMS) streams[stream].reload()
      logger.error({ error: String(error) }, 'the limits of the streams could not be applied')
    }
  }, SETTLE_MS).unref()

  return {
    publish: async (type, key, body, { id }) => {
      if (stopped) throw new OperatorError('bus-unreachable', 'the bus was stopped')
      const subject = eventSubject(type.noun, key)
      const bytes = writtenBy(bodies, meter, type, body)
      const entry = { id: provedId(id), at: clock.now(), subject, body: bytes }
      const { stream, noun } = type
      if (stream === undefined) {
        meter.add(metrics.published, { noun, outcome: 'sent' })
        tell({ ...entry, seq: 0 })
        return
      }
      await new Promise<void>((stored, failed) => {
        if (pending.length === 0) setImmediate(flush)
        pending.push({ stream, entry, noun, began: clock.elapsed(), stored, failed })
        if (pending.length >= AT_ONCE) flush()
      })
    },
    subscribe: async (type, key, handler) => {
      eventSubject(type.noun, key)
      const mailbox = createMailbox<Kept>({
        of: type.noun, most: limits.mailbox, meter, logger,
        onDrop: () => meter.add(metrics.dropped, { noun: type.noun }),
        handle: kept => {
          const { delivery } = deliveryOf(type, kept, bodies, logger)
          if (delivery === undefined) return
          meter.add(metrics.delivered, { noun: type.noun })
          handler(delivery)
        },
      })
      const hear = (kept: Kept): void => {
        const at = keyOf(type.noun, kept.subject)
        if (at !== undefined && startsWith(at, key)) mailbox.put(kept)
      }
      hearers.add(hear)
      return {
        stop: async () => {
          hearers.delete(hear)
          mailbox.close()
        },
      }
    },
    consume: async (type, from, handler, options = {}) => {
      const { stream: name } = type
      if (name === undefined) throw new Error(`'${type.noun}' is not durable`)
      const reader = read({ type, name, stream: streams[name], made: database.made, from, handler, most: options.most ?? MOST_BATCH, bodies, limits, meter, logger })
      readers.set(reader.wake, reader.stop)
      return {
        stop: async () => {
          readers.delete(reader.wake)
          await reader.stop()
        },
        place: reader.place,
      } satisfies Subscription
    },
    extent: async stream => {
      const { first, last } = streams[stream].extent()
      return first === 0 ? { first: 0, last: 0, made: database.made } : { first, last, made: database.made }
    },
    stop: async () => {
      stopped = true
      clearInterval(settling)
      flush()
      await new Promise(resolve => setImmediate(resolve)) // what was stored last is told
      hearers.clear()
      await Promise.all([...readers.values()].map(stop => stop()))
    },
  }
}

type Reading<S extends TSchema> = { type: EventType<S>, name: StreamName, stream: Durable, made: string, from: From, handler: BatchHandler<S>, most: number, bodies: Bodies, limits: Limits, meter: Meter, logger: Logger }

function read<S extends TSchema> ({ type, name, stream, made, from, handler, most, bodies, limits, meter, logger }: Reading<S>) {
  const ending = new AbortController()
  const { signal } = ending
  let wake = (): void => undefined
  const untold: Untold = { made, reset: isOlder(stream, made, from), gap: 0 }
  let taken: { made: string, seq: number } | undefined
  let place = untold.reset ? 0 : placeOf(stream, from)
  if (untold.reset) logger.warn({ stream: name, from, made }, 'the stream was made anew and its reader has a place in an older one; it is read from the beginning')

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      const kept = stream.after(place, most)
      const [first] = kept
      if (first === undefined) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
        continue
      }
      untold.gap += gapBetween(name, place, first.seq, meter, logger)
      await handOver(type, name, kept, untold, handler, { bodies, limits, meter, logger, signal })
      place = kept.at(-1)?.seq ?? place
      if (!signal.aborted) taken = { made, seq: place }
      await new Promise(resolve => setImmediate(resolve)) // others are heard between batches
    }
  }
  const running = loop()
  return {
    wake: () => wake(),
    place: () => taken,
    stop: async () => {
      ending.abort()
      wake()
      await running
    },
  }
}

function isOlder (stream: Durable, made: string, from: From): boolean {
  return typeof from === 'object' && 'afterSeq' in from && (from.afterSeq > stream.extent().last || (from.made !== undefined && from.made !== made))
}

function placeOf (stream: Durable, from: From): number {
  if (from === 'now') return stream.extent().last
  return 'since' in from ? stream.before(Date.parse(from.since)) : from.afterSeq
}
