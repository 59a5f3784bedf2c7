/** A copy of a store that is in use: whole, as of one moment, and proved to be sound. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '@dialtone/kernel'
import { isStore, noStore } from './schema.ts'

/** `seen`: observations that the copy knows of. */
export type Backup = { bytes: number, seen: number }

/** How a file of SQLite begins. */
const MAGIC = 'SQLite format 3\0'

/**
 * Writes the copy whole or not at all, for its owner alone. Who writes the store goes on meanwhile; it costs the reading of the whole file, and as much disk.
 * Throws OperatorErrors: `not-found`, `exists`, `store-corrupt` where it is none of ours or damaged, `store-unreadable`.
 */
export function backupStore ({ from, to }: { from: string, to: string }): Backup {
  // As absolute paths, which SQLite takes for no URI.
  const [source, target] = [resolve(from), resolve(to)]
  // A name that nobody else has, and nobody else reads it from the first byte on.
  const beside = `${target}.${randomBytes(6).toString('hex')}.new`
  let ours = false
  try {
    const kind = statSync(from, { throwIfNoEntry: false })
    if (kind === undefined) throw new OperatorError('not-found', `there is no store ${from}: name the file that control was given as --store, or by 'store' in its configuration`)
    // What is no file may never answer.
    if (!kind.isFile()) throw new OperatorError('store-unreadable', `${from} is no regular file: name the file that control was given as --store, or by 'store' in its configuration`)
    if (existsSync(to)) throw new OperatorError('exists', `${to} is there already: name another file, or remove it first`)
    if (headOf(source) !== MAGIC) throw noStore(from)
    closeSync(openSync(beside, 'wx', 0o600))
    ours = true
    read(source, db => {
      if (!isStore(db)) throw noStore(from)
      // A read transaction: what is written while it runs is not in it.
      db.prepare('VACUUM INTO ?').run(beside)
    })
    const seen = read(beside, db => {
      const [check] = db.prepare('PRAGMA quick_check').all()
      if (check?.['quick_check'] !== 'ok') throw new OperatorError('store-corrupt', `the copy of ${from} is not sound (${String(check?.['quick_check'])}); it was not kept`)
      return Number(db.prepare('SELECT count(*) AS n FROM seen').get()?.['n'] ?? 0)
    })
    renameSync(beside, target)
    return { bytes: statSync(target).size, seen }
  } catch (error) {
    if (ours) rmSync(beside, { force: true })
    if (error instanceof OperatorError || !(error instanceof Error) || !('code' in error)) throw error
    if ('errcode' in error && CORRUPT.has(Number(error.errcode) & 0xff)) throw new OperatorError('store-corrupt', `${from} is damaged or cut short (${error.message}), and was not copied: move it away while control is stopped; control makes another from the bus`)
    throw new OperatorError('store-unreadable', `${from} cannot be copied to ${to} (${error.message}): see that this user may read the one and write the other, and that there is room for it`)
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const CORRUPT = new Set([11, 26])

function headOf (file: string): string {
  const descriptor = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(MAGIC.length)
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(descriptor)
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
