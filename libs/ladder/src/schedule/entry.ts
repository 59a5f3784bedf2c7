/** What the schedule remembers of one target, and its place on the grid of times. */
import type { Clock } from '@dialtone/kernel'
import type { Queued } from './due-queue.ts'
import { hashOf } from './hash.ts'
import type { Plan } from './schedule.ts'

/** Times are `elapsed` milliseconds. */
export type Entry = Queued & {
  plan: Plan
  mine: boolean
  /** Not wanted any more; forgotten when its check is over. */
  gone: boolean
  phase: number
  light: number
  deep: number
  retryUntil: number
  startedAt: number
  running: 'light' | 'deep' | undefined
  /** The pair that a running check holds. */
  pairHeld: string | undefined
  /** Outlines of the last check of each depth. */
  seen: string | undefined
  seenDeep: string | undefined
  troubled: boolean
  deepTroubled: boolean
  /** Equal answers in a row, as far as it matters. */
  same: number
  /** How many more checks may come faster than the schedule says. */
  fastLeft: number
  /** Connections of the last check of each depth. */
  lightCost: number | undefined
  deepCost: number | undefined
}

/** As it is kept over a restart. Times are seconds since the epoch; 0: never. */
export type Kept = [light: number, deep: number, retryUntil: number, seen: string, seenDeep: string, same: number, fastLeft: number, troubled: number, lightCost: number, deepCost: number]

/** Half an hour of checks every 20 s: who fails for longer is checked at the usual pace. */
const MOST_FAST = 90

/** Of which nothing is known. `same` is high: what was never seen has not changed. */
export const freshEntry = { same: 1000, fastLeft: MOST_FAST, troubled: false, deepTroubled: false } as const

export function entryFor (plan: Plan, salt: string, kept: Kept | undefined, clock: Clock): Entry {
  const entry: Entry = {
    plan, mine: false, gone: false, phase: hashOf(`${salt} ${plan.id}`, 2) / 2 ** 32, light: Infinity, deep: Infinity, retryUntil: -Infinity, startedAt: -Infinity, running: undefined, pairHeld: undefined, seen: undefined, seenDeep: undefined,
    lightCost: undefined, deepCost: undefined, due: Infinity, place: -1, ...freshEntry,
  }
  if (kept === undefined) return entry
  const now = clock.now()
  // A time further away than its interval was written by a clock that was wrong.
  const at = (second: number, most: number) => second === 0 ? -Infinity : clock.elapsed() + Math.min(1000 * second - now, most)
  const [light, deep, retryUntil, seen, seenDeep, same, fastLeft, troubled, lightCost, deepCost] = kept
  return {
    ...entry,
    light: at(light, 1.5 * plan.pace.lightMs), deep: at(deep, 1.5 * plan.pace.deepMs), retryUntil: at(retryUntil, plan.pace.retryWindowMs),
    seen: seen === '' ? undefined : seen, seenDeep: seenDeep === '' ? undefined : seenDeep, same, fastLeft, troubled: (troubled & 1) !== 0, deepTroubled: (troubled & 2) !== 0,
    lightCost: lightCost === 0 ? undefined : lightCost, deepCost: deepCost === 0 ? undefined : deepCost,
  }
}

/** It fails when it is looked at, or what it shows is not confirmed, and has not been so for long. */
export function isFast ({ troubled, same, fastLeft, plan }: Entry): boolean {
  return fastLeft > 0 && (troubled || same < plan.pace.confirmations)
}

/** The next time on the grid of this target after `after`, with jitter. The grid is that of the wall clock, which agents share. */
export function nextSlot ({ entry, interval, after, clock, random }: { entry: Entry, interval: number, after: number, clock: Clock, random: () => number }): number {
  const shift = clock.now() - clock.elapsed()
  const offset = entry.phase * interval
  const next = Math.ceil((after + shift - offset) / interval) * interval + offset
  return next - shift + entry.plan.pace.jitter * interval * random()
}
