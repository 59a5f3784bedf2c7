/** What a reader of a durable history is given: bodies proved, the malformed left out, the same batch again until its handler has resolved. */
import type { Delivery, EventType, StreamAt, StreamName } from '@dialtone/contracts'
import type { Logger, Meter } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'
import type { Bodies } from './bodies.ts'
import type { Limits } from './limits.ts'
import * as metrics from './metrics.ts'
import { keyOf } from './subjects.ts'

/** One kept event as an adapter has read it. */
export type Kept = { seq: number, id: string, at: number, subject: string, body: Uint8Array }
export type BatchHandler<S extends TSchema> = (batch: readonly Delivery<Static<S>>[], gap: number, stream: StreamAt) => Promise<void>
/** What a batch is told with, and what a batch of nothing but malformed ones leaves to the next. */
export type Untold = StreamAt & { gap: number }

export const MOST_BATCH = 256
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5000

type Given = { bodies: Bodies, limits: Limits, meter: Meter, logger: Logger, signal: AbortSignal }

/**
 * Hands one read over, in parts where its bodies are large; resolves when the handler has taken it, or when `signal` is aborted. What was told is set back in `untold`: gap and reset.
 */
export async function handOver<S extends TSchema> (type: EventType<S>, stream: StreamName, kept: readonly Kept[], untold: Untold, handler: BatchHandler<S>, given: Given): Promise<void> {
  let batch: Delivery<Static<S>>[] = []
  let bytes = 0
  for (const entry of kept) {
    if (given.signal.aborted) return
    const { delivery, bytes: read } = deliveryOf(type, entry, given.bodies, given.logger)
    if (delivery !== undefined) batch.push(delivery)
    bytes += read
    if (bytes < given.limits.mostBatchBytes) continue
    await give(type, stream, batch, untold, handler, given)
    batch = []
    bytes = 0
    await new Promise(resolve => setImmediate(resolve)) // reading this much held the loop
  }
  await give(type, stream, batch, untold, handler, given)
}

async function give<S extends TSchema> (type: EventType<S>, stream: StreamName, batch: readonly Delivery<Static<S>>[], untold: Untold, handler: BatchHandler<S>, { meter, logger, signal }: Given): Promise<void> {
  if (batch.length === 0) return
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      await handler(batch, untold.gap, { made: untold.made, reset: untold.reset })
      meter.add(metrics.delivered, { noun: type.noun }, batch.length)
      untold.gap = 0
      untold.reset = false
      return
    } catch (error) {
      meter.add(metrics.batchesFailed, { stream })
      logger.warn({ stream, first: batch[0]?.seq, events: batch.length, error: String(error) }, `a batch was not taken; it comes again in ${pause} ms`)
      await resting(pause, signal)
    }
  }
}

/** Tells and counts what the limits dropped between `after` and `first`; 0 when nothing is missing. */
export function gapBetween (stream: StreamName, after: number, first: number, meter: Meter, logger: Logger): number {
  const gap = Math.max(0, first - after - 1)
  if (gap > 0) {
    meter.add(metrics.skipped, { stream }, gap)
    logger.warn({ stream, after, first }, `${gap} events were dropped by the limits of the stream before they were read`)
  }
  return gap
}

/** Without a delivery for what is of another noun or malformed; never throws. `bytes`: that were read for it. */
export function deliveryOf<S extends TSchema> ({ noun, schema }: EventType<S>, { seq, id, at, subject, body }: Kept, bodies: Bodies, logger: Logger): { delivery?: Delivery<Static<S>>, bytes: number } {
  const key = keyOf(noun, subject)
  if (key === undefined) return { bytes: 0 }
  const read = bodies.read(noun, schema, body)
  if ('reason' in read) {
    logger.warn({ subject, seq, why: read.says }, 'an event was left out, because its body is not what its kind says')
    return { bytes: read.bytes }
  }
  return { delivery: { body: read.value as Static<S>, id, key, seq, at: new Date(at).toISOString() }, bytes: read.bytes }
}

/** Waits, or until it is aborted. */
export function resting (ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const over = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', over, { once: true })
  })
}
