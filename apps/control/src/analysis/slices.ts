/**
 * Work in slices, so that the event loop is never held long: one slice is one transaction, and between two the loop breathes. One piece of work at a time; who
 * comes meanwhile waits in line.
 */
import type { Clock } from '@dialtone/kernel'
import { setImmediate } from 'node:timers/promises'

/** Well below the 50 ms that nobody may hold the loop: the last step of a slice may take longer than the others. */
const SLICE_MS = 20

/** Is the time of a slice over? */
export type Spent = () => boolean

export type Slices = {
  /** Calls `slice` until it returns false; `slice` works until `spent()`. Rejects with what it throws. */
  run: (slice: (spent: Spent) => boolean) => Promise<void>
  /** Resolves when what was begun until now is over. */
  idle: () => Promise<void>
  readonly busy: boolean
}

export function createSlices ({ elapsed }: Pick<Clock, 'elapsed'>): Slices {
  let line: Promise<void> = Promise.resolve()
  let waiting = 0

  async function work (before: Promise<void>, slice: (spent: Spent) => boolean): Promise<void> {
    await before
    for (let more = true; more;) {
      const began = elapsed()
      more = slice(() => elapsed() - began > SLICE_MS)
      if (more) await setImmediate()
    }
  }
  return {
    run: async slice => {
      waiting++
      const mine = work(line, slice)
      line = mine.catch(() => undefined)
      try {
        await mine
      } finally {
        waiting--
      }
    },
    idle: () => line,
    get busy () { return waiting > 0 },
  }
}
