// Lists, newest first, in pages: the cursor is the place after which the next page begins. By time, or by the order in which rows came.
import { OperatorError } from '@dialtone/kernel'
import type { SQLInputValue } from 'node:sqlite'
import type { Row, Sql } from './sql.ts'

export type Page = { limit: number, cursor?: string }
export type Paged<T> = { rows: T[], next?: string }

/** A condition of SQL with its values; undefined: no condition. */
export type Where = readonly [sql: string, ...values: SQLInputValue[]] | undefined

/** `columns`: what is selected, the unique `tie` among it, and `at` unless it goes by `tie` alone. Throws `bad-cursor`. */
export function pageOf (sql: Sql, { columns, from, tie, arrival = false, where }: { columns: string, from: string, tie: string, arrival?: boolean, where: readonly Where[] }, { limit, cursor }: Page): { rows: Row[], next?: string } {
  const conditions = [...where, ...(cursor === undefined ? [] : [after(tie, arrival, cursor)])].filter(condition => condition !== undefined)
  const filter = conditions.length === 0 ? '' : ` WHERE ${conditions.map(([text]) => text).join(' AND ')}`
  const rows = sql.all(`SELECT ${columns} FROM ${from}${filter} ORDER BY ${arrival ? '' : 'at DESC, '}${tie} DESC LIMIT ?`, ...conditions.flatMap(([, ...values]) => values), limit + 1)
  const last = rows.length > limit ? rows[limit - 1] : undefined
  const name = tie.slice(tie.indexOf('.') + 1)
  return last === undefined ? { rows } : { rows: rows.slice(0, limit), next: `${arrival ? 0 : String(last['at'])}.${String(last[name])}` }
}

function after (tie: string, arrival: boolean, cursor: string): Where {
  const [, at, rest] = /^(\d{1,16})\.([\w-]{1,100})$/.exec(cursor) ?? []
  if (at === undefined || rest === undefined) throw new OperatorError('bad-cursor', 'This cursor is none that was given out: begin again without one.')
  const numbered = tie === 'n' || tie.endsWith('.n')
  const value = numbered ? Number(rest) || 0 : rest
  return arrival ? [`${tie} < ?`, value] : [`(at, ${tie}) < (?, ?)`, Number(at), value]
}

/** Milliseconds since the epoch, of a text that a schema accepted. */
export function millis (time: string): number {
  return Date.parse(time)
}

export function iso (at: unknown): string {
  return new Date(Number(at)).toISOString()
}
