/** What has to be done once it is asked for, whatever fails meanwhile. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Stoppable } from '@dialtone/kernel'

export type Insisting = Stoppable & { ask: () => void }

const PAUSE_MS = 1000

/** After `ask`, `work` is done until it succeeds, with pauses of `pauseMs`: one at a time, and once more where it was asked for while it was done. `failed` is told each error. */
export function insist (work: () => Promise<void>, failed: (error: unknown) => void, pauseMs = PAUSE_MS): Insisting {
  const stopping = new AbortController()
  let due = false
  let doing: Promise<void> | undefined
  const go = async (): Promise<void> => {
    while (due && !stopping.signal.aborted) {
      due = false
      try {
        await work()
      } catch (error) {
        due = true
        failed(error)
        await pause(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
    doing = undefined
  }
  return {
    ask: () => {
      if (stopping.signal.aborted) return
      due = true
      doing ??= go()
    },
    stop: async () => {
      stopping.abort()
      await doing
    },
  }
}
