/**
 * The store of one control instance. It can be deleted at any time: what it holds is rebuilt from the streams, as far as they reach. Everything is synchronous;
 * what belongs together is written in one transaction, with the place in the stream that it came from.
 */
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { StreamName } from '@dialtone/contracts'
import { OperatorError, type Clock } from '@dialtone/kernel'
import { createBlobs } from './blobs.ts'
import { createHalves, type Halves } from './halves.ts'
import { IN_MEMORY, holdFile, makeAlone, pathOf } from './hold-file.ts'
import { createJournal, type Journal } from './journal.ts'
import { createObservations, type Observations } from './observations.ts'
import { createPairFacts, type PairFactsKept } from './pair-facts.ts'
import { DEFAULT_LIMITS, createRetention, type Forgotten, type StoreLimits } from './retention.ts'
import { isEmpty, isStore, migrate, noStore } from './schema.ts'
import { createSlots, type Slots } from './slots.ts'
import { createSpans, type Spans } from './spans.ts'
import { createSql, textOf, type Sql } from './sql.ts'

export type { StoreLimits } from './retention.ts'

/** `file`: `:memory:` keeps nothing. */
export type StoreOptions = { file: string, clock: Clock, limits?: Partial<StoreLimits> }

export type Store = {
  /** All that `work` writes, or nothing of it when it throws. Not nested. */
  transaction: <T>(work: () => T) => T
  /** Up to where a stream has been read; 0: from its beginning. */
  position: (stream: StreamName) => number
  setPosition: (stream: StreamName, seq: number) => void
  /** Of which stream that place is, as the bus names it; undefined when it was never told. */
  made: (stream: StreamName) => string | undefined
  /** What was never told. */
  found: (stream: StreamName, made: string) => void
  /** It is another stream from now on: read from its beginning. */
  begin: (stream: StreamName, made: string) => void
  /** A number that is kept under a name; 0 when it never was. */
  number: (name: string) => number
  setNumber: (name: string, value: number) => void
  /** True the first time that an id is told with this start; remembers it, within the limits. */
  first: (id: string, started: number) => boolean
  readonly observations: Observations
  readonly slots: Slots
  readonly halves: Halves
  readonly spans: Spans
  readonly journal: Journal
  readonly pairFacts: PairFactsKept
  readonly limits: StoreLimits
  /** Forgets a little of what is beyond the limits; a few milliseconds. */
  forget: () => Forgotten
  bytes: () => number
  blobs: () => number
  /** What is wrong, in a sentence, where another file than the one that is open is at its path now, or none; one look at the path. */
  displaced: () => string | undefined
  close: () => void
}

/**
 * Opens or makes the file, for this opening alone. Throws OperatorErrors: `store-too-new`, `store-corrupt`, `store-in-use`, `store-unreadable`; so does whatever comes upon
 * damage later.
 */
export function openStore (options: StoreOptions): Store {
  const release = holdFile(options.file)
  let sql: Sql | undefined
  try {
    sql = open(options.file)
    return storeOf(sql, options, release)
  } catch (error) {
    sql?.close()
    release()
    throw explained(error, options.file)
  }
}

