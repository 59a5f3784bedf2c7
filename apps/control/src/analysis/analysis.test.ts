import { openStore, type Store } from '@dialtone/store'
import { NO_LOGGER, type Clock } from '@dialtone/kernel'
import { DEEP_LADDERS, type Delivery, type DialbackAnswerSeen, type LiveEvent, type ObservationRecorded, type Readings } from '@dialtone/contracts'
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

it.each<[string, Delivery<ObservationRecorded>]>([
  ['a domain that nobody configured', delivery(seen({ at: 1, id: 'x001', domain: 'other.example' }), 1)],
  ['a pair that is none', delivery({ ...seen({ at: 1, id: 'x001' }), ours: 'else.example', target: `peer:${PEER}:else.example` }, 1)],
  ['a job of the other side', delivery(seen({ at: 1, id: 'x001', vantage: 'north', job: 'peer' }), 1)],
  ['an internal address that there is not', delivery(seen({ at: 1, id: 'x001', domain: OURS, job: 'own-internal' }), 1)],
  ['a listener that there is not', delivery(seen({ at: 1, id: 'x001', domain: PEER, job: 'listener' }), 1)],
  ['a target by another name', delivery({ ...seen({ at: 1, id: 'x001' }), target: 'peer:whatever' }, 1)],
])('what a vantage has not to check is not kept: %s', async (_, each) => {
  const { analysis, readings, meter, store } = start()
  await analysis.take([each])
  expect(meter.of('dialtone_observations_ingested_total', { result: 'refused' })).toBe(1)
  expect(readings.observations({}, { limit: 10 }).observations).toEqual([])
  expect([[...analysis.witnesses.all()].length, store.journal.factOf('')]).toEqual([0, undefined])
})

it('what a vantage has to check is kept, checks that somebody asked for and listeners of others too', async () => {
  const { analysis, meter, configuration } = start()
  configuration.put('Domain', OURS, { internal: [{ host: '192.0.2.9', port: 5269 }] })
  configuration.put('Vantage', 'south', { side: 'outside', probeDomain: { domain: 'probe.example', listen: [{ address: '192.0.2.8' }], secret: { env: 'SECRET' } } } as never)
  await analysis.take([
    delivery(seen({ at: 1, id: 'x001', domain: OURS, job: 'own-internal' }), 1), delivery(seen({ at: 1, id: 'x002', domain: 'probe.example', job: 'listener' }), 2),
    delivery(seen({ at: 1, id: 'x003', check: 'c-1' }), 3), delivery(seen({ at: 1, id: 'x004', vantage: 'south', check: 'c-1' }), 4),
  ])
  expect([meter.of('dialtone_observations_ingested_total', { result: 'new' }), meter.of('dialtone_observations_ingested_total', { result: 'refused' })]).toEqual([4, 0])
})

it('who publishes is counted by the subject, and only vantages that there are have a series', async () => {
  const { analysis, meter } = start()
  await analysis.take([
    { ...delivery({ ...seen({ at: 1, id: 'x001' }), vantage: 'made-up' }, 1), key: ['north', 'example', 'partner'] }, delivery({ ...seen({ at: 1, id: 'x002' }), vantage: 'made-up' }, 2),
  ])
  const refused = (vantage: string) => meter.of('dialtone_observations_ingested_total', { vantage, result: 'refused' })
  expect([refused('north'), refused('unknown'), refused('made-up')]).toEqual([1, 1, 0])
})

it('what was known of a domain goes with it', async () => {
  const { analysis, store, configuration } = start()
  await analysis.take(round(0, 'a'))
  expect(store.journal.factOf('')).toBe(OURS)
  expect(store.journal.factOf(`${OURS}!`)).toBe(PEER)
  configuration.remove('Peer', PEER)
  await analysis.pass(T0 + 10_000)
  expect(store.journal.factOf(`${OURS}!`)).toBeUndefined()
  configuration.remove('Domain', OURS)
  await analysis.pass(T0 + 20_000)
  expect(store.journal.factOf('')).toBeUndefined()
})

