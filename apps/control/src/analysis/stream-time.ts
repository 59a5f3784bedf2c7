/**
 * What time it is by the clock of the bus, which orders all that is heard. Between two messages it goes on with a clock that nobody sets, so that a jump of this
 * machine's clock moves nothing; while nothing has been heard for long, this machine's clock is all there is.
 */
import type { Clock } from '@dialtone/kernel'

export type StreamTime = {
  /** A message that the bus took just now, at `at` of its clock (milliseconds). One that was read late must not be told. */
  heard: (at: number) => void
  /** Milliseconds since the epoch. */
  now: () => number
}

/** So long what was heard says more than the clock of this machine. */
const TRUSTED_MS = 600_000
/** Nearer than that, what is behind was on its way; beyond, the clock of the bus was set back. */
const SET_BACK_MS = 60_000
/** How much of what it is behind is believed each time: clocks do not all go at the same pace. */
const SLOWER = 0.02

export function createStreamTime (clock: Pick<Clock, 'now' | 'elapsed'>): StreamTime {
  let known: { ahead: number, at: number } | undefined
  return {
    heard: at => {
      const elapsed = clock.elapsed()
      const ahead = at - elapsed
      const behind = known === undefined ? 0 : known.ahead - ahead
      known = { ahead: known === undefined || behind <= 0 || behind > SET_BACK_MS ? ahead : known.ahead - SLOWER * behind, at: elapsed }
    },
    now: () => {
      const elapsed = clock.elapsed()
      return known === undefined || elapsed - known.at > TRUSTED_MS ? clock.now() : elapsed + known.ahead
    },
  }
}
