import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ObservationRecorded } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { HalfRow } from './halves.ts'
import { openStore, type Store, type StoreLimits } from './open-store.ts'
import { createPairFacts } from './pair-facts.ts'
import { SCHEMA_VERSION } from './schema.ts'
import type { SlotRow } from './slots.ts'
import { createSql } from './sql.ts'

const T0 = Date.parse('2026-01-01T00:00:00Z')
const DAY = 86_400_000
let folder: string
let now = T0
const stores: Store[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dialtone-store-'))
  now = T0
})
afterEach(() => {
  for (const store of stores.splice(0)) {
    try {
      store.close()
    } catch (error) {
      expect(error).toMatchObject({ code: 'store-corrupt' })
    }
  }
  rmSync(folder, { recursive: true, force: true })
})

it('what was committed is there after it was opened again, and what was not is not', () => {
  const store = open()
  store.transaction(() => {
    store.observations.keep({ record: record('observation-1'), slot: 1, failing: false })
    store.setPosition('observations', 7)
  })
  expect(() => store.transaction(() => {
    store.observations.keep({ record: record('observation-2'), slot: 1, failing: false })
    store.setPosition('observations', 8)
    throw new Error('half way')
  })).toThrow('half way')
  const again = reopen(store)
  expect(again.position('observations')).toBe(7)
  expect(again.observations.get('observation-1')).toEqual(record('observation-1'))
  expect(again.observations.get('observation-2')).toBeUndefined()
})

it('what a gateway told of a pair last is kept, and of too many those that were told of longest ago are not', () => {
  const store = open()
  const facts = (gateway: string, peer: string, id: string) => ({ v: 1, id, gateway, ours: 'ours.example', peer }) as never
  expect(store.pairFacts.put(facts('edge', 'a.example', 'first'), T0)).toBeUndefined()
  expect(store.pairFacts.put(facts('edge', 'a.example', 'second'), T0 + 1)).toMatchObject({ id: 'first' })
  store.pairFacts.put(facts('core', 'a.example', 'third'), T0 + 2)
  store.pairFacts.put(facts('edge', 'b.example', 'fourth'), T0 + 3)
  const again = reopen(store)
  expect(again.pairFacts.of('ours.example', 'a.example')).toMatchObject([{ facts: { gateway: 'core', id: 'third' }, toldAt: T0 + 2 }, { facts: { gateway: 'edge', id: 'second' }, toldAt: T0 + 1 }])
  expect(again.pairFacts.of('other.example', 'a.example')).toEqual([])
  again.close()
  stores.length = 0
  const db = new DatabaseSync(path())
  const kept = createPairFacts(createSql(db), 4)
  kept.put(facts('edge', 'c.example', 'fifth'), T0 + 4)
  expect(kept.of('ours.example', 'a.example')).toHaveLength(2)
  kept.put(facts('edge', 'd.example', 'sixth'), T0 + 5)
  // A hundred at once, the oldest first: here that is all.
  for (const peer of ['a', 'b', 'c', 'd']) expect(kept.of('ours.example', `${peer}.example`)).toEqual([])
  db.close()
})

it('what is asked of one vantage or one domain is looked up, and not looked for', () => {
  const store = open()
  for (const domain of ['a.example', 'b.example']) for (const since of [T0, T0 + 10]) store.spans.begin({ subject: domain, domain, state: 'up', cause: 'healthy', side: 'nobody', confidence: 'high', sentence: 'well.', since } as never)
  expect(store.spans.at(T0 + 5, { domain: 'b.example' })).toMatchObject([{ domain: 'b.example', since: T0, until: T0 + 10 }])
  // What begins at one instant is told in one order, whichever was written first.
  expect(store.spans.of(['b.example', 'a.example'], T0, T0 + 20, 10).map(({ subject, since }) => `${subject} ${since - T0}`)).toEqual(['a.example 0', 'b.example 0', 'a.example 10', 'b.example 10'])
  store.spans.turnBack(T0 + 5)
  expect(store.spans.at(T0 + 6, { subject: 'b.example' })).toMatchObject([{ since: T0 + 5 }])
  const db = new DatabaseSync(path())
  const plan = (text: string) => db.prepare(`EXPLAIN QUERY PLAN ${text}`).all().map(({ detail }) => String(detail)).join()
  expect(plan("SELECT * FROM spans WHERE domain = 'b' AND since <= 1 AND (until IS NULL OR until > 1)")).toContain('spans_of_domain')
  expect(plan("SELECT o.n FROM observations o WHERE o.vantage = 'b' ORDER BY o.n DESC LIMIT 5")).toContain('observations_of_vantage')
  db.close()
})

