import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { backupStore } from './backup.ts'
import { openStore } from './open-store.ts'

const clock = { now: () => Date.parse('2026-11-26T12:00:00Z'), elapsed: () => 0 }
let folder = ''
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'dialtone-backup-')) })
afterEach(() => rmSync(folder, { recursive: true }))

it('copies a store that is written meanwhile: what was there is in it, and what comes later is not', () => {
  const [from, to] = [join(folder, 'control.db'), join(folder, 'copy.db')]
  const store = openStore({ file: from, clock })
  for (let n = 0; n < 1000; n++) store.first(`id-${n}`, n)
  store.setPosition('observations', 1000)
  expect(backupStore({ from, to })).toMatchObject({ seen: 1000 })
  store.first('later', 1)
  store.setPosition('observations', 1001)
  expect(statSync(to).mode & 0o777).toBe(0o600)
  const copy = openStore({ file: to, clock })
  expect([copy.position('observations'), copy.first('id-7', 7), copy.first('later', 1)]).toEqual([1000, false, true])
  copy.close()
  store.close()
})

it('writes over nothing, leaves nothing halfway, and says what is no store', () => {
  const [from, to] = [join(folder, 'control.db'), join(folder, 'copy.db')]
  expect(() => backupStore({ from, to })).toThrow(expect.objectContaining({ code: 'not-found' }))
  for (const text of ['', 'no database at all, but a text that is longer than the head of one would be']) {
    writeFileSync(from, text)
    expect(() => backupStore({ from, to })).toThrow(expect.objectContaining({ code: 'store-corrupt', message: expect.stringContaining('is not a store of control') }))
  }
  rmSync(from)
  openStore({ file: from, clock }).close()
  expect(() => backupStore({ from, to: join(folder, 'nowhere/copy.db') })).toThrow(expect.objectContaining({ code: 'store-unreadable' }))
  writeFileSync(to, '')
  expect(() => backupStore({ from, to })).toThrow(expect.objectContaining({ code: 'exists' }))
  expect(readdirSync(folder).filter(name => name.endsWith('.new'))).toEqual([])
})

it('a store that is cut short is called damaged, and what is no file is not waited for', () => {
  const [from, to] = [join(folder, 'control.db'), join(folder, 'copy.db')]
  const store = openStore({ file: from, clock })
  for (let n = 0; n < 5000; n++) store.first(`id-${n}`, n)
  store.close()
  truncateSync(from, statSync(from).size - 3 * 4096)
  expect(() => backupStore({ from, to })).toThrow(expect.objectContaining({ code: 'store-corrupt', message: expect.stringContaining('damaged or cut short') }))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  for (const none of [join(folder, 'pipe'), folder]) expect(() => backupStore({ from: none, to })).toThrow(expect.objectContaining({ code: 'store-unreadable', message: expect.stringContaining('no regular file') }))
  expect(files()).toEqual(['control.db', 'pipe'])
})

it('what others keep beside it stays theirs, and a name that looks like a URI is a name', () => {
  const [from, to] = [join(folder, 'control.db'), join(folder, 'copy.db')]
  openStore({ file: from, clock }).close()
  writeFileSync(`${to}.new`, 'of somebody')
  backupStore({ from, to })
  expect(readFileSync(`${to}.new`, 'utf8')).toBe('of somebody')
  const run = `import { backupStore } from ${JSON.stringify(join(import.meta.dirname, 'backup.ts'))}; process.umask(0); backupStore({ from: 'control.db', to: 'file:odd.db?mode=memory' })`
  execFileSync(process.execPath, ['--input-type=module', '-e', run], { cwd: folder })
  expect(statSync(join(folder, 'file:odd.db?mode=memory')).mode & 0o777).toBe(0o600)
  expect(files()).toEqual(['control.db', 'copy.db', 'copy.db.new', 'file:odd.db?mode=memory'])
})

/** But for what SQLite and its lock keep beside a store. */
function files (): string[] {
  return readdirSync(folder).filter(name => !/-(?:lock|shm|wal)$/.test(name)).toSorted()
}
