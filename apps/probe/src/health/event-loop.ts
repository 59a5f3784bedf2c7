/**
 * Whether this process was too busy to be believed: a reply that waited in a socket's buffer while the loop was held looks like a slow peer, and
 * after some seconds like a dead one.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Longest delay of the loop in the period that runs, in milliseconds; `take` begins the next one. */
export type LoopMeter = { peek: () => number, take: () => number, stop: () => void }

export type LoopWatch = {
  /** Ends a period. */
  look: () => void
  /** Longest delay, in milliseconds, in the periods since that time (of the clock's `elapsed`), with the one that runs; without one, in the last that ended. */
  lagMs: (since?: number) => number
  stop: () => void
}

/** Above the first a finding; from the second on, time-outs of a check mean nothing: the shortest of them is 2.5 s. */
export const LAG_NOTED_MS = 500
export const LAG_UNHEALTHY_MS = 2000
/** Periods that are remembered: longer than a check may take. */
const PERIODS = 60

export function watchLoop (elapsed: () => number, meter: LoopMeter = loopMeter()): LoopWatch {
  const periods: { until: number, lagMs: number }[] = []
  return {
    look: () => {
      periods.push({ until: elapsed(), lagMs: meter.take() })
      if (periods.length > PERIODS) periods.shift()
    },
    lagMs: since => since === undefined ? periods.at(-1)?.lagMs ?? 0 : Math.max(meter.peek(), ...periods.filter(({ until }) => until >= since).map(({ lagMs }) => lagMs)),
    stop: meter.stop,
  }
}

function loopMeter (): LoopMeter {
  const resolution = 20
  const delays = monitorEventLoopDelay({ resolution })
  delays.enable()
  const peek = (): number => delays.count === 0 ? 0 : Math.max(0, delays.max / 1e6 - resolution)
  return {
    peek,
    take: () => {
      const longest = peek()
      delays.reset()
      return longest
    },
    stop: () => { delays.disable() },
  }
}
