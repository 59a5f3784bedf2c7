import { openStore, type Store } from '@dialtone/store'
import { NO_LOGGER } from '@dialtone/kernel'
import type { Delivery, LiveEvent, ObservationRecorded, Readings } from '@dialtone/contracts'
import { afterEach, expect, it } from 'vitest'
import { createAnalysis } from './analysis.ts'
import { createReadings } from './readings.ts'
import { createSlices } from './slices.ts'
import { OURS, PEER, T0, TIMEOUT, counts, delivery, handClock, seen, usualConfiguration } from './test-support/rig.ts'

const stores: Store[] = []
afterEach(() => { for (const store of stores.splice(0)) store.close() })

it('keeps one full observation of those that say the same, and counts the others', async () => {
  const { analysis, readings, meter } = start()
  await analysis.take([0, 60, 120].map((at, n) => delivery(seen({ at, id: `000${n}` }), n + 1)))
  const { observations } = readings.observations({}, { limit: 10 })
  expect(observations).toMatchObject([{ id: 'observation-0000', full: true, same: 2 }])
  expect(readings.pair(OURS, PEER)).toMatchObject({ checkedAt: '2026-01-01T00:02:00.000Z', vantages: [{ same: 2, observation: 'observation-0000' }] })
  expect([meter.of('dialtone_observations_ingested_total', { result: 'new' }), meter.of('dialtone_observations_ingested_total', { result: 'same' })]).toEqual([1, 2])
})

it('gives a full observation back as it came, with transcripts and messages', async () => {
  const { analysis, readings } = start()
  const record = seen({ at: 0, id: '0001' })
  await analysis.take([delivery(record, 1)])
  expect(readings.observation('observation-0001')).toEqual(record)
  expect(readings.observation('observation-none')).toBeUndefined()
})

it('takes an id once, however late it comes again', async () => {
  const { analysis, readings, meter } = start()
  const record = seen({ at: 0, id: '0001' })
  await analysis.take([delivery(record, 1), delivery(seen({ at: 60, id: '0002' }), 2)])
  await analysis.take([delivery(record, 3, T0 + 3_600_000), delivery(seen({ at: 60, id: '0002' }), 4, T0 + 3_600_000)])
  expect(meter.of('dialtone_observations_ingested_total', { result: 'duplicate' })).toBe(2)
  expect(readings.observations({}, { limit: 10 }).observations).toMatchObject([{ same: 1 }])
})

it('an old one that was spooled is history and no witness', async () => {
  const { analysis, readings, meter } = start()
  await analysis.take([delivery(seen({ at: 600, id: '0001' }), 1), delivery(seen({ at: 60, id: '0002', fails: TIMEOUT }), 2, T0 + 601_000)])
  expect(readings.pair(OURS, PEER)?.out.verdict.state).not.toBe('down')
  expect(readings.observation('observation-0002')).toBeDefined()
  expect(meter.of('dialtone_observations_ingested_total', { result: 'late' })).toBe(1)
})

it('who speaks under the subject of another vantage is not heard', async () => {
  const { analysis, readings, meter } = start()
  await analysis.take([{ ...delivery(seen({ at: 0, id: '0001' }), 1), key: ['north', 'example', 'partner'] }])
  expect(meter.of('dialtone_observations_ingested_total', { result: 'refused' })).toBe(1)
  expect(readings.observation('observation-0001')).toBeUndefined()
})

