import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { afterEach, expect, it } from 'vitest'
import { busCompliance } from '../test-support/compliance.ts'
import { createCounts } from '../test-support/counts.ts'
import { publish } from '../test-support/history-compliance.ts'
import { Alive, Note, Seen } from '../test-support/kinds.ts'
import { eventually } from '../test-support/rig.ts'
import { createEmbeddedBus } from './embedded-bus.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

busCompliance('embedded', async limits => {
  const counts = createCounts()
  const bus = createEmbeddedBus({ file: ':memory:', meter: counts, logger: NO_LOGGER, ...(limits === undefined ? {} : { limits }) })
  return { join: async () => bus, counts, close: () => bus.stop() }
})

it('what was acknowledged is there after kill -9, with its ids and revisions', async () => {
  const file = newFile()
  const child = fork(join(import.meta.dirname, '../test-support/publish-until-killed.ts'), [file], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  let acknowledged = 0
  child.on('message', message => {
    acknowledged = Number(message)
    if (acknowledged >= 300) child.kill('SIGKILL')
  })
  await once(child, 'exit')
  const bus = open(file)
  const { first, last } = await bus.extent('observations')
  expect(first).toBe(1)
  expect(last).toBeGreaterThanOrEqual(acknowledged)
  for (let n = 1; n <= acknowledged; n++) await bus.publish(Seen, ['again'], { n }, { id: `id-${n}` })
  expect((await bus.extent('observations')).last).toBe(last)
  const notes = await bus.documents(Note, { create: true })
  const note = await notes.get('n')
  expect(note?.document.n).toBeGreaterThanOrEqual(acknowledged)
  expect(await notes.put('n', { n: 0 }, { expect: note?.revision ?? 0 })).toBeGreaterThan(note?.revision ?? 0)
  await bus.stop()
})

it('a second start finds history, places, documents and ids', async () => {
  const file = newFile()
  const first = open(file)
  await publish(first, 1, 10)
  await (await first.documents(Note, { create: true })).put('k', { n: 1 })
  await first.stop()
  const second = open(file)
  const read: number[] = []
  await second.consume(Seen, { afterSeq: 7 }, async batch => void read.push(...batch.map(({ body }) => body.n)))
  await publish(second, 10, 11)
  await eventually(() => expect(read).toEqual([8, 9, 10, 11]))
  expect((await (await second.documents(Note, { create: true })).list()).map(({ document }) => document.n)).toEqual([1])
  await second.stop()
})

it('a file that is open elsewhere, or none at all, is refused with what to do', async () => {
  const file = newFile()
  const bus = open(file)
  expect(() => open(file)).toThrow(expect.objectContaining({ code: 'bus-file', message: expect.stringContaining('no other process') }))
  await bus.stop()
  await open(file).stop()
  expect(() => open('/nowhere/at/all/bus.sqlite')).toThrow(expect.objectContaining({ code: 'bus-file' }))
})

it('goes by the clock that it is given', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const bus = createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER, clock: { now: () => now, elapsed: () => 0 } })
  const alive = await bus.documents(Alive, { create: true })
  await alive.put('k', { n: 1 })
  now += 999
  expect(await alive.get('k')).toBeDefined()
  now += 1
  expect(await alive.get('k')).toBeUndefined()
  await bus.stop()
})

function open (file: string): Bus {
  return createEmbeddedBus({ file, meter: NO_METER, logger: NO_LOGGER })
}

function newFile (): string {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-bus-'))
  folders.push(folder)
  return join(folder, 'bus.sqlite')
}
