import { rmSync } from 'node:fs'
import { openStore, type Store } from '@dialtone/store'
import type { Announcement, Bus } from '@dialtone/contracts'
import { AnnouncementEvent, AuditEvent, ObservationEvent, PresenceDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER, type Clock } from '@dialtone/kernel'
import { Type } from 'typebox'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFitness } from './fitness.ts'
import { startAnalysis } from './start-analysis.ts'
import { OURS, PEER, T0, TIMEOUT, counts, eventually, folder, handClock, handLease, memoryBus, publish, seen, usualConfiguration, type HandClock } from './test-support/rig.ts'

let clock: HandClock
let bus: Bus
let files: ReturnType<typeof folder>
const closers: (() => Promise<void> | void)[] = []
beforeEach(() => {
  clock = handClock()
  bus = memoryBus(clock)
  files = folder()
})
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
  await bus.stop()
  files.remove()
})

it('reads what was published, once, over restarts at any place', async () => {
  await rounds(0, 4)
  for (let start = 0; start < 5; start++) {
    const { store, stop } = await instance('a')
    await rounds(4 + start, 1)
    if (start % 2 === 1) await settled(store)
    await stop()
  }
  const { store, readings } = await instance('a')
  await settled(store)
  const counted = readings.observations({}, { limit: 1000 }).observations
  expect(counted.reduce((sum, { same }) => sum + 1 + same, 0)).toBe(27)
  expect(new Set(counted.map(({ id }) => id)).size).toBe(counted.length)
})

it('a store that was deleted is rebuilt from the streams: the same verdicts, timeline, incidents and audit', async () => {
  await rounds(0, 2)
  await rounds(2, 4, 'inside')
  await bus.publish(AuditEvent, [], { v: 1, id: 'audit-0001', at: iso(), actor: 'ann', role: 'operator', action: 'note', subject: `Domain/${OURS}`, outcome: 'done', after: { id: 'note-1', at: iso(), domain: OURS, kind: 'note', what: 'new cable', before: null, after: null } }, { id: 'audit-0001' })
  const [first, second] = [await instance('a'), await instance('b')]
  await settled(first.store)
  await settled(second.store)
  const picture = ({ readings }: typeof first) => ({
    timeline: readings.timeline(OURS, PEER, {}, 100)?.spans, incidents: readings.incidents({}, { limit: 10 }).incidents, audit: readings.audit({}, { limit: 10 }).entries, notes: readings.changes({ kind: 'note' }, { limit: 10 }).changes,
    pair: readings.pair(OURS, PEER)?.out.verdict,
  })
  await eventually(() => expect(picture(first)).toMatchObject({ audit: [{ id: 'audit-0001' }], notes: [{ what: 'new cable' }], pair: { cause: 'path.peer-blocked' } }))
  await eventually(() => expect(picture(second)).toEqual(picture(first)))
  expect(picture(first).incidents).toMatchObject([{ state: 'confirmed' }])
})

it('whose store was removed underneath is not fit, and says so', async () => {
  const fitness = createFitness(clock)
  const { store } = await instance('a', bus, clock, fitness)
  await rounds(0, 1)
  await settled(store)
  expect(fitness.unfit).toBeUndefined()
  rmSync(files.path('a'))
  await eventually(() => expect(fitness.unfit).toMatch(/removed or replaced/))
})

it('only who holds the lease announces; the next one says what the last did not, and repeats nothing', async () => {
  const said: Announcement[] = []
  closers.push(await listen(said))
  const [a, b] = [await instance('a'), await instance('b')]
  await rounds(0, 2)
  await rounds(2, 2, 'inside')
  await settled(a.store)
  await settled(b.store)
  a.lease.give(1)
  await eventually(() => expect(said.map(({ on }) => on)).toEqual(['opened']))
  a.lease.take()
  await rounds(4, 2, 'inside')
  await settled(b.store)
  b.lease.give(2)
  await eventually(() => expect(said.map(({ on }) => on)).toEqual(['opened', 'confirmed']))
  a.lease.give(3)
  await eventually(() => expect([a.store.journal.waiting(), b.store.journal.waiting()]).toEqual([0, 0]))
  expect((await bus.extent('announcements')).last).toBe(2)
})

it('tells how far it is behind, and forgets a stream that was made anew', async () => {
  const store = openStore({ file: files.path('a'), clock })
  store.setPosition('observations', 500)
  store.close()
  await rounds(0, 1)
  const { store: reopened, readings } = await instance('a')
  await settled(reopened)
  // How far it is behind is looked at in between.
  await eventually(() => expect(readings.summary()).toMatchObject({ states: { up: 2 }, behind: 0, oldestObservation: '2026-01-01T00:00:00.000Z' }))
})

it('counts agents, and names vantages that have none', async () => {
  const presences = await bus.documents(PresenceDocument, { create: true })
  const at = new Date(T0).toISOString()
  const there = (vantage: string, state: 'running' | 'unhealthy') => presences.put(`${vantage}-1`, {
    v: 1, agent: `${vantage}-1`, vantage, version: '0.1.0', startedAt: at, at, state, findings: [], revision: 1, targets: { mine: 0, all: 0, failing: 0, overdue: 0 }, spool: { waiting: 0, bytes: 0, dropped: 0 },
    eventLoopLagMs: 0, checks: 0, budget: [],
  })
  await there('north', 'running')
  await there('inside', 'unhealthy')
  const { readings } = await instance('a')
  await eventually(() => expect(readings.summary().agents).toEqual({ healthy: 1, all: 2, vacant: ['south'] }))
  await presences.remove('north-1')
  await eventually(() => expect(readings.summary().agents).toEqual({ healthy: 0, all: 1, vacant: ['north', 'south'] }))
})