it('names one cause of a pair from all vantages, tells it live, and writes its timeline', async () => {
  const { analysis, readings } = start()
  const told: LiveEvent[] = []
  analysis.onEvent(event => told.push(event))
  await analysis.take(round(0, 'a'))
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('up')
  await analysis.take(round(60, 'b', 'inside'))
  expect(readings.pair(OURS, PEER)?.out.verdict).toMatchObject({ state: 'down', cause: 'path.peer-blocked' })
  const spans = readings.timeline(OURS, PEER, {}, 100)?.spans.filter(({ direction }) => direction === 'out') ?? []
  expect(spans.map(({ cause, since, until }) => [cause, since, until])).toEqual([
    ['unknown', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'],
    ['healthy', '2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z'],
    ['path.peer-blocked', '2026-01-01T00:01:00.000Z', undefined],
  ])
  expect(told.filter(({ on }) => on === 'verdict.changed').at(-1)).toMatchObject({ row: { domain: OURS, peer: PEER, state: 'down', out: { cause: 'path.peer-blocked' } } })
  expect(readings.pair(OURS, PEER, '2026-01-01T00:00:30Z')?.out.verdict.state).toBe('up')
  expect(readings.overview({ only: 'pairs' }, { limit: 10 }, '2026-01-01T00:00:30Z').domains).toMatchObject([{ domain: OURS, peer: PEER, out: { state: 'up' } }])
})

it('opens an incident, confirms it after three equal answers of the same witness, and ends it', async () => {
  const { analysis, readings } = start()
  await analysis.take(round(0, 'a'))
  for (const [n, at] of [60, 120, 180].entries()) {
    await analysis.take(round(at, `b${n}`, 'inside'))
    expect(readings.incidents({ domain: OURS }, { limit: 10 }).incidents).toMatchObject([{ state: n < 2 ? 'open' : 'confirmed', cause: 'path.peer-blocked', openedAt: '2026-01-01T00:01:00.000Z' }])
  }
  for (const [n, at] of [240, 300, 360].entries()) await analysis.take(round(at, `c${n}`))
  expect(readings.incidents({ open: true }, { limit: 10 }).incidents).toMatchObject([{ state: 'recovering' }])
  await keepUp(analysis, 420, 20)
  expect(readings.incidents({}, { limit: 10 }).incidents).toMatchObject([{ state: 'resolved', flaps: 0 }])
})

it('an agent of which nothing is heard for three intervals is no witness any more', async () => {
  const { analysis, readings } = start()
  await analysis.take(round(0, 'a', 'inside'))
  await analysis.pass(T0 + 170_000)
  expect(readings.pair(OURS, PEER)).toMatchObject({ staleAfter: '2026-01-01T00:03:00.000Z', out: { verdict: { cause: 'path.peer-blocked' } } })
  await analysis.pass(T0 + 200_000)
  expect(readings.pair(OURS, PEER)?.out).toMatchObject({ since: '2026-01-01T00:03:00.000Z', verdict: { state: 'unknown' } })
  await analysis.take([delivery(seen({ at: 240, id: 'b001', vantage: 'north' }), 9)])
  expect(readings.pair(OURS, PEER)?.out.verdict.agreement.outside).toBe(1)
})

it('sees what changed, from one observation to the next of a vantage, and through a failure', async () => {
  const { analysis, readings } = start()
  await analysis.take([
    delivery(seen({ at: 0, id: '0001' }), 1), delivery(seen({ at: 60, id: '0002', fails: TIMEOUT }), 2), delivery(seen({ at: 120, id: '0003', address: '192.0.2.7' }), 3), delivery(seen({ at: 180, id: '0004', address: '192.0.2.7' }), 4),
  ])
  expect(readings.changes({ domain: PEER }, { limit: 10 }).changes).toMatchObject([{ kind: 'addresses', vantage: 'inside', at: '2026-01-01T00:02:00.000Z', before: ['192.0.2.1'], after: ['192.0.2.7'] }])
})

it('a maintenance window keeps quiet, and ends by itself', async () => {
  const { analysis, readings, configuration } = start()
  configuration.put('Exception', 'moving', { effect: 'maintenance', domain: OURS, peer: PEER, from: '2026-01-01T00:00:30Z', until: '2026-01-01T00:10:00Z', reason: 'a move' })
  await analysis.take(round(0, 'a'))
  await analysis.take(round(60, 'b', 'inside'))
  expect(readings.overview({ only: 'pairs' }, { limit: 10 }).domains).toMatchObject([{ quietBecause: 'moving' }])
  expect(readings.incidents({}, { limit: 10 }).incidents).toMatchObject([{ quietBecause: 'moving' }])
  for (const [n, at] of [120, 240, 360, 480, 570, 610].entries()) await analysis.take(round(at, `c${n}`, 'inside'))
  expect(readings.overview({ only: 'pairs' }, { limit: 10 }).domains[0]).not.toHaveProperty('quietBecause')
  expect(readings.incidents({}, { limit: 10 }).incidents.find(({ state }) => state !== 'resolved')).not.toHaveProperty('quietBecause')
})

it('subjects come and go with the configuration; their history stays', async () => {
  const { analysis, readings, configuration } = start()
  await analysis.take(round(0, 'a', 'inside'))
  configuration.remove('Peer', PEER)
  await analysis.pass(T0 + 30_000)
  expect(readings.overview({}, { limit: 10 }).domains).toMatchObject([{ domain: OURS }])
  expect(readings.pair(OURS, PEER)).toBeUndefined()
  expect(readings.timeline(OURS, PEER, {}, 10)?.spans.length).toBeGreaterThan(0)
  expect(readings.incidents({ open: true }, { limit: 10 }).incidents).toEqual([])
  configuration.put('Peer', PEER, {})
  configuration.put('Peer', 'new.example', {})
  await analysis.pass(T0 + 40_000)
  expect(readings.overview({ only: 'pairs' }, { limit: 10 }).domains.map(({ peer, out }) => [peer, out?.state])).toEqual([[PEER, 'down'], ['new.example', 'unknown']])
})

it('the same stream gives the same store, read at once or one by one, and after a rebuild', async () => {
  const all = [...round(0, 'a'), ...round(60, 'b', 'inside'), ...round(120, 'c', 'inside'), ...round(180, 'd', 'inside'), ...round(2000, 'e'), ...round(2060, 'f', 'north')].map((each, n) => ({ ...each, seq: n + 1 }))
  const once = start()
  await once.analysis.take(all)
  const slowly = start()
  for (const each of all) await slowly.analysis.take([each])
  expect(picture(once.readings)).toEqual(picture(slowly.readings))
  expect(picture(once.readings).incidents.length).toBeGreaterThan(0)
})

it('what our domain does to its pairs is worked out once a second of the stream, by whoever reads it', async () => {
  const own = [60, 60.2, 60.4].map((at, n) => delivery(seen({ at, id: `own${n}`, vantage: 'north', domain: OURS, job: 'own-published', ...(n === 1 ? {} : { fails: TIMEOUT }) }), ++seq))
  const all = [...round(0, 'a'), ...own].map((each, n) => ({ ...each, seq: n + 1 }))
  const once = start()
  await once.analysis.take(all)
  await once.analysis.pass(T0 + 62_000)
  const slowly = start()
  for (const each of all) {
    await slowly.analysis.take([each])
    await slowly.analysis.pass(Date.parse(each.at))
  }
  await slowly.analysis.pass(T0 + 61_300)
  await slowly.analysis.pass(T0 + 62_000)
  for (const { readings, meter } of [once, slowly]) {
    expect(readings.timeline(OURS, undefined, {}, 100)?.spans.filter(({ state }) => state === 'down')).toHaveLength(2)
    expect(meter.of('dialtone_verdicts_judged_total', { because: 'others' })).toBe(1)
    expect(readings.timeline(OURS, PEER, {}, 100)?.spans.filter(({ direction }) => direction === 'in').at(-1)).toMatchObject({ state: 'down', since: '2026-01-01T00:01:01.000Z' })
  }
  expect(picture(once.readings)).toEqual(picture(slowly.readings))
})

it('a step that fails leaves nothing, in the store or in memory, and is taken again from where the store stands', async () => {
  const { analysis, readings, store, meter } = start()
  const all = [...round(0, 'a'), ...round(60, 'b', 'inside')].map((each, n) => ({ ...each, seq: n + 1 }))
  const { put } = store.slots
  for (const failAt of [1, 2, 3]) {
    let calls = 0
    store.slots.put = slot => {
      if (++calls === failAt) throw new Error('disk full')
      put(slot)
    }
    const left = all.filter(each => each.seq > store.position('observations'))
    await analysis.take(left).catch((error: unknown) => expect(error).toMatchObject({ message: 'disk full' }))
    const memory = [...analysis.witnesses.all()].map(({ key, same, outline }) => ({ key, same, outline })).toSorted((x, y) => x.key < y.key ? -1 : 1)
    expect(memory).toEqual(store.slots.all().map(({ key, same, outline }) => ({ key, same, outline })).toSorted((x, y) => x.key < y.key ? -1 : 1))
  }
  store.slots.put = put
  await analysis.take(all.filter(each => each.seq > store.position('observations')))
  const undisturbed = start()
  await undisturbed.analysis.take(all)
  expect(picture(readings)).toEqual(picture(undisturbed.readings))
  expect(readings.pair(OURS, PEER)?.out.verdict.cause).toBe('path.peer-blocked')
  expect(meter.of('dialtone_analysis_errors_total', { step: 'store' })).toBeGreaterThan(0)
  expect(store.position('observations')).toBe(8)
})

/** All that readers see, but for the clock. */
function picture (readings: Readings) {
  return {
    timeline: readings.timeline(OURS, PEER, {}, 1000)?.spans, own: readings.timeline(OURS, undefined, {}, 1000)?.spans, incidents: readings.incidents({}, { limit: 100 }).incidents, changes: readings.changes({}, { limit: 100 }).changes,
    observations: readings.observations({}, { limit: 100 }).observations, overview: readings.overview({}, { limit: 100 }).domains,
  }
}

function start () {
  const clock = handClock()
  const store = openStore({ file: ':memory:', clock })
  stores.push(store)
  const [configuration, meter] = [usualConfiguration(), counts()]
  const analysis = createAnalysis({ store, configuration, slices: createSlices(clock), meter, logger: NO_LOGGER, clock })
  configuration.onChange(analysis.configured)
  const readings = createReadings({ analysis, store, clock: { now: () => Math.max(clock.now(), analysis.at) }, agents: () => ({ healthy: 0, all: 0 }), behind: () => 0 })
  return { analysis, readings, store, meter, configuration, clock }
}

let seq = 0

/** All three vantages look at the peer once, and one outside at ours; `fails`: the one that gets a time-out from the peer. */
function round (at: number, id: string, fails?: string): Delivery<ObservationRecorded>[] {
  return [delivery(seen({ at, id: `${id}-own`, vantage: 'north', domain: OURS, job: 'own-published' }), ++seq), ...['inside', 'north', 'south'].map(vantage => delivery(seen({ at, id: `${id}-${vantage}`, vantage, ...(vantage === fails ? { fails: TIMEOUT } : {}) }), ++seq))]
}

async function keepUp (analysis: ReturnType<typeof start>['analysis'], from: number, rounds: number): Promise<void> {
  for (let n = 0; n < rounds; n++) await analysis.take(round(from + 60 * n, `k${n}`))
}