it('a stream that is another is begun anew, and the name of the one that is read stays', () => {
  const store = open()
  expect(store.made('audit')).toBeUndefined()
  store.setPosition('audit', 7)
  store.found('audit', 'first')
  expect([store.position('audit'), store.made('audit')]).toEqual([7, 'first'])
  store.begin('audit', 'second')
  const again = reopen(store)
  expect([again.position('audit'), again.made('audit'), again.made('observations')]).toEqual([0, 'second', undefined])
})

it('a process that ended half way leaves the last transaction whole', () => {
  const store = open()
  store.transaction(() => store.setPosition('audit', 1))
  // A second connection stands for the process that never came to its end.
  const dying = new DatabaseSync(path())
  dying.exec("BEGIN IMMEDIATE; UPDATE meta SET value = 99 WHERE key = 'position.audit'")
  dying.close()
  expect(reopen(store).position('audit')).toBe(1)
})

it('keeps a certificate once, whoever shows it, and drops it with the last observation of it', () => {
  const store = open({ successDays: 1 })
  const [certificate] = Object.values(record('x').observation.certificates)
  for (const id of ['observation-1', 'observation-2', 'observation-3']) store.observations.keep({ record: record(id), slot: 1, failing: false })
  expect(store.blobs()).toBe(1)
  now += 2 * DAY
  expect(store.forget()).toMatchObject({ successes: 3 })
  expect(store.blobs()).toBe(0)
  expect(certificate?.der.length).toBeGreaterThan(1000)
})

it('an observation that lies about the digest of a certificate changes nobody else’s', () => {
  const store = open()
  const honest = record('observation-1')
  const liar = record('observation-2', { certificates: { ['a'.repeat(64)]: { der: 'bGll', sha512: 'x', spkiSha256: 'b'.repeat(64), spkiSha512: 'y' } } })
  for (const each of [honest, liar]) store.observations.keep({ record: each, slot: 1, failing: false })
  expect([store.observations.get('observation-1'), store.observations.get('observation-2')]).toEqual([honest, liar])
})

it('knows an id that comes again, until the limits forget it', () => {
  const store = open({ idHours: 1 })
  expect([store.first('observation-1', T0), store.first('observation-1', T0), store.first('observation-2', T0)]).toEqual([true, false, true])
  now += 2 * 3_600_000
  expect(store.forget().ids).toBe(2)
  const few = open({ ids: 10 }, 'few')
  for (let n = 0; n < 50; n++) few.first(`observation-${n}`, T0 + n)
  expect(reopen(few, { ids: 10 }, 'few').forget().ids).toBeGreaterThanOrEqual(40)
})

it('forgets the oldest success first, then failures, and never what stands for a slot', () => {
  const store = open({ bytes: 1 })
  for (let n = 0; n < 6; n++) store.observations.keep({ record: record(`observation-${n}`, {}, n), slot: n, failing: n % 2 === 1 })
  for (const n of [0, 1]) store.slots.put(slot(n))
  expect(store.forget()).toMatchObject({ successes: 2, failures: 0 })
  expect(ids(store)).toEqual(['observation-5', 'observation-3', 'observation-1', 'observation-0'])
  store.forget()
  expect(ids(store)).toEqual(['observation-1', 'observation-0'])
  expect(store.forget()).toMatchObject({ successes: 0, failures: 0 })
})

it('takes a step of a hundred at a time, past those that stand, until the file is within its limit', () => {
  const store = open({ successDays: 1 })
  store.transaction(() => {
    for (let n = 0; n < 350; n++) {
      store.observations.keep({ record: record(`observation-${n}`), slot: n, failing: false })
      if (n < 150) store.slots.put(slot(n))
    }
  })
  now += 2 * DAY
  const steps = Array.from({ length: 5 }, () => store.forget().successes)
  expect(steps).toEqual([0, 50, 100, 50, 0])
  expect(ids(store)).toHaveLength(150)
})

