/**
 * Checks that scrapes ask for: one at a time for a domain, shared by all who ask meanwhile and for some seconds after; so many at once and so many in a
 * minute, so that who can reach the exporter cannot make an agent knock at servers without end.
 */
import type { Observation } from '@dialtone/contracts'
import type { Clock, Meter } from '@dialtone/kernel'
import { probesTotal } from './metrics.ts'

export type ProbeLimits = {
  /** An observation is given again for so long. */
  reuseMs: number
  /** Checks in flight. */
  parallel: number
  /** New checks that begin in any minute. */
  perMinute: number
}
export const PROBE_LIMITS: ProbeLimits = { reuseMs: 10_000, parallel: 8, perMinute: 120 }

/** `busy`: a limit; ask again after so many seconds. `late`: it did not end in time. */
export type Probed = { observation: Observation } | { busy: string, retryAfterSeconds: number } | { late: true }

export type Probes = { probe: (domain: string, signal: AbortSignal) => Promise<Probed>, stop: () => Promise<void> }

type Running = { ended: Promise<Observation>, waiting: number, abort: AbortController }

const MINUTE_MS = 60_000

export function createProbes ({ check, clock, meter, limits = PROBE_LIMITS }: { check: (domain: string, signal: AbortSignal) => Promise<Observation>, clock: Clock, meter: Meter, limits?: ProbeLimits }): Probes {
  /** Those that others may join, and all that have not ended: one that was given up is the latter for a while. */
  const running = new Map<string, Running>()
  const flying = new Set<Running>()
  const kept = new Map<string, { observation: Observation, at: number }>()
  const begun: number[] = []

  function begin (domain: string): Running | { busy: string, retryAfterSeconds: number } {
    const oldest = begun.findIndex(at => clock.elapsed() - at < MINUTE_MS)
    begun.splice(0, oldest === -1 ? begun.length : oldest)
    if (flying.size >= limits.parallel) return { busy: `${limits.parallel} checks are running: ask again soon`, retryAfterSeconds: 5 }
    const [first] = begun
    if (begun.length >= limits.perMinute && first !== undefined) return { busy: `${limits.perMinute} checks began in the last minute: ask less often`, retryAfterSeconds: Math.max(1, Math.ceil((first + MINUTE_MS - clock.elapsed()) / 1000)) }
    begun.push(clock.elapsed())
    const abort = new AbortController()
    const ended = check(domain, abort.signal).then(observation => {
      keep(domain, observation)
      return observation
    }).finally(() => {
      flying.delete(made)
      if (running.get(domain) === made) running.delete(domain)
    })
    ended.catch(() => undefined) // told to those who wait
    const made: Running = { ended, waiting: 0, abort }
    running.set(domain, made)
    flying.add(made)
    return made
  }
  /** What is too old to be given again is let go: observations are large. */
  function keep (domain: string, observation: Observation): void {
    kept.delete(domain)
    kept.set(domain, { observation, at: clock.elapsed() })
    for (const [each, { at }] of kept) {
      if (clock.elapsed() - at < limits.reuseMs) break
      kept.delete(each)
    }
  }

  return {
    probe: async (domain, signal) => {
      const last = kept.get(domain)
      if (last !== undefined && clock.elapsed() - last.at < limits.reuseMs) {
        meter.add(probesTotal, { how: 'reused' })
        return { observation: last.observation }
      }
      const shared = running.get(domain)
      const mine = shared ?? begin(domain)
      meter.add(probesTotal, { how: 'busy' in mine ? 'refused' : shared === undefined ? 'new' : 'shared' })
      if ('busy' in mine) return mine
      mine.waiting += 1
      let hear = (): void => undefined
      const late = new Promise<{ late: true }>(resolve => {
        hear = () => resolve({ late: true })
        if (signal.aborted) hear()
        signal.addEventListener('abort', hear, { once: true })
      })
      try {
        return await Promise.race([mine.ended.then(observation => ({ observation })), late])
      } finally {
        signal.removeEventListener('abort', hear)
        mine.waiting -= 1
        // The last who waits for it went: the next one gets a check of its own, and not the end of this.
        if (mine.waiting === 0) {
          if (running.get(domain) === mine) running.delete(domain)
          mine.abort.abort()
        }
      }
    },
    stop: async () => {
      const all = [...flying]
      for (const { abort } of all) abort.abort()
      await Promise.allSettled(all.map(({ ended }) => ended))
    },
  }
}
