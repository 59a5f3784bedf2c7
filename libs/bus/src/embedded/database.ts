/**
 * The file of the embedded bus. WAL with synchronous NORMAL: what was acknowledged survives the end of the process, kill -9 included, because the kernel
 * has it; a power cut may take the last moments and never damages the rest. A JetStream server, which syncs every two minutes, promises no more.
 */
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { STREAMS } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'

export type Database = {
  sql: DatabaseSync
  /** Of this file, for those who keep a place in it elsewhere. */
  made: string
  /** All of it or nothing. */
  transaction: <R>(work: () => R) => R
}

/** Throws `bus-file` when it cannot be opened, or belongs to another running process. */
export function openDatabase (file: string): Database {
  let sql: DatabaseSync | undefined
  let made: string
  try {
    sql = new DatabaseSync(file)
    // Exclusive: what is in this file is delivered in this process alone, so that a second one would wait for events that never come.
    sql.exec('PRAGMA busy_timeout = 2000; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864')
    for (const stream of STREAMS) {
      sql.exec(`CREATE TABLE IF NOT EXISTS stream_${stream} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, bytes INTEGER NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL) STRICT`)
    }
    sql.exec(`CREATE TABLE IF NOT EXISTS stream (name TEXT PRIMARY KEY, last INTEGER NOT NULL, messages INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS document (bucket TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (bucket, key)) STRICT;
      CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), made TEXT NOT NULL) STRICT`)
    sql.prepare('INSERT INTO identity (one, made) VALUES (1, ?) ON CONFLICT DO NOTHING').run(randomUUID())
    made = (sql.prepare('SELECT made FROM identity').get() as { made: string }).made
  } catch (error) {
    sql?.close()
    throw new OperatorError('bus-file', `the file of the bus, ${file}, cannot be used (${error instanceof Error ? error.message : String(error)}); give one that this process may write and no other process has open`)
  }
  const opened = sql
  return {
    sql: opened,
    made,
    transaction: work => {
      opened.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        opened.exec('COMMIT')
        return result
      } catch (error) {
        opened.exec('ROLLBACK')
        throw error
      }
    },
  }
}