it('gives lists in pages, newest first, each row once', () => {
  const store = open()
  for (let n = 0; n < 25; n++) store.observations.keep({ record: record(`observation-${n}`, {}, n), slot: 1, failing: false })
  const seen: string[] = []
  for (let cursor: string | undefined, pages = 0; pages < 10; pages++) {
    const { rows, next } = store.observations.list({ domain: 'partner.example' }, { limit: 10, ...(cursor === undefined ? {} : { cursor }) })
    seen.push(...rows.map(({ id }) => id))
    cursor = next
    if (next === undefined) break
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `observation-${24 - n}`))
  expect(store.observations.list({ from: new Date(T0 + 20_000).toISOString(), to: new Date(T0 + 21_000).toISOString() }, { limit: 10 }).rows.map(({ id }) => id)).toEqual(['observation-21', 'observation-20'])
  expect(() => store.observations.list({}, { limit: 10, cursor: "1' OR 1=1" })).toThrow(expect.objectContaining({ code: 'bad-cursor' }))
})

it('a file of a newer Dialtone, or that is no store, is refused with what to do', () => {
  open().close()
  stores.pop()
  const db = new DatabaseSync(path())
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
  db.close()
  expect(() => open()).toThrow(expect.objectContaining({ code: 'store-too-new', message: expect.stringContaining('newer Dialtone') }))
  writeFileSync(path('rubbish'), 'this is no database, '.repeat(500))
  expect(() => open({}, 'rubbish')).toThrow(expect.objectContaining({ code: 'store-corrupt', message: expect.stringContaining('move it away') }))
  expect(() => openStore({ file: join(folder, 'missing', 'store'), clock: { now: () => now, elapsed: () => 0 } })).toThrow(OperatorError)
})

it('a file of the first schema is read on: verdicts, and observations whose messages and transcripts were blobs', () => {
  const [kept, verdict] = [record('observation-1'), { state: 'up', sentence: 'well' } as HalfRow['verdict']]
  const store = open()
  store.observations.keep({ record: kept, slot: 1, failing: false })
  store.halves.put({ key: 'ours.example', domain: 'ours.example', since: T0, same: 2, verdict })
  store.close()
  stores.pop()
  asFirstSchema(kept)
  const again = open()
  expect(again.observations.get('observation-1')).toEqual(kept)
  expect([...again.halves.each()]).toEqual([{ key: 'ours.example', domain: 'ours.example', since: T0, same: 2, verdict }])
  again.halves.put({ key: 'ours.example', domain: 'ours.example', since: T0, same: 3, verdict })
  expect([...again.halves.each()].map(({ same }) => same)).toEqual([3])
  expect(again.observations.dropOldestOf(1, 'another')).toBe(true)
  const left = new DatabaseSync(path())
  expect(left.prepare('SELECT COUNT(*) AS many FROM blobs').get()).toEqual({ many: 0 })
  left.close()
})

it('forgets ended incidents and what was announced by their indexes, however many there are', () => {
  const store = open()
  const plan = (text: string): string => {
    const db = new DatabaseSync(path())
    const said = JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(0))
    db.close()
    return said
  }
  expect(plan('SELECT id FROM incidents WHERE ended < ? LIMIT 100')).toContain('incidents_ended')
  expect(plan('SELECT id FROM announcements WHERE said = 1 AND at < ? LIMIT 100')).toContain('announcements_said')
  for (let n = 0; n < 3; n++) store.journal.said(`announcement-${n}`, T0)
  now += 401 * DAY
  expect(store.forget().history).toBe(3)
})

it('damage inside the file is told with what to do, where it is come upon', () => {
  const store = open()
  fill(store)
  store.close()
  stores.pop()
  const bytes = readFileSync(path())
  for (let at = 4 * 4096; at < bytes.length; at += 4096) bytes.fill(0xff, at, at + 64)
  writeFileSync(path(), bytes)
  expect(() => {
    const damaged = open()
    damaged.transaction(() => { for (let n = 0; n < 300; n++) damaged.observations.keep({ record: record(`new-${n}`), slot: n, failing: false }) })
  }).toThrow(expect.objectContaining({ code: 'store-corrupt', message: expect.stringContaining('rebuilt from the stream') }))
})

