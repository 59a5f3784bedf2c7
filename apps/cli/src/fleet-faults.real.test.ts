/**
 * The faults of the fleet itself, counted: what an agent saw is in the stream once and in each control's store once, whatever is killed, cut off or
 * deleted meanwhile. The ids of the stream and of the stores are compared one by one; the counts of the agents must add up to them.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { connectNats } from '@dialtone/bus'
import type { Agents, Delivery, EventType, Incidents, Timeline } from '@dialtone/contracts'
import { AnnouncementEvent, ObservationEvent } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { SITE_DOMAINS, openTunnel, readExposition, type FleetProcess } from '@dialtone/testkit'
import type { Static, TSchema } from 'typebox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startFleetSite, type FleetSite } from './test-support/fleet-site.ts'

const { ours } = SITE_DOMAINS
const NAMES = ['control-a', 'control-b'] as const
let fleet: FleetSite

beforeAll(async () => {
  fleet = await startFleetSite()
  await fleet.until(ours, undefined, ({ cause }) => cause === 'healthy')
}, 120_000)
afterAll(async () => { await fleet?.stop() }, 60_000)

it('an agent killed: another of its vantage covers its work within two presence periods, and nothing is doubled', async () => {
  const second = await fleet.anotherAgent('frankfurt', 'frankfurt-2')
  await expect.poll(async () => shares(await agentsOf('frankfurt')), { timeout: 30_000 }).toEqual({ agents: 2, mine: 'all' })
  await fleet.agents.frankfurt.kill()
  const killed = Date.now()
  await expect.poll(async () => shares(await agentsOf('frankfurt')), { timeout: 30_000, interval: 200 }).toEqual({ agents: 1, mine: 'all' })
  expect(Date.now() - killed).toBeLessThan(20_000) // ten seconds, its own beat of five, and as much again for a machine that is busy
  await fleet.agents.frankfurt.start()
  await expect.poll(async () => shares(await agentsOf('frankfurt')), { timeout: 30_000 }).toEqual({ agents: 2, mine: 'all' })
  await second.end()
  await settled()
}, 180_000)

it('the control that holds the lease killed: the other one takes over, and says each thing once', async () => {
  await fleet.site.stopService()
  await fleet.until(ours, undefined, ({ cause }) => cause === 'service.down')
  await expect.poll(async () => (await openIncidents(0)).map(({ state }) => state), { timeout: 30_000 }).toEqual(['confirmed'])
  const holder = await leaseHolder()
  const other = holder === 0 ? 1 : 0
  await fleet.controls[holder].kill()
  await fleet.site.startService()
  await fleet.until(ours, undefined, ({ cause }) => cause === 'healthy', { control: other })
  await expect.poll(async () => await leaseHeld(other), { timeout: 40_000 }).toBe(1)
  await expect.poll(async () => (await openIncidents(other)).filter(({ state }) => state !== 'recovering').length, { timeout: 40_000 }).toBe(0)
  await fleet.controls[holder].start()
  await expect.poll(async () => await fleet.ask('/readyz', { control: holder }).then(() => true, () => false), { timeout: 30_000 }).toBe(true)
  await settled()
  const said = (await all(AnnouncementEvent)).map(({ body }) => body)
  expect(said.map(({ id }) => id)).toEqual([...new Set(said.map(({ id }) => id))])
  const events = said.filter(({ incident }) => incident.cause === 'service.down').map(({ on }) => on)
  expect(events.filter(on => on === 'confirmed' || on === 'recovered')).toEqual(['confirmed', 'recovered'])
}, 180_000)

it('the NATS server killed, its disk kept: everybody comes back, and what was seen meanwhile is delivered', async () => {
  const before = await stream()
  await fleet.nats.kill()
  await expect.poll(async () => await spooled('inside'), { timeout: 40_000 }).toBeGreaterThan(0)
  await fleet.nats.start()
  await expect.poll(async () => await spooled('inside'), { timeout: 60_000 }).toBe(0)
  await settled()
  const after = await stream()
  expect(after.filter(id => before.includes(id))).toEqual(before)
}, 180_000)

it('the bus unreachable for a minute, an agent killed in the middle of it: all that it saw arrives, once', async () => {
  const blocks = (['inside', 'amsterdam', 'frankfurt'] as const).map(from => fleet.site.network.block('office', { how: 'drop', port: 4222, from }))
  const cut = Date.now()
  await expect.poll(async () => await spooled('amsterdam'), { timeout: 60_000 }).toBeGreaterThan(2)
  await fleet.agents.amsterdam.kill()
  await fleet.agents.amsterdam.start()
  const kept = await expect.poll(async () => await spooled('amsterdam'), { timeout: 30_000 }).toBeGreaterThan(2).then(async () => await spooled('amsterdam'))
  await expect.poll(() => Date.now() - cut, { timeout: 70_000, interval: 500 }).toBeGreaterThan(60_000)
  const [before, counted, held] = [(await stream()).length, await takenIn(1), seen('control-b').length]
  for (const block of blocks) block.lift()
  await expect.poll(async () => await Promise.all((['inside', 'amsterdam', 'frankfurt'] as const).map(spooled)), { timeout: 90_000 }).toEqual([0, 0, 0])
  await settled()
  expect((await stream()).length).toBeGreaterThanOrEqual(before + kept)
  // Each once by control's own count, too; and the agent that lived through all of it has lost none.
  await expect.poll(async () => (await takenIn(1) - counted) - (seen('control-b').length - held), { timeout: 20_000 }).toBe(0)
  const made = await total(fleet.agents.inside.metricsUrl, 'dialtone_checks_total', ({ result }) => result !== 'dropped')
  await expect.poll(async () => (await all(ObservationEvent)).filter(({ body }) => body.agent === 'inside-1').length, { timeout: 20_000 }).toBeGreaterThanOrEqual(made)
}, 300_000)

it('a store deleted: it is rebuilt from the stream, with the same verdicts and the same timeline', async () => {
  await settled()
  const before = await history(1)
  await fleet.controls[1].end()
  for (const end of ['', '-wal', '-shm']) rmSync(join(fleet.folder, `control-b.db${end}`), { force: true })
  await fleet.controls[1].start()
  await expect.poll(async () => await fleet.ask('/readyz', { control: 1 }).then(() => true, () => false), { timeout: 60_000 }).toBe(true)
  await settled()
  const after = await history(1)
  expect(after.causes).toEqual(expect.arrayContaining(before.causes))
  expect((await fleet.until(ours, undefined, () => true, { control: 1 })).cause).toBe((await fleet.until(ours, undefined, () => true)).cause)
}, 180_000)

it('the configuration changed while an agent is away: it works by the new one when it comes back', async () => {
  await fleet.agents.frankfurt.end()
  await fleet.ask('/v1/agents/frankfurt/pause', { method: 'POST', body: {} })
  await fleet.agents.frankfurt.start()
  await expect.poll(async () => (await agentsOf('frankfurt')).map(({ state }) => state), { timeout: 30_000 }).toEqual(['paused'])
  const [first] = await agentsOf('frankfurt')
  await fleet.ask('/v1/agents/frankfurt/resume', { method: 'POST', body: {} })
  await expect.poll(async () => (await agentsOf('frankfurt')).map(({ state }) => state), { timeout: 30_000 }).toEqual(['running'])
  expect((await agentsOf('frankfurt'))[0]?.revision).toBeGreaterThan(first?.revision ?? Infinity)
}, 120_000)

/** Nothing is under way: the ids of the stream are those of both stores, each once, and no observation came in twice. */
async function settled (): Promise<void> {
  const running: FleetProcess[] = Object.values(fleet.agents)
  const busy = running.map(({ pid }) => pid()).filter(pid => pid !== 0)
  // No new observations while the sets are compared.
  for (const pid of busy) process.kill(pid, 'SIGSTOP')
  try {
    await expect.poll(async () => {
      const ids = await stream()
      return NAMES.map(name => difference(ids, seen(name)))
    }, { timeout: 60_000, interval: 500 }).toEqual(NAMES.map(() => ({ missing: [], extra: [] })))
  } finally {
    for (const pid of busy) process.kill(pid, 'SIGCONT')
  }
}