it('a stream that was made anew is read from its beginning, while it is read and at the next start', async () => {
  await rounds(0, 4)
  const { through, swap } = swappable(bus)
  const { store, readings, meter, stop } = await instance('a', through)
  await settled(store)
  const known = () => readings.observations({}, { limit: 1000 }).observations.reduce((sum, { same }) => sum + 1 + same, 0)
  expect(known()).toBe(12)
  const second = other()
  await rounds(3, 3, undefined, second)
  await swap(second)
  await eventually(() => expect(known()).toBe(18))
  expect([meter.of('dialtone_analysis_resets_total', { stream: 'observations' }), store.position('observations')]).toEqual([1, 9])
  await stop()
  const third = other()
  await rounds(6, 5, undefined, third)
  const again = await instance('a', third)
  await eventually(() => expect(again.store.position('observations')).toBe(15))
  expect(again.readings.observations({}, { limit: 1000 }).observations.reduce((sum, { same }) => sum + 1 + same, 0)).toBe(33)
})

it('time does not pass while something is not read, however long that takes', async () => {
  await rounds(0, 2)
  const { through, hold, asked } = stalling(bus)
  const { store, readings } = await instance('a', through)
  await settled(store)
  const release = hold()
  await rounds(2, 1)
  clock.pass(3600)
  const before = asked()
  await eventually(() => expect(asked()).toBeGreaterThan(before + 5))
  expect(readings.summary().behind).toBe(3)
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('up')
  release()
  await eventually(() => expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('unknown'))
})

it('time passes over what is malformed', async () => {
  await rounds(0, 2)
  const { store, readings } = await instance('a')
  await settled(store)
  await bus.publish({ ...ObservationEvent, schema: Type.Unknown() }, ['north', 'example'], { not: 'an observation' }, { id: 'malformed-1' })
  clock.pass(3600)
  await eventually(() => expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('unknown'))
  expect(readings.summary().behind).toBe(0)
})

it('a jump of the clock of this machine moves nothing while the bus says what time it is', async () => {
  const { through, asked } = stalling(bus)
  const local = { ...clock, ahead: 0, now: () => clock.now() + local.ahead }
  const { store, readings } = await instance('a', through, local)
  const turns = async () => {
    const before = asked()
    await eventually(() => expect(asked()).toBeGreaterThan(before + 3))
  }
  await turns()
  await rounds(0, 1)
  await settled(store)
  local.ahead = 30 * 86_400_000
  await turns()
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('up')
  clock.pass(3600)
  await eventually(() => expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('unknown'))
})

async function instance (name: string, through = bus, local: Clock = clock, fitness = createFitness(clock)) {
  const [store, lease, meter] = [openStore({ file: files.path(name), clock }), handLease(), counts()]
  const { readings, stop } = await startAnalysis({ bus: through, store, configuration: usualConfiguration(), lease, fitness, meter, logger: NO_LOGGER, clock: local, instance: name })
  let stopped = false
  const end = async () => {
    if (stopped) return
    stopped = true
    await stop()
    store.close()
  }
  closers.push(end)
  return { store, lease, meter, readings, stop: end }
}

/** Everybody looks once a minute; `fails`: the vantage that gets no connection to the peer. */
async function rounds (from: number, many: number, fails?: string, to = bus): Promise<void> {
  for (let n = from; n < from + many; n++) {
    const at = 60 * n
    clock.pass(Math.max(0, at - (clock.now() - T0) / 1000))
    await publish(to, seen({ at, id: `${n}-own`, vantage: 'north', domain: OURS, job: 'own-published' }), ...['inside', 'north'].map(vantage => seen({ at, id: `${n}-${vantage}`, vantage, ...(vantage === fails ? { fails: TIMEOUT } : {}) })))
  }
}

function other (): Bus {
  const made = memoryBus(clock)
  closers.unshift(() => made.stop())
  return made
}

/** A bus whose disk can be lost while it is read. */
function swappable (first: Bus): { through: Bus, swap: (next: Bus) => Promise<void> } {
  let now = first
  const again: (() => Promise<void>)[] = []
  const through: Bus = {
    ...first,
    extent: stream => now.extent(stream),
    consume: async (type, from, handler, options) => {
      let known = from
      let reading = await now.consume(type, from, (batch, gap, stream) => {
        known = { afterSeq: batch.at(-1)?.seq ?? 0, made: stream.made }
        return handler(batch, gap, stream)
      }, options)
      again.push(async () => {
        await reading.stop()
        reading = await now.consume(type, known, handler, options)
      })
      return { stop: () => reading.stop(), place: () => reading.place?.() }
    },
  }
  return {
    through, swap: async next => {
      now = next
      for (const each of again) await each()
    },
  }
}

/** A bus whose readers can be held up. `asked`: how often somebody asked how much there is. */
function stalling (real: Bus): { through: Bus, hold: () => () => void, asked: () => number } {
  let held = Promise.resolve()
  let asked = 0
  const through: Bus = {
    ...real,
    extent: stream => {
      asked++
      return real.extent(stream)
    },
    consume: (type, from, handler, options) => real.consume(type, from, async (...given) => {
      await held
      await handler(...given)
    }, options),
  }
  return {
    through, asked: () => asked, hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
  }
}

function iso (): string {
  return new Date(clock.now()).toISOString()
}

async function settled (store: Store): Promise<void> {
  await eventually(async () => expect(store.position('observations')).toBe((await bus.extent('observations')).last))
}

async function listen (said: Announcement[]): Promise<() => Promise<void>> {
  const { stop } = await bus.consume(AnnouncementEvent, { afterSeq: 0 }, async batch => { said.push(...batch.map(({ body }) => body)) })
  return stop
}
