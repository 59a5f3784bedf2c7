/**
 * The tables, as the list of steps that make them. `user_version` is how many were taken. A released step is never edited: a change is a new one.
 * What a table holds is told where it is read and written.
 */
import type { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '@dialtone/kernel'

const STEPS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
  CREATE TABLE seen (started INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (started, id)) WITHOUT ROWID;
  CREATE TABLE blobs (n INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, refs INTEGER NOT NULL, packed INTEGER NOT NULL, body BLOB NOT NULL);
  CREATE TABLE observations (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, slot INTEGER NOT NULL, at INTEGER NOT NULL, domain TEXT NOT NULL, ours TEXT, vantage TEXT NOT NULL, agent TEXT NOT NULL, job TEXT NOT NULL,
    asked TEXT, failing INTEGER NOT NULL, same INTEGER NOT NULL, until INTEGER NOT NULL, blobs TEXT NOT NULL, body BLOB NOT NULL
  );
  CREATE INDEX observations_of_slot ON observations (slot);
  CREATE INDEX observations_of_domain ON observations (domain);
  CREATE INDEX observations_by_outcome ON observations (failing);
  CREATE INDEX observations_asked ON observations (asked) WHERE asked IS NOT NULL;
  CREATE TABLE slots (
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, vantage TEXT NOT NULL, agent TEXT NOT NULL, target TEXT NOT NULL, job TEXT NOT NULL, domain TEXT NOT NULL, ours TEXT, deep INTEGER NOT NULL, aside TEXT,
    outline TEXT NOT NULL, observation TEXT NOT NULL, at INTEGER NOT NULL, heard INTEGER NOT NULL, same INTEGER NOT NULL, failing INTEGER NOT NULL, kept INTEGER NOT NULL, since INTEGER NOT NULL, reach TEXT NOT NULL
  );
  CREATE TABLE halves (
    key TEXT PRIMARY KEY, domain TEXT NOT NULL, peer TEXT, direction TEXT, since INTEGER NOT NULL, same INTEGER NOT NULL, counted TEXT, body TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE spans (
    n INTEGER PRIMARY KEY, subject TEXT NOT NULL, domain TEXT NOT NULL, peer TEXT, direction TEXT, state TEXT NOT NULL, cause TEXT NOT NULL, side TEXT NOT NULL, confidence TEXT NOT NULL,
    sentence TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER
  );
  CREATE INDEX spans_of_subject ON spans (subject, since);
  CREATE INDEX spans_up ON spans (subject, since) WHERE state = 'up';
  CREATE INDEX spans_ended ON spans (until);
  CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE changes (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, domain TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
  CREATE INDEX changes_of_domain ON changes (domain, at);
  CREATE INDEX changes_by_time ON changes (at);
  CREATE TABLE incidents (id TEXT PRIMARY KEY, domain TEXT NOT NULL, cause TEXT NOT NULL, open INTEGER NOT NULL, at INTEGER NOT NULL, ended INTEGER, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX incidents_by_time ON incidents (at, id);
  CREATE INDEX incidents_open ON incidents (open, domain);
  CREATE TABLE announcements (id TEXT PRIMARY KEY, at INTEGER NOT NULL, said INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX announcements_unsaid ON announcements (at) WHERE said = 0;
  CREATE TABLE audit (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL);
  CREATE INDEX audit_by_time ON audit (at);
  `,
  `
  CREATE INDEX observations_of_vantage ON observations (vantage);
  CREATE INDEX spans_of_domain ON spans (domain, since);
  `,
  `
  ALTER TABLE observations ADD COLUMN told BLOB;
  CREATE TABLE halves_by_number (
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, domain TEXT NOT NULL, peer TEXT, direction TEXT, since INTEGER NOT NULL, same INTEGER NOT NULL, counted TEXT, body TEXT NOT NULL
  );
  INSERT INTO halves_by_number (key, domain, peer, direction, since, same, counted, body) SELECT key, domain, peer, direction, since, same, counted, body FROM halves;
  DROP TABLE halves;
  ALTER TABLE halves_by_number RENAME TO halves;
  CREATE INDEX incidents_ended ON incidents (ended) WHERE ended IS NOT NULL;
  CREATE INDEX announcements_said ON announcements (at) WHERE said = 1;
  `,
  `
  CREATE TABLE pair_facts (ours TEXT NOT NULL, peer TEXT NOT NULL, gateway TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (ours, peer, gateway)) WITHOUT ROWID;
  CREATE INDEX pair_facts_by_time ON pair_facts (at);
  `,
]

export const SCHEMA_VERSION = STEPS.length

/** Brings a file to the newest schema, each step whole or not at all. Throws `store-too-new` where a newer Dialtone made it. */
export function migrate (db: DatabaseSync, file: string): void {
  const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  if (found > SCHEMA_VERSION) throw new OperatorError('store-too-new', `${file} was written by a newer Dialtone (schema ${found}, this one knows ${SCHEMA_VERSION}): start that one, or delete the file, which is rebuilt from the stream.`)
  for (const [at, step] of STEPS.entries()) {
    if (at < found) continue
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(step)
      db.exec(`PRAGMA user_version = ${at + 1}`)
      db.exec('COMMIT')
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
}

/** Nothing was ever put in it. */
export function isEmpty (db: DatabaseSync): boolean {
  return db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0
}

/** Of any release. */
export function isStore (db: DatabaseSync): boolean {
  return db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name IN ('seen', 'observations', 'incidents', 'spans')").get()?.['n'] === 4
}

export function noStore (file: string): OperatorError {
  return new OperatorError('store-corrupt', `${file} is not a store of control: name the file that control was given as --store, or by 'store' in its configuration`)
}