/** Ids in the stream, in order. One that is there twice was published beyond the window of the server; the stores must not have it twice. */
async function stream (): Promise<string[]> {
  return [...new Set((await all(ObservationEvent)).map(({ id }) => id))]
}

/** What a durable stream holds, as any reader finds it. */
async function all<S extends TSchema> (type: EventType<S>): Promise<Delivery<Static<S>>[]> {
  const office = fleet.site.host('office')
  const tunnel = await openTunnel(office, { address: office.address, port: 4222 })
  const bus = await connectNats({ servers: `nats://${tunnel.address}:${tunnel.port}`, name: 'test', meter: NO_METER, logger: NO_LOGGER, createStreams: false })
  try {
    const { last } = await bus.extent(type.stream ?? 'observations')
    const read: Delivery<Static<S>>[] = []
    const reading = await bus.consume(type, { afterSeq: 0 }, async batch => { read.push(...batch) })
    await expect.poll(() => last === 0 ? 0 : read.at(-1)?.seq ?? 0, { timeout: 30_000 }).toBeGreaterThanOrEqual(last)
    await reading.stop()
    return read
  } finally {
    await bus.stop()
    await tunnel.stop()
  }
}

function seen (name: string): string[] {
  const db = new DatabaseSync(join(fleet.folder, `${name}.db`), { readOnly: true })
  try {
    return db.prepare('SELECT id FROM seen').all().map(({ id }) => String(id))
  } finally {
    db.close()
  }
}

