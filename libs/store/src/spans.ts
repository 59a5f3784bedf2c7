// The timeline: spans in which a subject had one state and one cause. The last of a subject has no end.
import type { Cause, Confidence, Side, State } from '@dialtone/contracts'
import { textOf, type Row, type Sql } from './sql.ts'

export type SpanRow = { subject: string, domain: string, peer?: string, direction?: 'out' | 'in', state: State, cause: Cause, side: Side, confidence: Confidence, sentence: string, since: number, until?: number }

export type Spans = {
  /** Ends the span that is open and begins this one. */
  begin: (span: Omit<SpanRow, 'until'>) => void
  end: (subject: string, at: number) => void
  /** Nothing begins or ends after `to`. */
  turnBack: (to: number) => void
  /** Oldest first, of these subjects, as far as they touch the period; the newest `limit` of them. */
  of: (subjects: readonly string[], from: number, to: number, limit: number) => SpanRow[]
  /** When it was last up: `at` itself, when it was up then. */
  lastUp: (subject: string, at: number) => number | undefined
  /** What every subject was at a time: all, those of one domain, or one subject. */
  at: (at: number, only?: { subject: string } | { domain: string }) => SpanRow[]
}

export function createSpans (sql: Sql): Spans {
  const end = (subject: string, at: number) => { sql.run('UPDATE spans SET until = MAX(since, ?) WHERE subject = ? AND until IS NULL', at, subject) }
  return {
    begin: ({ subject, domain, peer, direction, state, cause, side, confidence, sentence, since }) => {
      end(subject, since)
      sql.run('INSERT INTO spans (subject, domain, peer, direction, state, cause, side, confidence, sentence, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', subject, domain, peer ?? null, direction ?? null, state, cause, side, confidence, sentence, since)
    },
    end,
    turnBack: to => {
      sql.run('UPDATE spans SET since = MIN(since, ?), until = ? WHERE until > ?', to, to, to)
      sql.run('UPDATE spans SET since = ? WHERE until IS NULL AND since > ?', to, to)
    },
    of: (subjects, from, to, limit) => subjects.length === 0 ? [] : sql.all(
      `SELECT * FROM spans WHERE subject IN (${subjects.map(() => '?').join()}) AND since <= ? AND (until IS NULL OR until >= ?) ORDER BY since DESC, subject DESC, n DESC LIMIT ?`, ...subjects, to, from, limit,
    ).map(spanOf).toReversed(),
    lastUp: (subject, at) => {
      const row = sql.get("SELECT until FROM spans WHERE subject = ? AND since <= ? AND state = 'up' ORDER BY since DESC LIMIT 1", subject, at)
      return row === undefined ? undefined : Math.min(at, Number(row['until'] ?? at))
    },
    at: (at, only) => (only === undefined ? sql.all('SELECT * FROM spans WHERE since <= ? AND (until IS NULL OR until > ?)', at, at)
      : 'domain' in only ? sql.all('SELECT * FROM spans WHERE domain = ? AND since <= ? AND (until IS NULL OR until > ?)', only.domain, at, at)
        : sql.all('SELECT * FROM spans WHERE subject = ? AND since <= ? AND (until IS NULL OR until > ?) ORDER BY since DESC, n DESC LIMIT 1', only.subject, at, at)).map(spanOf),
  }
}

function spanOf (row: Row): SpanRow {
  const peer = textOf(row['peer'])
  return {
    subject: String(row['subject']), domain: String(row['domain']), ...(peer === undefined ? {} : { peer, direction: String(row['direction']) as 'out' | 'in' }),
    state: String(row['state']) as State, cause: String(row['cause']) as Cause, side: String(row['side']) as Side, confidence: String(row['confidence']) as Confidence, sentence: String(row['sentence']),
    since: Number(row['since']), ...(row['until'] === null ? {} : { until: Number(row['until']) }),
  }
}