it('a clock that was ahead for a moment does not stop time', async () => {
  const { analysis, readings, meter } = start()
  await analysis.take(round(0, 'a'))
  await analysis.take(round(60, 'b', 'inside'))
  await analysis.pass(T0 + 30 * 86_400_000)
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('unknown')
  for (const n of [2, 3, 4]) await analysis.take(round(60 * n, `c${n}`, 'inside'))
  expect(meter.of('dialtone_analysis_time_set_back_total')).toBe(1)
  expect(readings.pair(OURS, PEER)?.out).toMatchObject({ since: '2026-01-01T00:02:00.000Z', verdict: { state: 'down' } })
  expect(readings.incidents({}, { limit: 10 }).incidents.filter(({ state }) => state !== 'resolved')).toMatchObject([{ state: 'confirmed' }])
  expect(readings.timeline(OURS, PEER, { to: '2026-01-01T00:10:00Z' }, 100)?.spans.filter(({ until }) => until !== undefined && until > '2026-01-01T00:05:00Z')).toEqual([])
  await analysis.pass(T0 + 20 * 60_000)
  expect(readings.pair(OURS, PEER)?.out).toMatchObject({ since: '2026-01-01T00:07:00.000Z', verdict: { state: 'unknown' } })
})

it('a clock of the bus that was ahead does not hide what comes after', async () => {
  const { analysis, readings } = start()
  await analysis.take(round(86_400, 'a'))
  await analysis.take(round(60, 'b', 'inside'))
  expect(readings.pair(OURS, PEER)).toMatchObject({ checkedAt: '2026-01-01T00:01:00.000Z', out: { since: '2026-01-01T00:01:00.000Z', verdict: { state: 'down' } } })
  expect(analysis.at).toBe(T0 + 60_000)
})

it('two instances that hear of a change at different times date it alike, and tell one incident', async () => {
  const [a, b] = [start(), start()]
  const all = [0, 1, 2].flatMap(n => round(60 * n, `a${n}`))
  for (const { analysis } of [a, b]) await analysis.take(all)
  for (const [{ analysis, configuration }, at] of [[a, 130_000], [b, 134_700]] as const) {
    await analysis.pass(T0 + at)
    configuration.put('Domain', OURS, { expectedAddresses: ['198.51.100.7'] }, T0 + 129_000)
    await analysis.pass(T0 + at + 300)
  }
  const more = [3, 4, 5].flatMap(n => round(60 * n, `b${n}`))
  for (const { analysis } of [a, b]) await analysis.take(more)
  const told = ({ store }: typeof a) => store.journal.unsaid(20).map(({ id }) => id)
  expect(told(a).length).toBeGreaterThan(1)
  expect(told(b)).toEqual(told(a))
  for (const { analysis, configuration } of [a, b]) {
    configuration.remove('Domain', OURS)
    await analysis.pass(analysis.at + (analysis === a.analysis ? 100 : 800))
  }
  expect(told(b)).toEqual(told(a))
  expect(a.store.journal.unsaid(20).map(({ on }) => on)).toContain('resolved')
})

