import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
  writeFileSync(from, 'no database at all, but a text that is longer than the head of one would be')
  expect(() => backupStore({ from, to })).toThrow(expect.objectContaining({ code: 'store-unreadable' }))
  rmSync(from)
  openStore({ file: from, clock }).close()
  expect(() => backupStore({ from, to: join(folder, 'nowhere/copy.db') })).toThrow(expect.objectContaining({ code: 'store-unreadable' }))
  writeFileSync(to, '')
  expect(() => backupStore({ from, to })).toThrow(expect.objectContaining({ code: 'exists' }))
  expect(readdirSync(folder).filter(name => name.endsWith('.new'))).toEqual([])
})
