// One connection, its statements prepared once, and transactions that are whole or nothing.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

export type Row = Record<string, unknown>

export type Sql = {
  run: (sql: string, ...values: SQLInputValue[]) => number
  get: (sql: string, ...values: SQLInputValue[]) => Row | undefined
  all: (sql: string, ...values: SQLInputValue[]) => Row[]
  /** Lazily: nothing may be written while it is read. */
  each: (sql: string, ...values: SQLInputValue[]) => Iterable<Row>
  /** All that `work` writes, or nothing of it when it throws. Not nested. */
  transaction: <T>(work: () => T) => T
  close: () => void
}

/** So many different texts are prepared at most: they come from code, filters make the variety. */
const STATEMENTS = 300

export function createSql (db: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    if (prepared.size >= STATEMENTS) prepared.clear()
    const made = db.prepare(sql)
    prepared.set(sql, made)
    return made
  }
  return {
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    get: (sql, ...values) => statement(sql).get(...values),
    all: (sql, ...values) => statement(sql).all(...values),
    each: (sql, ...values) => db.prepare(sql).iterate(...values) as Iterable<Row>,
    transaction: work => {
      db.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        db.exec('COMMIT')
        return result
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
    close: () => {
      prepared.clear()
      db.close()
    },
  }
}

/** NULL is undefined. */
export function textOf (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
