/** Long work in slices, so that others are answered meanwhile. */
import { setImmediate as breathe } from 'node:timers/promises'

const TURN_MS = 10

/** `if (turn.isOver()) await turn.next()` in a long loop: it is over after some milliseconds. */
export function createTurn (elapsed: () => number = () => performance.now()): { isOver: () => boolean, next: () => Promise<void> } {
  let since = elapsed()
  return {
    isOver: () => elapsed() - since >= TURN_MS,
    next: async () => {
      await breathe()
      since = elapsed()
    },
  }
}
