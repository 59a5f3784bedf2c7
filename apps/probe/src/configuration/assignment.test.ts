import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Assignment, Bus, DocumentChange } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { watchAssignment, type Assigned } from './assignment.ts'

const WAIT = { timeout: 10_000, interval: 5 }
const WORK: Assignment = {
  v: 1, revision: 3, vantage: 'north', spec: { side: 'outside' }, schedules: { default: {} }, managed: {},
  targets: [{ id: 'control:p.example', job: 'control', domain: 'p.example', schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: [] }],
}
let directory: string
const open: Assigned[] = []
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), 'assignment-')) })
afterEach(async () => {
  vi.useRealTimers()
  for (const one of open.splice(0)) await one.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('ends the work of a vantage that was removed while its agent was away, on disk too', async () => {
  await worked()
  const again = await standing({ emptyMs: 10 })
  expect(again.assigned.current?.targets).toHaveLength(1)
  again.hear({ on: 'ready' })
  await vi.waitUntil(() => again.assigned.current?.targets.length === 0, WAIT)
  await again.assigned.stop()
  expect(JSON.parse(readFileSync(join(directory, 'assignment.json'), 'utf8'))).toMatchObject({ revision: 3, targets: [] })
})

it('works on while the bus has no place for an assignment yet', async () => {
  await worked()
  const tries = { count: 0 }
  const { assigned } = await standing({ emptyMs: 0, documents: async () => { tries.count++; throw new Error('there is no such bucket') } })
  await vi.waitUntil(() => tries.count > 1, WAIT)
  expect(assigned.current?.targets).toHaveLength(1)
})

it('works on where one is written, or had been written, when all is told', async () => {
  await worked()
  const { assigned, hear } = await standing({ emptyMs: 60_000 })
  hear({ on: 'ready' })
  hear(put({ ...WORK, revision: 4 }))
  expect(assigned.current).toMatchObject({ revision: 4, targets: WORK.targets })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const before = await standing({ emptyMs: 10 })
  before.hear(put({ ...WORK, revision: 5 }))
  before.hear({ on: 'ready' })
  vi.advanceTimersByTime(600_000)
  expect(before.assigned.current).toMatchObject({ revision: 5, targets: WORK.targets })
})

/** An agent that had work, and has stopped. */
async function worked (): Promise<void> {
  const { assigned, hear } = await standing()
  hear(put(WORK))
  hear({ on: 'ready' })
  await assigned.stop()
}

function put (document: Assignment): DocumentChange<Assignment> {
  return { on: 'put', key: 'assignment', document, revision: 1 }
}

async function standing ({ emptyMs = 0, documents }: { emptyMs?: number, documents?: () => Promise<never> } = {}) {
  const watched = Promise.withResolvers<(change: DocumentChange<Assignment>) => void>()
  const bus = { documents: documents ?? (async () => ({ watch: async (hear: (change: DocumentChange<Assignment>) => void) => { watched.resolve(hear); return { stop: async () => undefined } } })) } as unknown as Bus
  const assigned = await watchAssignment({ bus, vantage: 'north', directory, logger: NO_LOGGER, hear: () => undefined, emptyMs })
  open.push(assigned)
  return { assigned, hear: documents === undefined ? await watched.promise : () => undefined }
}
