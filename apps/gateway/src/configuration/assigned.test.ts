import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import type { Bus, GatewayAssignment } from '@dialtone/contracts'
import { ASSIGNMENT_KEY, gatewayDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { watchAssigned, type Assigned, type Take } from './assigned.ts'

const WORK: GatewayAssignment = { v: 1, revision: 3, gateway: 'edge', spec: { desired: 'running' }, policies: {}, routes: {}, domains: {}, peers: {} }
const WAIT = { timeout: 10_000, interval: 5 }
let directory: string
let bus: Bus
const open: Assigned[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'assigned-'))
  bus = createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER })
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop()
  await bus.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('works by what the bus has, keeps it on disk, and begins with that where the bus is away', async () => {
  const taken: number[] = []
  const assigned = await watched(async ({ revision }) => { taken.push(revision); return [] }, { bus })
  await put(WORK)
  await vi.waitFor(() => expect(kept()).toMatchObject({ revision: 3 }), WAIT)
  await assigned.stop()
  await watched(async ({ revision }) => { taken.push(revision); return [] }, {})
  expect(taken).toEqual([3, 3])
})

it('keeps the last good one, and says what is wrong with the new one', async () => {
  const problems: (string | undefined)[] = []
  const take: Take = async ({ revision }) => revision === 4 ? [{ pointer: '/spec/zones/0/listen/0/port', says: 'the port is taken' }] : []
  const assigned = await watched(take, { bus, changed: problem => problems.push(problem) })
  await put(WORK)
  await put({ ...WORK, revision: 4 })
  await vi.waitFor(() => expect(assigned.problem).toBe('/spec/zones/0/listen/0/port: the port is taken'), WAIT)
  expect(assigned.current).toEqual(WORK)
  expect(kept()).toEqual(WORK)
  await put({ ...WORK, revision: 5 })
  await vi.waitFor(() => expect(problems).toHaveLength(3), WAIT)
  expect(assigned.current).toMatchObject({ revision: 5 })
  expect(problems).toEqual([undefined, '/spec/zones/0/listen/0/port: the port is taken', undefined])
})

it('tries again what could not be used, until it can, and says so once', async () => {
  const problems: (string | undefined)[] = []
  let taken = true
  let tries = 0
  const take: Take = async () => {
    tries++
    return taken ? [{ pointer: '/spec/zones/0/listen/0', says: 'the port is taken' }, { pointer: '/spec/zones/1/listen/0', says: 'the port is taken' }] : []
  }
  const assigned = await watched(take, { bus, againMs: 5, changed: problem => problems.push(problem) })
  await put(WORK)
  await assigned.tried
  expect(assigned).toMatchObject({ current: undefined, problem: '/spec/zones/0/listen/0: the port is taken; /spec/zones/1/listen/0: the port is taken' })
  await vi.waitFor(() => expect(tries).toBeGreaterThan(3), WAIT)
  expect(problems).toHaveLength(1)
  taken = false
  await vi.waitFor(() => expect(problems).toEqual([expect.stringContaining('the port is taken'), undefined]), WAIT)
  expect(assigned.current).toEqual(WORK)
})

it('sets what was kept aside where it cannot be used, says which and why, and takes what the bus has', async () => {
  for (const [text, why] of [['{"v":1', 'JSON'], [JSON.stringify({ ...WORK, revision: -1 }), '/revision'], [JSON.stringify({ ...WORK, gateway: 'other' }), '/gateway']] as const) {
    const file = join(directory, 'assignment.json')
    writeFileSync(file, text)
    const problems: (string | undefined)[] = []
    const assigned = await watched(async () => [], { changed: problem => problems.push(problem) })
    expect(assigned.problem).toContain(`${file}, the configuration that was kept, cannot be used: `)
    expect(assigned.problem).toContain(why)
    expect(problems).toEqual([assigned.problem])
    expect(readFileSync(`${file}.unusable`, 'utf8')).toBe(text)
    expect(existsSync(file)).toBe(false)
    await assigned.stop()
  }
  const assigned = await watched(async () => [], { bus })
  await put(WORK)
  await vi.waitFor(() => expect(kept()).toEqual(WORK), WAIT)
  expect(assigned.problem).toBeUndefined()
})

it('refuses what is for another gateway, or has another shape, naming the field', async () => {
  const file = join(directory, 'given.json')
  writeFileSync(file, JSON.stringify({ ...WORK, gateway: 'other' }))
  await expect(watched(async () => [], { file })).rejects.toThrow(/\/gateway is 'other'/)
  writeFileSync(file, JSON.stringify({ ...WORK, spec: { desired: 'running', colour: 'red' } }))
  await expect(watched(async () => [], { file })).rejects.toThrow(/\/spec.*colour|colour.*not known/)
  writeFileSync(file, '{')
  await expect(watched(async () => [], { file })).rejects.toThrow(/cannot be read as JSON/)
})

it('reads a file again when it is told to, and stays with the old one where the new one is no good', async () => {
  const file = join(directory, 'given.json')
  writeFileSync(file, JSON.stringify(WORK))
  const assigned = await watched(async () => [], { file })
  writeFileSync(file, JSON.stringify({ ...WORK, revision: 7 }))
  await assigned.reload()
  expect(assigned.current).toMatchObject({ revision: 7 })
  writeFileSync(file, JSON.stringify({ ...WORK, revision: -1 }))
  await assigned.reload()
  expect(assigned).toMatchObject({ current: { revision: 7 }, problem: expect.stringContaining('/revision') as string })
})

it('is stopped when it was removed from the bus, also while it was away', async () => {
  const assigned = await watched(async () => [], { bus })
  await put(WORK)
  await vi.waitFor(() => expect(assigned.current).toEqual(WORK), WAIT)
  await (await bus.documents(gatewayDocument('edge'), { create: true })).remove(ASSIGNMENT_KEY)
  await vi.waitFor(() => expect(assigned.current).toMatchObject({ spec: { desired: 'stopped' } }), WAIT)
  await assigned.stop()
  writeFileSync(join(directory, 'assignment.json'), JSON.stringify(WORK))
  const again = await watched(async () => [], { bus, emptyMs: 10 })
  await vi.waitFor(() => expect(again.current).toMatchObject({ spec: { desired: 'stopped' } }), WAIT)
})

async function watched (take: Take, { bus: on, file, changed = () => undefined, emptyMs, againMs }: { bus?: Bus, file?: string, changed?: (problem: string | undefined) => void, emptyMs?: number, againMs?: number }): Promise<Assigned> {
  const assigned = await watchAssigned({
    gateway: 'edge', directory, take, changed, meter: NO_METER, logger: NO_LOGGER,
    ...(on === undefined ? {} : { bus: on }), ...(file === undefined ? {} : { file }), ...(emptyMs === undefined ? {} : { emptyMs }), ...(againMs === undefined ? {} : { againMs }),
  })
  open.push(assigned)
  return assigned
}

async function put (assignment: GatewayAssignment): Promise<void> {
  await (await bus.documents(gatewayDocument('edge'), { create: true })).put(ASSIGNMENT_KEY, assignment)
}

function kept (): unknown {
  return JSON.parse(readFileSync(join(directory, 'assignment.json'), 'utf8'))
}