it('pages of noise, or a journal of another file, are told at once with what to do', () => {
  fill(open())
  stores.splice(0).forEach(store => store.close())
  const good = readFileSync(path())
  for (const [from, to] of [[5, 6], [3, 23], [1, 2]] as const) {
    const bytes = Buffer.from(good)
    randomFillSync(bytes, from * 4096, (to - from) * 4096)
    writeFileSync(path(), bytes)
    expect(() => open(), `pages ${from + 1} to ${to}`).toThrow(expect.objectContaining({ code: 'store-corrupt', message: expect.stringContaining('move it away') }))
  }
  writeFileSync(path(), good)
  const store = open()
  expect(store.observations.get('observation-1')).toBeDefined()
})

it('damage that comes while it is open is told by whatever comes upon it, also of a row that only looks like one', () => {
  fill(open())
  stores.splice(0).forEach(store => store.close())
  const db = new DatabaseSync(path())
  db.exec("UPDATE observations SET body = x'0141414141', told = x'00' WHERE id = 'observation-7'; INSERT INTO halves (key, domain, since, same, body) VALUES ('ours.example', 'ours.example', 0, 1, char(1, 2, 3))")
  db.close()
  const store = open()
  expect(() => store.observations.get('observation-7')).toThrow(expect.objectContaining({ code: 'store-corrupt' }))
  expect(() => [...store.halves.each()]).toThrow(expect.objectContaining({ code: 'store-corrupt' }))
  store.close()
  stores.splice(0)
  const again = open()
  // What it has read is kept, until somebody writes.
  const writes = new DatabaseSync(path())
  writes.exec("INSERT INTO meta (key, value) VALUES ('else', 1); PRAGMA wal_checkpoint(TRUNCATE)")
  writes.close()
  const bytes = readFileSync(path())
  randomFillSync(bytes, 4096)
  writeFileSync(path(), bytes)
  expect(() => again.observations.get('observation-9')).toThrow(expect.objectContaining({ code: 'store-corrupt', message: expect.stringContaining('move it away') }))
})

it('has one control, by whatever name another calls it; and another again when that one is gone', () => {
  const store = open()
  symlinkSync(path(), path('other-name'))
  for (const name of ['store', 'other-name']) expect(() => open({}, name)).toThrow(expect.objectContaining({ code: 'store-in-use', message: expect.stringContaining('another control') }))
  const elsewhere = `import { openStore } from ${JSON.stringify(join(import.meta.dirname, 'open-store.ts'))}; openStore({ file: ${JSON.stringify(path())}, clock: { now: Date.now, elapsed: () => 0 } }); process.kill(process.pid, 'SIGKILL')`
  const other = () => spawnSync(process.execPath, ['--input-type=module', '-e', elsewhere], { encoding: 'utf8' })
  expect(other().stderr).toContain('store-in-use')
  store.setNumber('n', 1)
  store.close()
  stores.splice(0)
  expect(other()).toMatchObject({ signal: 'SIGKILL' })
  expect(open().number('n')).toBe(1)
})

it('a database of somebody else is refused, and not changed', () => {
  const theirs = new DatabaseSync(path('theirs'))
  theirs.exec(`CREATE TABLE songs (name TEXT); PRAGMA user_version = ${SCHEMA_VERSION}`)
  theirs.close()
  const before = readFileSync(path('theirs'))
  expect(() => open({}, 'theirs')).toThrow(expect.objectContaining({ code: 'store-corrupt', message: expect.stringContaining('is not a store of control') }))
  expect(readFileSync(path('theirs'))).toEqual(before)
})

it('what it makes is for its owner alone', () => {
  fill(open())
  expect(['', '-wal', '-shm', '-lock'].map(end => statSync(`${path()}${end}`).mode & 0o777)).toEqual([0o600, 0o600, 0o600, 0o600])
})

it('says that its file was removed, or replaced by another', () => {
  const store = open()
  fill(store)
  expect(store.displaced()).toBeUndefined()
  renameSync(path(), path('moved'))
  expect(store.displaced()).toMatch(/store was removed or replaced .*: start control again/)
  writeFileSync(path(), '')
  expect(store.displaced()).toMatch(/removed or replaced/)
  renameSync(path('moved'), path())
  expect(store.displaced()).toBeUndefined()
})

