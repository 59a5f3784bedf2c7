// One connection, its statements prepared once, and transactions that are whole or nothing.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { OperatorError } from '@dialtone/kernel'

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

/** `explain`: what is thrown instead of an error of SQLite. */
export function createSql (db: DatabaseSync, explain: (error: unknown) => unknown = error => error): Sql {
  const prepared = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    if (prepared.size >= STATEMENTS) prepared.clear()
    const made = db.prepare(sql)
    prepared.set(sql, made)
    return made
  }
  const told = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw explain(error)
    }
  }
  return {
    run: (sql, ...values) => told(() => Number(statement(sql).run(...values).changes)),
    get: (sql, ...values) => told(() => statement(sql).get(...values)),
    all: (sql, ...values) => told(() => statement(sql).all(...values)),
    each: function * (sql, ...values) {
      const rows = told(() => db.prepare(sql).iterate(...values)) as IterableIterator<Row>
      for (let next = told(() => rows.next()); next.done !== true; next = told(() => rows.next())) yield next.value
    },
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

/** What was kept as JSON. Throws an OperatorError `store-corrupt` where it is none. */
export function parsed (text: string): unknown {
  return whole(() => JSON.parse(text) as unknown)
}

/** Damage that SQLite does not see: a page of noise may pass for rows. */
export function whole<T> (read: () => T): T {
  try {
    return read()
  } catch {
    throw new OperatorError('store-corrupt', 'The store of control is not sound, a row of it cannot be read: stop control, move the file away together with its -wal and -shm, and start control again: what it held is rebuilt from the stream, or put a backup of a control in its place before.')
  }
}
