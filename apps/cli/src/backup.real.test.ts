/**
 * What is left of a fleet when something of it is lost. The bus without its disk: the controls that run tell it what they know. Everything: the configuration that was got, the
 * copy of the store and the seeds are enough, and agents go on by what they have.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writeNatsUsers } from '@dialtone/bus'
import type { Agents, Incidents, Timeline } from '@dialtone/contracts'
import { startNatsServer, type NatsServer } from '@dialtone/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { VANTAGES, idsSeen, metric, startLoopbackFleet, type BusOfFleet, type LoopbackAgent, type LoopbackControl, type LoopbackFleet } from './test-support/loopback-fleet.ts'

const PATIENCE = { timeout: 60_000, interval: 200 }
/** Of the demo, one whose fault is there from the start. */
const BROKEN = 'misrouted-ours.example'
let fleet: LoopbackFleet
let nats: NatsServer
let bus: BusOfFleet
let control: LoopbackControl
let agents: LoopbackAgent[] = []
let token = ''

beforeAll(async () => {
  fleet = await startLoopbackFleet()
  const seeds = join(fleet.folder, 'nats')
  const [file = ''] = writeNatsUsers({ folder: seeds, vantages: VANTAGES })
  nats = await startNatsServer({ configuration: readFileSync(file, 'utf8').replace(/^(listen|jetstream).*$/gm, '') })
  bus = { urls: nats.url, seeds }
  control = await fleet.control('control', bus)
  token = fleet.token
  await fleet.ask(control, '/v1/apply', { resources: fleet.resources })
  agents = await Promise.all(VANTAGES.map(vantage => fleet.agent(vantage, bus)))
}, 120_000)
afterAll(async () => {
  await fleet?.stop()
  await nats?.stop()
}, 60_000)

it('a bus that has lost its disk is told the configuration and the tokens again, agents go on, and nothing known is lost', async () => {
  await expect.poll(async () => (await fleet.row(control, BROKEN))?.cause, PATIENCE).toBe('path.inbound-refused')
  await expect.poll(async () => (await incidents()).length, PATIENCE).toBeGreaterThan(0)
  const [before, known] = [await resources(), await spans()]
  await nats.kill()
  nats.forget()
  await nats.start()
  await expect.poll(async () => await fleet.ask(control, '/v1/apply', { resources: [{ kind: 'Peer', name: 'later.example', spec: {} }] }).then(() => 'written', String), PATIENCE).toBe('written')
  expect((await resources()).filter(name => name !== 'Peer later.example')).toEqual(before)
  await goesOn()
  expect(await spans()).toEqual(expect.arrayContaining(known))
}, 120_000)

it('everything but the backup destroyed: the same configuration and history, agents that nobody touched, and each observation once', async () => {
  const kept = join(fleet.folder, 'backup')
  mkdirSync(kept)
  await expect.poll(async () => (await fleet.row(control, BROKEN))?.cause, PATIENCE).toBe('path.inbound-refused')
  const dialtone = (...args: string[]) => execFileSync(process.execPath, [resolve(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', HOME: fleet.folder, DIALTONE_SERVER: control.url, DIALTONE_TOKEN: fleet.token } })
  writeFileSync(join(kept, 'fleet.yaml'), dialtone('get', 'all', '--format', 'yaml'))
  expect(dialtone('backup', '--store', control.store, '--to', join(kept, 'control.db'))).toMatch(/control\.db'?: \d+ bytes, \d+ observations/)
  cpSync(bus.seeds, join(kept, 'nats'), { recursive: true })
  const [before, known, had] = [await resources(), await spans(), (await incidents()).map(({ id }) => id).toSorted()]
  expect(had.length).toBeGreaterThan(0)

  await control.kill()
  await nats.kill()
  nats.forget()
  rmSync(bus.seeds, { recursive: true })
  for (const end of ['', '-wal', '-shm']) rmSync(`${control.store}${end}`, { force: true })
  await expect.poll(async () => (await Promise.all(agents.map(spooled))).every(count => count > 0), PATIENCE).toBe(true)

  cpSync(join(kept, 'nats'), bus.seeds, { recursive: true })
  cpSync(join(kept, 'control.db'), control.store)
  await nats.start()
  control = await fleet.control('control', bus)
  expect(fleet.token).not.toBe(token)
  // What happened is answered before anything is configured.
  expect(await spans()).toEqual(expect.arrayContaining(known.filter(({ until }) => until !== undefined)))
  expect(dialtone('apply', '-f', join(kept, 'fleet.yaml'))).toMatch(/created/)
  expect(await resources()).toEqual(before)
  await goesOn()
  expect((await incidents()).map(({ id }) => id)).toEqual(expect.arrayContaining(had))
  const ids = idsSeen(control.store)
  expect(ids).toEqual([...new Set(ids)])
  await expect.poll(async () => (await fleet.ask<Agents>(control, '/v1/agents')).agents.map(({ agent }) => agent).toSorted(), PATIENCE).toEqual(['inside-1', 'outside-1'])
}, 180_000)

/** Agents deliver what they kept, and look on at what is configured; control takes it. */
async function goesOn (): Promise<void> {
  await expect.poll(async () => await Promise.all(agents.map(spooled)), PATIENCE).toEqual([0, 0])
  const taken = idsSeen(control.store).length
  await expect.poll(() => idsSeen(control.store).length, PATIENCE).toBeGreaterThan(taken + 20)
  await expect.poll(async () => (await fleet.row(control, 'ours.example'))?.cause, PATIENCE).toBe('healthy')
}

async function spooled (agent: LoopbackAgent): Promise<number> {
  return await metric(agent, 'dialtone_spool_waiting')
}

async function incidents (): Promise<Incidents['incidents']> {
  return (await fleet.ask<Incidents>(control, `/v1/incidents?domain=${BROKEN}`)).incidents
}

async function spans (): Promise<{ cause: string, since: string, until?: string }[]> {
  return (await fleet.ask<Timeline>(control, `/v1/status/${BROKEN}/timeline`)).spans.filter(({ until }) => until !== undefined).map(({ cause, since, until }) => ({ cause, since, ...(until === undefined ? {} : { until }) }))
}

/** All that is configured, with what it says. */
async function resources (): Promise<string[]> {
  const kinds = ['domains', 'peers', 'vantages', 'schedules']
  const lists = await Promise.all(kinds.map(async kind => (await fleet.ask<{ resources: { kind: string, name: string, spec: unknown }[] }>(control, `/v1/${kind}?limit=1000`)).resources))
  return lists.flat().map(({ kind, name }) => `${kind} ${name}`).toSorted()
}
