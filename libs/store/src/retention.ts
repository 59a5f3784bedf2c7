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

export function createRetention (sql: Sql, observations: Observations, limits: StoreLimits): { bytes: () => number, step: (now: number) => Forgotten } {
  const one = (text: string) => Number(Object.values(sql.get(text) ?? {})[0] ?? 0)
  const bytes = () => (one('PRAGMA page_count') - one('PRAGMA freelist_count')) * one('PRAGMA page_size')
  let ids = one('SELECT COUNT(*) FROM seen')
  let steps = 0

  const drop = (failing: 0 | 1, before: number, most = STEP): number => {
    const rows = sql.all('SELECT n FROM observations o WHERE failing = ? AND at < ? AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.n = o.slot AND s.observation = o.id) ORDER BY n LIMIT ?', failing, before, most)
    for (const { n } of rows) observations.drop(Number(n))
    return rows.length
  }
  const oldest = (table: string, condition: string, before: number) => sql.run(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${condition} < ? LIMIT ${STEP})`, before)
  const oldestById = (table: string, condition: string, before: number) => sql.run(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${condition} < ? LIMIT ${STEP})`, before)

  return {
    bytes,
    step: now => {
      // The count is by increments; now and then it is taken anew.
      if (steps++ % 600 === 0) ids = one('SELECT COUNT(*) FROM seen')
      let successes = drop(0, now - limits.successDays * DAY)
      let failures = drop(1, now - limits.failureDays * DAY)
      if (bytes() > limits.bytes) {
        const freed = drop(0, Number.MAX_SAFE_INTEGER)
        successes += freed
        if (freed === 0) failures += drop(1, Number.MAX_SAFE_INTEGER)
      }
      const before = now - limits.historyDays * DAY
      const history = oldest('spans', 'until', before) + oldest('changes', 'at', before) + oldest('audit', 'at', before) + oldestById('incidents', 'ended', before) + oldestById('announcements', 'said = 1 AND at', before)
      const old = sql.run(`DELETE FROM seen WHERE (started, id) IN (SELECT started, id FROM seen WHERE started < ? ORDER BY started LIMIT ${20 * STEP})`, now - limits.idHours * 3_600_000)
      const many = ids - old > limits.ids ? sql.run(`DELETE FROM seen WHERE (started, id) IN (SELECT started, id FROM seen ORDER BY started LIMIT ${20 * STEP})`) : 0
      ids = Math.max(0, ids - old - many)
      return { successes, failures, history, ids: old + many }
    },
  }
}
