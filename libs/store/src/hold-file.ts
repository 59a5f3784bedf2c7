/**
 * A store belongs to one control. Beside it lies an empty database that whoever has the store keeps locked: the system takes the lock back from a process that was killed, and
 * who only reads the store, as a backup does, is not kept out.
 */
import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '@dialtone/kernel'

export const IN_MEMORY = ':memory:'
/** SQLITE_BUSY. */
const BUSY = 5

/**
 * Takes the file for this opening of it; answers what gives it back. Throws OperatorErrors: `store-in-use`, and `store-unreadable` where it is no file, whose opening could
 * wait for ever.
 */
export function holdFile (file: string): () => void {
  if (file === IN_MEMORY) return () => undefined
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new OperatorError('store-unreadable', `${file} is no regular file: name another as the store.`)
  let lock: DatabaseSync | undefined
  try {
    const path = `${pathOf(file)}-lock`
    makeAlone(path)
    lock = new DatabaseSync(path, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    if (lock?.isOpen === true) lock.close()
    if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY) throw new OperatorError('store-in-use', `${file} is the store of another control that runs: stop that one, or give this one a store of its own.`)
    throw new OperatorError('store-unreadable', `${file}-lock, which keeps others off the store, cannot be taken (${error instanceof Error ? error.message : String(error)}): see that its folder exists, that this user may write there, and that the disk is not full.`)
  }
  const held = lock
  return () => { if (held.isOpen) held.close() }
}

/** An empty file for its owner alone, where there is none. SQLite gives what it puts beside a file the same mode. */
export function makeAlone (path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
}

/** One lock for one file, by whatever name; and a name that SQLite takes for no URI. */
export function pathOf (file: string): string {
  if (file === IN_MEMORY) return file
  try {
    return realpathSync(file)
  } catch {
    // It is yet to be made.
  }
  try {
    return join(realpathSync(dirname(file)), basename(file))
  } catch {
    return resolve(file)
  }
}
