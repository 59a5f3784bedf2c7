// Lines for a reader that may be slow, stalled or gone: written when there is room, dropped and counted when too many wait. Whoever adds a line never waits.
import { OperatorError } from '@dialtone/kernel'

/** Lines that may wait. */
const MOST_LINES = 1000
/** How soon it is tried again where the reader had no room. */
const LATER_MS = 25
/** What the last lines get before all is over. */
const LAST_MS = 500

export type LineQueue = {
  add: (line: string) => void
  /** Resolves when nothing can be written any more, with the reason. */
  broken: Promise<OperatorError>
  /** Resolves when everything is written, or when there was no room for it for too long. */
  close: () => Promise<void>
}

/** `offer` takes as many bytes as there is room for, none at all, or throws an OperatorError; `lost` is the line that stands where `count` others were dropped. */
export function lineQueue (offer: (bytes: Buffer) => number, lost: (count: number) => string): LineQueue {
  const waiting: Buffer[] = []
  const { promise: broken, resolve: breaks } = Promise.withResolvers<OperatorError>()
  let dropped = 0
  let over = false
  let timer: NodeJS.Timeout | undefined

  function flush (): void {
    timer = undefined
    try {
      for (let [line] = waiting; line !== undefined; [line] = waiting) {
        const rest = line.subarray(offer(line))
        if (rest.length > 0) {
          waiting[0] = rest
          if (rest.length === line.length) {
            timer = setTimeout(flush, LATER_MS)
            return
          }
        } else waiting.shift()
        if (waiting.length === 0 && dropped > 0) {
          waiting.push(Buffer.from(lost(dropped)))
          dropped = 0
        }
      }
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      over = true
      waiting.length = 0
      breaks(error)
    }
  }

  return {
    add: line => {
      if (over) return
      // Until the reader has caught up, so that one line tells of one gap.
      if (dropped > 0 || waiting.length >= MOST_LINES) dropped++
      else waiting.push(Buffer.from(line))
      if (timer === undefined) flush()
    },
    broken,
    close: async () => {
      for (const last = performance.now() + LAST_MS; waiting.length > 0 && performance.now() < last;) await new Promise(resolve => { setTimeout(resolve, LATER_MS) })
      over = true
      clearTimeout(timer)
    },
  }
}
