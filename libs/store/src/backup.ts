/** A copy of a store that is in use: whole, as of one moment, and proved to be sound. */
import { chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '@dialtone/kernel'

/** `seen`: observations that the copy knows of. */
export type Backup = { bytes: number, seen: number }

/**
 * Writes the copy whole or not at all, for its owner alone. Who writes the store goes on meanwhile; it costs the reading of the whole file, and as much disk.
 * Throws OperatorErrors: `not-found`, `exists`, `store-corrupt` where it is none of ours or damaged, `store-unreadable`.
 */
export function backupStore ({ from, to }: { from: string, to: string }): Backup {
  if (!existsSync(from)) throw new OperatorError('not-found', `there is no store ${from}: name the file that control was given as --store, or by 'store' in its configuration`)
  if (existsSync(to)) throw new OperatorError('exists', `${to} is there already: name another file, or remove it first`)
  const beside = `${to}.new`
  rmSync(beside, { force: true })
  try {
    read(from, db => {
      if (!isStore(db)) throw new OperatorError('store-corrupt', `${from} is not a store of control`)
      // A read transaction: what is written while it runs is not in it.
      db.prepare('VACUUM INTO ?').run(beside)
    })
    chmodSync(beside, 0o600)
    const seen = read(beside, db => {
      const [check] = db.prepare('PRAGMA quick_check').all()
      if (check?.['quick_check'] !== 'ok') throw new OperatorError('store-corrupt', `the copy of ${from} is not sound (${String(check?.['quick_check'])}); it was not kept`)
      return Number(db.prepare('SELECT count(*) AS n FROM seen').get()?.['n'] ?? 0)
    })
    renameSync(beside, to)
    return { bytes: statSync(to).size, seen }
  } catch (error) {
    rmSync(beside, { force: true })
    if (error instanceof OperatorError || !(error instanceof Error) || !('code' in error)) throw error
    throw new OperatorError('store-unreadable', `${from} cannot be copied to ${to} (${error.message}): see that this user may read the one and write the other, and that there is room for it`)
  }
}

function read<T> (file: string, look: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    return look(db)
  } finally {
    db.close()
  }
}

function isStore (db: DatabaseSync): boolean {
  return db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name IN ('seen', 'observations', 'incidents', 'spans')").get()?.['n'] === 4
}