it('what is no file is not opened, for that could wait for ever', () => {
  spawnSync('mkfifo', [path('pipe')])
  expect(() => open({}, 'pipe')).toThrow(expect.objectContaining({ code: 'store-unreadable', message: expect.stringContaining('no regular file') }))
  expect(() => open({}, '.')).toThrow(expect.objectContaining({ code: 'store-unreadable' }))
})

function fill (store: Store): void {
  store.transaction(() => { for (let n = 0; n < 300; n++) store.observations.keep({ record: record(`observation-${n}`), slot: n, failing: false }) })
}

/** The file as a release with the first schema left it. */
function asFirstSchema ({ observation: { messages, endpoints } }: ObservationRecorded): void {
  const db = new DatabaseSync(path())
  const blob = db.prepare('INSERT INTO blobs (hash, refs, packed, body) VALUES (?, 1, 0, ?)')
  const [m, t] = [messages, endpoints.map(({ transcript }) => transcript)].map((value, n) => blob.run(Buffer.from([n]), Buffer.from(JSON.stringify(value))).lastInsertRowid)
  db.prepare("UPDATE observations SET blobs = json_set(blobs, '$.m', ?, '$.t', ?)").run(Number(m), Number(t))
  db.exec(`
    ALTER TABLE observations DROP COLUMN told;
    DROP INDEX observations_of_vantage;
    DROP INDEX spans_of_domain;
    DROP INDEX incidents_ended;
    DROP INDEX announcements_said;
    DROP TABLE pair_facts;
    CREATE TABLE old_halves (key TEXT PRIMARY KEY, domain TEXT NOT NULL, peer TEXT, direction TEXT, since INTEGER NOT NULL, same INTEGER NOT NULL, counted TEXT, body TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO old_halves SELECT key, domain, peer, direction, since, same, counted, body FROM halves;
    DROP TABLE halves;
    ALTER TABLE old_halves RENAME TO halves;
    PRAGMA user_version = 1;
  `)
  db.close()
}

function open (limits: Partial<StoreLimits> = {}, name = 'store'): Store {
  const store = openStore({ file: path(name), clock: { now: () => now, elapsed: () => 0 }, limits })
  stores.push(store)
  return store
}

function reopen (store: Store, limits: Partial<StoreLimits> = {}, name = 'store'): Store {
  store.close()
  stores.splice(stores.indexOf(store), 1)
  return open(limits, name)
}

function path (name = 'store'): string {
  return join(folder, name)
}

function ids (store: Store): string[] {
  return store.observations.list({}, { limit: 1000 }).rows.map(({ id }) => id)
}

function slot (n: number): SlotRow {
  return { n, key: `slot ${n}`, vantage: 'inside', agent: 'inside-1', target: `t${n}`, job: 'peer', domain: 'partner.example', deep: false, outline: 'o', observation: `observation-${n}`, at: T0, heard: T0, same: 0, failing: false, kept: 1, since: T0, reach: { tcp: 'reached', networks: [] } }
}

function record (id: string, more: Partial<ObservationRecorded['observation']> = {}, seconds = 0): ObservationRecorded {
  return {
    v: 1, id, agent: 'inside-1', vantage: 'inside', target: 'control:partner.example', job: 'control',
    observation: {
      v: 1, domain: 'partner.example', vantage: 'inside', startedAt: new Date(T0 + 1000 * seconds).toISOString(), ms: 1, dns: [], claim: [], leftOut: 0,
      asked: { from: 'dialtone.invalid', resolver: '192.0.2.53:53', resolverTrusted: true, controlName: '.', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false },
      endpoints: [{ id: 'starttls/a:5269/192.0.2.1', kind: 'starttls', source: 'srv', target: 'a', port: 5269, address: '192.0.2.1', family: 4, steps: [], received: 0, transcript: [{ atMs: 1, direction: 'note', text: `of ${id}` }] }],
      certificates: { ['a'.repeat(64)]: { der: 'A'.repeat(1500), sha512: 'x', spkiSha256: 'b'.repeat(64), spkiSha512: 'y' } }, messages: { ['c'.repeat(64)]: Buffer.from(id).toString('base64') },
      ...more,
    },
  }
}