/** Observations that a control has taken in, by its own count; a repetition that it recognised is none. */
async function takenIn (control: 0 | 1): Promise<number> {
  return await total(fleet.controls[control].url, 'dialtone_observations_ingested_total', ({ result }) => result !== 'duplicate' && result !== 'malformed')
}

function difference (ids: readonly string[], stored: readonly string[]): { missing: string[], extra: string[] } {
  const [all, those] = [new Set(ids), new Set(stored)]
  return { missing: ids.filter(id => !those.has(id)), extra: stored.filter(id => !all.has(id)) }
}

async function agentsOf (vantage: string): Promise<Agents['agents']> {
  return (await fleet.ask<Agents>('/v1/agents')).agents.filter(agent => agent.vantage === vantage)
}

/** How many agents share the targets of a vantage, and whether their shares make up all of them. */
function shares (agents: Agents['agents']): { agents: number, mine: string } {
  const [first] = agents
  const mine = agents.reduce((sum, { targets }) => sum + targets.mine, 0)
  return { agents: agents.length, mine: first !== undefined && mine === first.targets.all && mine > 0 ? 'all' : `${mine} of ${first?.targets.all ?? 0}` }
}

async function spooled (vantage: 'inside' | 'amsterdam' | 'frankfurt'): Promise<number> {
  return await metric(fleet.agents[vantage].metricsUrl, 'dialtone_spool_waiting')
}

async function leaseHeld (control: number): Promise<number> {
  return await metric(fleet.controls[control]?.url ?? '', 'dialtone_lease_held')
}

async function leaseHolder (): Promise<0 | 1> {
  await expect.poll(async () => await leaseHeld(0) + await leaseHeld(1), { timeout: 30_000 }).toBe(1)
  return await leaseHeld(0) === 1 ? 0 : 1
}

async function metric (url: string, name: string): Promise<number> {
  const [sample] = await samples(url, name)
  return sample?.value ?? -1
}

async function total (url: string, name: string, counts: (labels: Readonly<Record<string, string>>) => boolean): Promise<number> {
  return (await samples(url, name)).filter(({ labels }) => counts(labels)).reduce((sum, { value }) => sum + value, 0)
}

/** Nothing while it is away. */
async function samples (url: string, name: string): Promise<{ labels: Readonly<Record<string, string>>, value: number }[]> {
  const text = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${fleet.token}` } }).then(async response => await response.text(), () => '')
  return readExposition(text).filter(each => each.name === name)
}

async function openIncidents (control: number): Promise<Incidents['incidents']> {
  return (await fleet.ask<Incidents>('/v1/incidents?open=true', { control })).incidents
}

async function history (control: number): Promise<{ causes: string[] }> {
  const { spans } = await fleet.ask<Timeline>(`/v1/status/${ours}/timeline`, { control })
  return { causes: [...new Set(spans.map(({ cause }) => cause))].filter(cause => cause !== 'unknown') }
}
