/**
 * What is forgotten, in steps small enough to stand between two reads: what is too old; then, while the file holds more than it may, the oldest successes, and when none
 * is left the oldest failures. What stands for a slot now is never forgotten, nor an incident that goes on.
 */
import type { Observations } from './observations.ts'
import type { Sql } from './sql.ts'

export type StoreLimits = {
  /** Of the pages in use; the defaults hold 10,000 domains in 10 GB. */
  bytes: number
  /** Days for which full observations are kept: of successes, and of failures. */
  successDays: number, failureDays: number
  /** Days for which spans, changes, ended incidents, announcements and audit are kept. */
  historyDays: number
  /** How many ids are recognised when they come again, and for how long. */
  ids: number, idHours: number
  /** How many full observations one slot may hold. */
  fullPerSlot: number
}

export const DEFAULT_LIMITS: StoreLimits = { bytes: 8 * 2 ** 30, successDays: 14, failureDays: 60, historyDays: 400, ids: 3_000_000, idHours: 48, fullPerSlot: 200 }

/** How many rows one step takes from each table. */
const STEP = 100
const DAY = 86_400_000

export type Forgotten = { successes: number, failures: number, history: number, ids: number }

/** `known.ids`: how many are kept, by increments: counting millions would hold the loop. */
export function createRetention (sql: Sql, observations: Observations, limits: StoreLimits, known: { ids: number }): { bytes: () => number, step: (now: number) => Forgotten } {
  const one = (text: string) => Number(Object.values(sql.get(text) ?? {})[0] ?? 0)
  const bytes = () => (one('PRAGMA page_count') - one('PRAGMA freelist_count')) * one('PRAGMA page_size')

  /** Up to where the rows of each outcome have been looked at: those that stand for a slot stay, and must not be read again and again. */
  const looked = [0, 0]
  const drop = (failing: 0 | 1, before: number): number => {
    const rows = sql.all('SELECT n, at, EXISTS (SELECT 1 FROM slots s WHERE s.n = o.slot AND s.observation = o.id) AS stands FROM observations o WHERE failing = ? AND n > ? ORDER BY n LIMIT ?', failing, looked[failing] ?? 0, STEP)
    const old = rows.filter(({ at }) => Number(at) < before)
    const gone = old.filter(({ stands }) => stands === 0)
    for (const { n } of gone) observations.drop(Number(n))
    looked[failing] = rows.length < STEP || old.length < rows.length ? 0 : Number(rows.at(-1)?.['n'])
    return gone.length
  }
  const oldest = (table: string, condition: string, before: number) => sql.run(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${condition} < ? LIMIT ${STEP})`, before)
  const oldestById = (table: string, condition: string, before: number) => sql.run(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${condition} < ? LIMIT ${STEP})`, before)

  return {
    bytes,
    step: now => {
      let successes = drop(0, now - limits.successDays * DAY)
      let failures = drop(1, now - limits.failureDays * DAY)
      if (bytes() > limits.bytes) {
        const freed = drop(0, Number.MAX_SAFE_INTEGER)
        successes += freed
        if (freed === 0 && looked[0] === 0) failures += drop(1, Number.MAX_SAFE_INTEGER)
      }
      const before = now - limits.historyDays * DAY
      const history = oldest('spans', 'until', before) + oldest('changes', 'at', before) + oldest('audit', 'at', before) + oldestById('incidents', 'ended', before) + oldestById('announcements', 'said = 1 AND at', before)
      const old = sql.run(`DELETE FROM seen WHERE (started, id) IN (SELECT started, id FROM seen WHERE started < ? ORDER BY started LIMIT ${20 * STEP})`, now - limits.idHours * 3_600_000)
      const many = known.ids - old > limits.ids ? sql.run(`DELETE FROM seen WHERE (started, id) IN (SELECT started, id FROM seen ORDER BY started LIMIT ${20 * STEP})`) : 0
      known.ids = Math.max(0, known.ids - old - many)
      return { successes, failures, history, ids: old + many }
    },
  }
}
