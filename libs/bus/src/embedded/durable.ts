/** One durable stream as a table: numbered from 1, each id once, oldest first out when a limit is passed. */
import type { StreamName } from '@dialtone/contracts'
import type { Meter } from '@dialtone/kernel'
import type { StreamLimits } from '../limits.ts'
import { streamDropped } from '../metrics.ts'
import type { Database } from './database.ts'

export type Stored = { seq: number, id: string, at: number, subject: string, body: Uint8Array }
export type Durable = {
  /** Inside a transaction. The place of a new one; undefined for an id that is there already. */
  append: (entry: Omit<Stored, 'seq'>) => number | undefined
  /** Inside a transaction: drops what the limits do not allow, and writes the totals down. */
  settle: (now: number) => void
  /** Takes the totals from the table again, after a transaction that failed. */
  reload: () => void
  after: (seq: number, most: number) => Stored[]
  /** The last place before `at`, milliseconds. */
  before: (at: number) => number
  /** `last` stays when all is gone; `first` is 0 then. */
  extent: () => { first: number, last: number }
}

type Totals = { last: number, messages: number, bytes: number }
type Oldest = { seq: number, at: number, bytes: number }
/** Beside the body: subject, id, row. */
const OVERHEAD = 160
const AT_ONCE = 32

export function createDurable ({ sql }: Database, name: StreamName, limits: StreamLimits, meter: Meter): Durable {
  const table = `stream_${name}`
  const insert = sql.prepare(`INSERT INTO ${table} (seq, id, at, bytes, subject, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
  const oldest = sql.prepare(`SELECT seq, at, bytes FROM ${table} ORDER BY seq LIMIT ${AT_ONCE}`)
  const remove = sql.prepare(`DELETE FROM ${table} WHERE seq <= ?`)
  const next = sql.prepare(`SELECT seq, id, at, subject, body FROM ${table} WHERE seq > ? ORDER BY seq LIMIT ?`)
  const first = sql.prepare(`SELECT min(seq) AS seq FROM ${table}`)
  const taken = sql.prepare(`SELECT at FROM ${table} WHERE seq = ?`)
  const save = sql.prepare('INSERT INTO stream (name, last, messages, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last, messages = excluded.messages, bytes = excluded.bytes')
  const saved = sql.prepare('SELECT last, messages, bytes FROM stream WHERE name = ?')
  const load = (): Totals => ({ last: 0, messages: 0, bytes: 0, ...saved.get(name) as Totals | undefined })
  let totals = load()

  const passed = ({ at }: Oldest, now: number): 'age' | 'bytes' | 'messages' | undefined =>
    at < now - limits.maxAgeSeconds * 1000 ? 'age' : totals.bytes > limits.maxBytes ? 'bytes' : totals.messages > limits.maxMessages ? 'messages' : undefined
  return {
    append: ({ id, at, subject, body }) => {
      const bytes = body.length + OVERHEAD
      if (insert.run(totals.last + 1, id, at, bytes, subject, body).changes === 0) return undefined
      totals = { last: totals.last + 1, messages: totals.messages + 1, bytes: totals.bytes + bytes }
      return totals.last
    },
    settle: now => {
      for (let more = totals.messages > 0; more;) {
        let upTo = 0
        const rows = oldest.all() as Oldest[]
        for (const row of rows) {
          const limit = passed(row, now)
          if (limit === undefined) break
          upTo = row.seq
          totals = { ...totals, messages: totals.messages - 1, bytes: totals.bytes - row.bytes }
          meter.add(streamDropped, { stream: name, limit })
        }
        if (upTo > 0) remove.run(upTo)
        more = rows.length === AT_ONCE && upTo === rows.at(-1)?.seq
      }
      save.run(name, totals.last, totals.messages, totals.bytes)
    },
    reload: () => {
      totals = load()
    },
    after: (seq, most) => next.all(seq, most) as Stored[],
    before: at => {
      // Places have no holes and times rise with them, but for a clock that was set back.
      let low = totals.messages === 0 ? totals.last + 1 : (first.get() as { seq: number }).seq
      let high = totals.last + 1
      while (low < high) {
        const middle = Math.floor((low + high) / 2)
        if ((taken.get(middle) as { at: number }).at < at) low = middle + 1
        else high = middle
      }
      return low - 1
    },
    extent: () => ({ first: totals.messages === 0 ? 0 : (first.get() as { seq: number }).seq, last: totals.last }),
  }
}
