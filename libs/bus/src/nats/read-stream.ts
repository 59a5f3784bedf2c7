/**
 * A reader of a JetStream stream that keeps its own place. The consumer on the server is only a cursor that is made at the place and thrown away with the
 * connection, so that there is nothing of it to lose: after a lost connection, a silent server or a hole in its numbering another is made.
 */
import type { EventType, From, StreamName, Subscription } from '@dialtone/contracts'
import type { Logger, Meter } from '@dialtone/kernel'
import type { TSchema } from 'typebox'
import { gapBetween, handOver, resting, type BatchHandler, type Untold } from '../batches.ts'
import type { Bodies } from '../bodies.ts'
import type { Limits } from '../limits.ts'
import { openCursor, type Cursor } from './cursor.ts'
import { streamNames, type JetStream, type StreamInfo } from './jetstream.ts'
import type { Link } from './link.ts'

type Reading<S extends TSchema> = {
  link: Link, jetstream: JetStream, type: EventType<S>, stream: StreamName, from: From, handler: BatchHandler<S>, most: number, bodies: Bodies, limits: Limits, meter: Meter, logger: Logger
}

const LONGEST_PAUSE_MS = 2000
const FIRST_MS = 2000

/** Begins; resolves when it reads, or at once while the bus is away. */
export async function readStream<S extends TSchema> ({ link, jetstream, type, stream, from, handler, most, bodies, limits, meter, logger }: Reading<S>): Promise<Required<Subscription>> {
  const name = streamNames[stream]
  const ending = new AbortController()
  const { signal } = ending
  const begun = Promise.withResolvers<void>()
  let place = typeof from === 'object' && 'afterSeq' in from ? from.afterSeq : undefined
  let known = typeof from === 'object' && 'made' in from ? from.made : undefined
  let taken: { made: string, seq: number } | undefined
  const untold: Untold = { made: '', reset: false, gap: 0 }

  /** Where to go on in the stream as it is now. */
  const settle = (info: StreamInfo): void => {
    const other = known !== undefined && known !== info.created
    known = untold.made = info.created
    if (from === 'now') place ??= info.state.last_seq
    if (place === undefined || (!other && place <= info.state.last_seq)) return
    logger.warn({ stream, place, last: info.state.last_seq, made: info.created }, 'the stream was made anew and its reader has a place in an older one; it is read from the beginning')
    untold.reset = true
    untold.gap = 0
    place = 0
  }
  const session = async (): Promise<void> => {
    await jetstream.stream(stream)
    settle(await jetstream.info(name))
    const start = place ?? Date.parse((from as { since: string }).since)
    const cursor = await openCursor(link, jetstream, { stream: name, start: place === undefined ? { time: new Date(start).toISOString() } : { seq: place + 1 }, most, signal })
    begun.resolve()
    try {
      await take(cursor)
    } finally {
      cursor.close()
    }
  }
  const take = async (cursor: Cursor): Promise<void> => {
    for (let kept = await cursor.next(); kept.length > 0 && !signal.aborted; kept = await cursor.next()) {
      for (const { seq } of kept) {
        untold.gap += place === undefined ? 0 : gapBetween(stream, place, seq, meter, logger)
        place = seq
      }
      await handOver(type, stream, kept, untold, handler, { bodies, limits, meter, logger, signal })
      if (place !== undefined && !signal.aborted) taken = { made: untold.made, seq: place }
    }
  }
  const loop = async (): Promise<void> => {
    let said = ''
    for (let pause = 50; !signal.aborted;) {
      if (!await link.reached(60_000, signal)) continue
      try {
        await session()
        pause = 50
        said = ''
      } catch (error) {
        const now = error instanceof Error ? error.message : String(error)
        if (link.connected && now !== said) logger.warn({ stream, error: now }, 'the stream cannot be read; it is tried again')
        said = now
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      }
      await resting(pause * (0.5 + Math.random() / 2), signal)
    }
  }
  const running = loop()
  if (link.connected) await Promise.race([begun.promise, resting(FIRST_MS, signal)])
  return {
    stop: async () => {
      ending.abort()
      await running
    },
    place: () => taken,
  }
}