it('many that go, or go stale, at once are taken in many slices', async () => {
  let elapsed = 0
  const { analysis, configuration } = start({ elapsed: () => { elapsed += 50; return elapsed } })
  const peers = Array.from({ length: 40 }, (_, n) => `p${n}.example`)
  for (const peer of peers) configuration.put('Peer', peer, {})
  await analysis.take(peers.map((domain, n) => delivery(seen({ at: 0, id: `p${n}`, domain }), n + 1)))
  const slices = async (work: () => Promise<void>) => {
    const before = analysis.seq
    await work()
    return analysis.seq - before
  }
  expect(await slices(() => analysis.pass(T0 + 190_000))).toBeGreaterThan(2 * peers.length)
  expect([...analysis.witnesses.all()].filter(({ stale }) => stale).length).toBe(peers.length)
  for (const peer of peers) configuration.remove('Peer', peer)
  expect(await slices(() => analysis.pass(T0 + 195_000))).toBeGreaterThan(peers.length)
  expect(analysis.board.all().length).toBe(2)
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

it.each([['before anybody had spoken', [-60_000, -30_000]], ['while all were silent', [15 * 60_000]]])('a fleet that dies is not well for ever: time had passed %s', async (_, silences) => {
  const { analysis, readings } = start()
  if (silences[0] !== undefined && silences[0] > 0) await analysis.take(round(0, 'a'))
  for (const at of silences) await analysis.pass(T0 + at)
  for (const n of [16, 17, 18]) await analysis.take(round(60 * n, `b${n}`))
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('up')
  await analysis.pass(T0 + 30 * 60_000)
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('unknown')
  expect(readings.domain(OURS)?.verdict.state).toBe('unknown')
  await analysis.pass(T0 + 8 * 86_400_000)
  expect([...analysis.witnesses.all()]).toEqual([])
})

it('the end of an exception is seen although others speak all the time', async () => {
  const { analysis, readings, configuration } = start()
  configuration.put('Exception', 'moving', { effect: 'maintenance', domain: OURS, peer: PEER, until: '2026-01-01T00:10:05Z', reason: 'a move' })
  await analysis.take(round(600, 'a', 'inside'))
  const quiet = () => readings.overview({ only: 'pairs' }, { limit: 10 }).domains[0]?.quietBecause
  expect(quiet()).toBe('moving')
  for (let at = 601; at < 612; at++) await analysis.take([delivery(seen({ at, id: `b${at}`, vantage: 'north', domain: OURS, job: 'own-published' }), ++seq)])
  expect(quiet()).toBeUndefined()
})

it('confirmations that are reset begin anew, for what is named', async () => {
  const { analysis, readings } = start()
  for (const n of [0, 1]) await analysis.take(round(60 * n, `a${n}`, 'inside'))
  expect(readings.incidents({}, { limit: 10 }).incidents).toMatchObject([{ state: 'open' }])
  expect([analysis.reset({ domain: 'other.example' }), analysis.reset({ peer: PEER }), analysis.reset({ domain: OURS })]).toEqual([0, 1, 2])
  for (const n of [2, 3]) await analysis.take(round(60 * n, `a${n}`, 'inside'))
  expect(readings.incidents({}, { limit: 10 }).incidents).toMatchObject([{ state: 'open' }])
  await analysis.take(round(240, 'a4', 'inside'))
  expect(readings.incidents({}, { limit: 10 }).incidents).toMatchObject([{ state: 'confirmed' }])
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

it('a maintenance window of a vantage sets its testimony aside, and ends by itself', async () => {
  const { analysis, readings, configuration } = start()
  configuration.put('Exception', 'cabling', { effect: 'maintenance', vantage: 'inside', from: '2026-01-01T00:00:30Z', until: '2026-01-01T00:10:00Z', reason: 'new cables' })
  await analysis.take(round(0, 'a'))
  const heard = () => readings.pair(OURS, PEER)?.vantages.map(({ vantage }) => vantage).includes('inside')
  expect(heard()).toBe(true)
  await analysis.pass(T0 + 40_000)
  expect(heard()).toBe(false)
  for (const [n, at] of [120, 240, 360, 480, 590, 610].entries()) await analysis.take(round(at, `c${n}`))
  expect(heard()).toBe(true)
})

it('a maintenance window of a vantage goes on over a restart', async () => {
  const { analysis, store, configuration, clock } = start()
  configuration.put('Exception', 'cabling', { effect: 'maintenance', vantage: 'inside', from: '2026-01-01T00:00:30Z', until: '2026-01-01T01:00:00Z', reason: 'new cables' })
  await analysis.take(round(0, 'a'))
  await analysis.take(round(60, 'b'))
  const again = createAnalysis({ store, configuration, slices: createSlices(clock), meter: counts(), logger: NO_LOGGER, clock })
  expect([again.expectations.standpoint('inside'), again.expectations.standpoint('north')?.vantage]).toEqual([undefined, 'north'])
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

it('what a peer said of its callback while our own domain was closed is of that time', async () => {
  const { analysis, readings, configuration } = start()
  configuration.put('Domain', OURS, { internal: [{ host: '192.0.2.1', port: 5269 }] })
  let n = 0
  const take = async (...records: ObservationRecorded[]) => { await analysis.take(records.map(record => delivery(record, ++n))) }
  const ours = (at: number, fails?: typeof TIMEOUT) => [
    seen({ at, id: `own${at}`, vantage: 'inside', domain: OURS, job: 'own-internal' }),
    ...['north', 'south'].map(vantage => seen({ at, id: `${vantage}${at}`, vantage, domain: OURS, job: 'own-published', ...(fails === undefined ? {} : { fails }) })),
  ]
  const out = () => readings.pair(OURS, PEER)?.out.verdict
  await take(...ours(0, TIMEOUT), uncalled(10), seen({ at: 20, id: 'light20' }))
  expect(out()).toMatchObject({ cause: 'path.inbound-blocked', state: 'down' })
  await take(...ours(60), seen({ at: 70, id: 'light70' }))
  expect(readings.domain(OURS)?.verdict.cause).toBe('healthy')
  expect(out()).toMatchObject({ state: 'up', untested: expect.arrayContaining([{ what: 'dialback', needs: 'a deep check' }]) as unknown })
  // Once it is asked again, it counts.
  await take(uncalled(80), seen({ at: 90, id: 'light90' }))
  expect(out()).toMatchObject({ cause: 'dialback.callback-blocked', state: 'down' })
})

it('what peers say of our keys shows a fault of ours, whoever was looked at lightly since', async () => {
  const { analysis, readings, configuration } = start()
  configuration.put('Domain', OURS, {})
  configuration.put('Peer', 'second.example', {})
  let n = 0
  const take = async (...records: ObservationRecorded[]) => { await analysis.take(records.map(record => delivery(record, ++n))) }
  const invalid = { type: 'invalid' } as const
  await take(
    seen({ at: 0, id: 'own', vantage: 'north', domain: OURS, job: 'own-published' }), asked(10, invalid), asked(11, invalid, 'second.example', '198.51.100.1'),
    denying(seen({ at: 20, id: 'light20' })), denying(seen({ at: 21, id: 'light21', domain: 'second.example', address: '198.51.100.1' })),
  )
  expect(readings.domain(OURS)?.verdict).toMatchObject({ cause: 'dialback.denied', side: 'ours', confidence: 'likely' })
  expect(readings.pair(OURS, PEER)?.out.verdict).toMatchObject({ cause: 'dialback.denied', side: 'ours' })
})

it('what was authenticated does not make a peer well that is not reached since, nor one that nobody looks at any more', async () => {
  const { analysis, readings } = start()
  let n = 0
  const take = async (...records: ObservationRecorded[]) => { await analysis.take(records.map(record => delivery(record, ++n))) }
  const out = () => readings.pair(OURS, PEER)?.out.verdict
  await take(seen({ at: 0, id: 'north0', vantage: 'north' }), asked(10, { type: 'valid' }))
  expect(out()?.state).toBe('up')
  await take(seen({ at: 60, id: 'north60', vantage: 'north' }), seen({ at: 60, id: 'light60', fails: TIMEOUT }))
  expect(out()).toMatchObject({ cause: 'path.peer-blocked', state: 'down' })
  // A deep check is heard for longer than a light one: what it saw is older all the same.
  await analysis.pass(T0 + 260_000)
  expect(out()).toMatchObject({ state: 'unknown' })
})

it('a deep check that goes on makes the last light one no older', async () => {
  const { analysis, readings, configuration } = start()
  configuration.put('Schedule', 'default', { lightEverySeconds: 5 })
  let n = 0
  const take = async (...records: ObservationRecorded[]) => { await analysis.take(records.map(record => delivery(record, ++n))) }
  await take(seen({ at: 0, id: 'north0', vantage: 'north' }), asked(0, { type: 'valid' }), seen({ at: 5, id: 'light5' }))
  await analysis.pass(T0 + 100_000)
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('up')
  await analysis.pass(T0 + 170_000)
  expect(readings.pair(OURS, PEER)?.out.verdict.state).toBe('unknown')
})

/** A deep check in our name, whose peer says that it could not call back. */
function uncalled (at: number): ObservationRecorded {
  return asked(at, { type: 'error', condition: 'remote-connection-failed' })
}

/** The peer says that it does not serve our domain. */
function denying (record: ObservationRecorded): ObservationRecorded {
  record.observation.claim = record.observation.endpoints.map(({ id }) => ({ endpoint: id, role: 'claim', to: OURS, answer: 'denies', ms: 1 }))
  return record
}

/** A deep check in our name of a peer that does not serve our domain, and what it answered to the key. */
function asked (at: number, answer: DialbackAnswerSeen, domain = PEER, address = '192.0.2.1'): ObservationRecorded {
  const record = denying(seen({ at, id: `deep${at}`, domain, address }))
  const [{ id: endpoint, header, features } = { id: '' }] = record.observation.endpoints
  record.observation.asked.depth = 'shared'
  record.observation.deep = {
    depth: 'shared', as: OURS, quick: false, callbacks: [], callbacksLeftOut: 0,
    connections: [{
      role: 'dialback', endpoint, of: 'peer', kind: 'starttls', pair: { from: OURS, to: domain }, startedAtMs: 0, certificate: false, transcript: [], ...(header === undefined ? {} : { header }), ...(features === undefined ? {} : { features }),
      steps: DEEP_LADDERS.starttls.dialback.map(stage => ({ stage, outcome: 'ok', atMs: 0, ms: 1 })),
      dialback: { key: 'true', streamId: 's1', secured: true, sentAtMs: 100, waitedMs: 200, answer },
    }],
  }
  return record
}

function start (faked: Partial<Clock> = {}) {
  const clock = { ...handClock(), ...faked }
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
