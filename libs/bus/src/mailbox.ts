/** What lies between who publishes and a handler: in order, never in the caller's stack, limited, and a handler that throws harms nobody. */
import type { Logger, Meter } from '@dialtone/kernel'
import { handlersFailed } from './metrics.ts'

export type Mailbox<T> = {
  put: (item: T) => void
  /** Takes nothing more, forgets what waits. Resolves when the handler that runs is over. */
  close: () => void
}

export type MailboxOptions<T> = {
  /** Closed set: a noun, or 'bucket'. */
  of: string
  /** How many wait at most; without it, whoever fills it is bounded. */
  most?: number
  onDrop?: () => void
  handle: (item: T) => void
  meter: Meter
  logger: Logger
}

/** How long the handlers of one mailbox may have the loop before others are heard. */
const SLICE_MS = 5

export function createMailbox<T> ({ of, most = Infinity, onDrop, handle, meter, logger }: MailboxOptions<T>): Mailbox<T> {
  let waiting: T[] = []
  let next = 0
  let scheduled = false
  let closed = false

  const schedule = (): void => {
    if (scheduled || closed) return
    scheduled = true
    setImmediate(drain)
  }
  const drain = (): void => {
    scheduled = false
    const until = performance.now() + SLICE_MS
    while (next < waiting.length) { // a handler that closes us empties it
      const item = waiting[next++] as T
      try {
        handle(item)
      } catch (error) {
        meter.add(handlersFailed, { of })
        logger.error({ of, error: String(error) }, 'a handler of the bus threw; what it was given is lost to it')
      }
      if (performance.now() > until) break
    }
    if (next >= waiting.length) {
      waiting = []
      next = 0
    } else {
      schedule()
    }
  }
  return {
    put: item => {
      if (closed) return
      waiting.push(item)
      if (waiting.length - next > most) {
        next++
        onDrop?.()
        if (next > most) {
          waiting = waiting.slice(next)
          next = 0
        }
      }
      schedule()
    },
    close: () => {
      closed = true
      waiting = []
      next = 0
    },
  }
}