function storeOf (sql: Sql, { file, clock, limits: given = {} }: StoreOptions, release: () => void): Store {
  const limits = { ...DEFAULT_LIMITS, ...given }
  const opened = identityOf(file)
  const number = (name: string) => Number(sql.get('SELECT value FROM meta WHERE key = ?', name)?.['value'] ?? 0)
  const setNumber = (name: string, value: number) => { sql.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', name, value) }
  const setMade = (stream: StreamName, made: string) => { sql.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', `made.${stream}`, made) }
  const blobs = createBlobs(sql, number('blobs'))
  const known = { ids: number('ids') }
  const observations = createObservations(sql, blobs)
  const halves = createHalves(sql)
  const retention = createRetention(sql, observations, limits, known)
  const transaction = <T>(work: () => T): T => {
    const before = { ids: known.ids, blobs: blobs.count }
    try {
      return sql.transaction(work)
    } catch (error) {
      known.ids = before.ids
      blobs.count = before.blobs
      blobs.forget()
      halves.forget()
      throw explained(error, file)
    }
  }
  return {
    transaction, number, setNumber, observations, halves, limits,
    position: stream => number(`position.${stream}`),
    setPosition: (stream, seq) => setNumber(`position.${stream}`, seq),
    made: stream => textOf(sql.get('SELECT value FROM meta WHERE key = ?', `made.${stream}`)?.['value']),
    found: setMade,
    begin: (stream, made) => transaction(() => {
      setNumber(`position.${stream}`, 0)
      setMade(stream, made)
    }),
    first: (id, started) => {
      const added = sql.run('INSERT OR IGNORE INTO seen (started, id) VALUES (?, ?)', started, id)
      known.ids += added
      return added === 1
    },
    slots: createSlots(sql), spans: createSpans(sql), journal: createJournal(sql), pairFacts: createPairFacts(sql),
    forget: () => transaction(() => {
      const forgotten = retention.step(clock.now())
      setNumber('ids', known.ids)
      setNumber('blobs', blobs.count)
      return forgotten
    }),
    bytes: retention.bytes,
    blobs: () => blobs.count,
    displaced: () => identityOf(file) === opened ? undefined : `${file} was removed or replaced while control has it open, and what is written to it is lost with this process: start control again, which takes the file that is there, or rebuilds one from the stream.`,
    close: () => {
      try {
        setNumber('ids', known.ids)
        setNumber('blobs', blobs.count)
      } finally {
        try {
          sql.close()
        } finally {
          release()
        }
      }
    },
  }
}

/** Of the file at the path: what no other file has at the same time. */
function identityOf (file: string): string | undefined {
  const found = file === IN_MEMORY ? undefined : statSync(file, { throwIfNoEntry: false })
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}

function open (file: string): Sql {
  let db: DatabaseSync | undefined
  try {
    if (file !== IN_MEMORY) makeAlone(pathOf(file))
    db = new DatabaseSync(pathOf(file), { timeout: 5000 })
    // Before a byte of it is changed.
    if (!isEmpty(db) && !isStore(db)) throw noStore(file)
    // With WAL and NORMAL a crash of the machine may lose the last transactions, each whole: they are read from the stream again.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY')
    if (!sound(db)) throw corrupt(file)
    migrate(db, file)
    return createSql(db, error => explained(error, file))
  } catch (error) {
    if (db?.isOpen === true) db.close()
    throw explained(error, file)
  }
}

/** What is looked through in about a second. Damage in a larger store is told when it is come upon. */
const LOOKED_THROUGH_BYTES = 256 * 2 ** 20

/** Whether its pages hold together, as they do not with a journal of another file beside them, say. */
function sound (db: DatabaseSync): boolean {
  const one = (text: string) => Object.values(db.prepare(text).get() ?? {})[0]
  return Number(one('PRAGMA page_count')) * Number(one('PRAGMA page_size')) > LOOKED_THROUGH_BYTES || one('PRAGMA quick_check(1)') === 'ok'
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const CORRUPT = new Set([11, 26])

function explained (error: unknown, file: string): unknown {
  if (error instanceof OperatorError || !(error instanceof Error)) return error
  if (!('errcode' in error || 'syscall' in error)) return error
  if ('errcode' in error && CORRUPT.has(Number(error.errcode) & 0xff)) return corrupt(file)
  return new OperatorError('store-unreadable', `${file} cannot be read or written (${error.message}): see that its folder exists, that this user may write there, and that the disk is not full.`)
}

function corrupt (file: string): OperatorError {
  return new OperatorError('store-corrupt', `${file} is not a sound store: stop control, move it away together with ${file}-wal and ${file}-shm, and start control again: what it held is rebuilt from the stream, or put a backup of a control in its place before.`)
}
