import type { ScheduleSpec } from '@dialtone/contracts'

/** How often, in milliseconds. */
export type Pace = {
  lightMs: number
  deepMs: number
  /** Between light checks while it fails or is not confirmed; never slower than `lightMs`. */
  failingMs: number
  confirmations: number
  /** Share of the interval. */
  jitter: number
  retryWindowMs: number
  paused: boolean
}

/** Of a schedule, with the defaults that its contract names. */
export function paceOf ({ lightEverySeconds = 60, deepEverySeconds = 1800, failingEverySeconds = 20, confirmations = 3, jitter = 0.1, retryWindowSeconds = 300, desired = 'running' }: ScheduleSpec, vantage: 'running' | 'paused' = 'running'): Pace {
  return {
    lightMs: 1000 * lightEverySeconds,
    deepMs: 1000 * deepEverySeconds,
    failingMs: 1000 * Math.min(failingEverySeconds, lightEverySeconds),
    confirmations, jitter,
    retryWindowMs: 1000 * retryWindowSeconds,
    paused: desired === 'paused' || vantage === 'paused',
  }
}
