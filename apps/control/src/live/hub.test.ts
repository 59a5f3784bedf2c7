import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NO_METER } from '@dialtone/kernel'
import { CHANGE, INCIDENT, row } from '../http/test-support/readings.ts'
import { HUB_LIMITS, createHub, type Hub, type HubLimits } from './hub.ts'
import { createRing } from './ring.ts'

let seq: number
let hub: Hub
beforeEach(() => { vi.useFakeTimers() })
afterEach(() => {
  hub.stop()
  vi.useRealTimers()
})

function start (limits: Partial<HubLimits> = {}): void {
  seq = 10
  hub = createHub({ epoch: 'e', seq: () => seq, clock: { now: () => Date.now(), elapsed: () => Date.now() }, meter: NO_METER, limits: { ...HUB_LIMITS, ...limits } })
}

/** A reader that takes everything, or nothing while `stalled`. */
function reader (topics: string[], after: { id?: string, seq?: number } = {}, valid = () => true) {
  const heard: { id?: string, event: string, data: unknown }[] = []
  const is = { stalled: false, ended: false, writes: 0, heard, events: () => heard.map(({ event }) => event), leave: undefined as (() => void) | undefined }
  is.leave = hub.join({
    write: bytes => {
      is.writes++
      for (const frame of bytes.toString().split('\n\n').filter(text => text !== '')) {
        const lines = Object.fromEntries(frame.split('\n').map(line => line.split(/: (.*)/s, 2)) as [string, string][])
        heard.push({ ...(lines['id'] === undefined ? {} : { id: lines['id'] }), event: lines['event'] ?? '', data: JSON.parse(lines['data'] ?? 'null') })
      }
      return !is.stalled
    },
    waiting: () => is.stalled ? 1000 : 0,
    end: () => { is.ended = true },
  }, topics, after, valid)
  return is
}

const tell = (name: string, peer?: string) => hub.tell({ on: 'verdict.changed', row: row(name, peer) }, ++seq)
const flush = () => vi.advanceTimersByTime(250)
const names = (is: ReturnType<typeof reader>) => is.heard.flatMap(({ event, data }) => event === 'verdict.changed' ? [(data as { row: { domain: string } }).row.domain] : [])

describe('a reader', () => {
  it('is greeted with where it stands, then hears what its topics tell', () => {
    start()
    const all = reader(['verdict'])
    const one = reader(['domain:b.example'])
    const pair = reader(['pair:a.example/b.example'])
    const other = reader(['change'])
    tell('a.example')
    tell('a.example', 'b.example')
    hub.tell({ on: 'change', change: CHANGE }, ++seq)
    flush()
    expect(all.heard[0]).toMatchObject({ event: 'hello', id: 'e-0', data: { seq: 10, topics: ['verdict'] } })
    expect(names(all)).toEqual(['a.example', 'a.example'])
    expect(names(one)).toEqual(['a.example'])
    expect(names(pair)).toEqual(['a.example'])
    expect(other.events()).toEqual(['hello', 'change'])
  })

  it('hears of one subject once a flush, and then the last', () => {
    start()
    const is = reader(['verdict', 'incident'])
    for (let at = 0; at < 100; at++) tell(at % 2 === 0 ? 'a.example' : 'b.example')
    hub.tell({ on: 'incident.opened', incident: INCIDENT }, ++seq)
    hub.tell({ on: 'incident.confirmed', incident: INCIDENT }, ++seq)
    flush()
    expect(is.events()).toEqual(['hello', 'verdict.changed', 'verdict.changed', 'incident.opened', 'incident.confirmed'])
    expect(is.writes).toBe(2)
    flush()
    expect(is.writes).toBe(2)
  })

  it('goes on after the last event that it has', () => {
    start()
    const first = reader(['verdict'])
    tell('a.example')
    flush()
    const id = first.heard.at(-1)?.id ?? ''
    first.leave?.()
    tell('b.example')
    flush()
    tell('c.example')
    flush()
    const second = reader(['verdict'], { id })
    tell('d.example')
    flush()
    expect(names(second)).toEqual(['b.example', 'c.example', 'd.example'])
    expect(names(first)).toEqual(['a.example'])
  })

  it('goes on after a snapshot', () => {
    start()
    tell('a.example')
    const snapshot = seq
    tell('b.example')
    flush()
    expect(names(reader(['verdict'], { seq: snapshot }))).toEqual(['b.example'])
    expect(names(reader(['verdict'], { seq }))).toEqual([])
    expect(reader(['verdict'], { seq: 3 }).heard.at(-1)).toMatchObject({ event: 'resync', data: { reason: 'too-far-behind' } })
    expect(reader(['verdict'], { seq: 9999 }).events()).toContain('resync')
  })

  it('is told to read everything again where what it missed is gone, or was another process', () => {
    start({ events: 3 })
    const first = reader(['verdict'])
    tell('a.example')
    flush()
    for (const name of ['b', 'c', 'd', 'e']) {
      tell(`${name}.example`)
      flush()
    }
    expect(reader(['verdict'], { id: first.heard[1]?.id ?? '' }).heard.map(({ event, data }) => event === 'resync' ? (data as { reason: string }).reason : event)).toEqual(['hello', 'too-far-behind'])
    for (const id of ['other-3', 'nonsense', 'e-999', '-', 'e-1e9']) expect(reader(['verdict'], { id }).events()).toEqual(['hello', 'resync'])
    const again = reader(['verdict'], { id: 'other-3' })
    tell('f.example')
    flush()
    expect(names(again)).toEqual(['f.example'])
  })

  it('hears a heart-beat every 15 seconds', () => {
    start()
    const is = reader(['verdict'])
    vi.advanceTimersByTime(45_500)
    expect(is.events()).toEqual(['hello', 'heartbeat', 'heartbeat', 'heartbeat'])
  })

  it('that does not keep up is written nothing, and then the last of each subject', () => {
    start()
    const [slow, quick] = [reader(['verdict']), reader(['verdict'])]
    slow.stalled = true
    for (let at = 0; at < 20; at++) {
      tell(at % 2 === 0 ? 'a.example' : 'b.example')
      flush()
    }
    expect(slow.events()).toEqual(['hello'])
    expect(names(quick)).toHaveLength(20)
    slow.stalled = false
    flush()
    expect(names(slow)).toEqual(['a.example', 'b.example'])
  })

  it('that fell behind what is kept is told so', () => {
    start({ events: 3 })
    const slow = reader(['verdict'])
    slow.stalled = true
    for (let at = 0; at < 5; at++) {
      tell(`${at}.example`)
      flush()
    }
    slow.stalled = false
    flush()
    expect(slow.events()).toEqual(['hello', 'resync'])
  })

  it('that missed more than is written at once is told to read everything again', () => {
    start({ catchUpBytes: 1000 })
    const slow = reader(['verdict'])
    slow.stalled = true
    for (let at = 0; at < 10; at++) {
      tell(`${at}.example`)
      flush()
    }
    slow.stalled = false
    flush()
    tell('after.example')
    flush()
    expect([slow.events(), names(slow)]).toEqual([['hello', 'resync', 'verdict.changed'], ['after.example']])
  })

  it('that takes nothing for 30 seconds is let go', () => {
    start()
    const [slow, quick] = [reader(['verdict']), reader(['verdict'])]
    slow.stalled = true
    vi.advanceTimersByTime(31_000)
    expect([slow.ended, quick.ended, hub.size]).toEqual([true, false, 1])
  })

  it('whose token is withdrawn is let go at the next heart-beat', () => {
    start()
    let valid = true
    const is = reader(['verdict'], {}, () => valid)
    vi.advanceTimersByTime(15_500)
    expect(is.ended).toBe(false)
    valid = false
    vi.advanceTimersByTime(15_500)
    expect(is.ended).toBe(true)
  })
})

it('takes so many readers and no more, and another when one has left', () => {
  start({ clients: 2 })
  const [first] = [reader(['verdict']), reader(['verdict'])]
  expect(reader(['verdict']).leave).toBeUndefined()
  first?.leave?.()
  first?.leave?.()
  expect(hub.size).toBe(1)
  expect(reader(['verdict']).leave).toBeDefined()
})

it('ends every stream when it stops, after what was still to be told', () => {
  start()
  const is = reader(['verdict'])
  tell('a.example')
  hub.stop()
  expect([names(is), is.ended, hub.size]).toEqual([['a.example'], true, 0])
})

it('keeps no more than its limits, and knows what it still has', () => {
  start()
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), fc.integer({ min: 1, max: 10 }), (sizes, events) => {
    const ring = createRing({ events, bytes: 100 }, 0)
    sizes.forEach((size, at) => ring.add('s', ['t'], 'on', at + 1, 'x'.repeat(size)))
    const kept = [...ring.since(0)]
    expect(kept.length).toBeLessThanOrEqual(events)
    expect(kept.reduce((sum, { json }) => sum + json.length, 0)).toBeLessThanOrEqual(100)
    expect(ring.last).toBe(sizes.length)
    const first = kept[0]?.id ?? ring.last + 1
    expect([ring.has(first - 1), ring.has(first - 2), ring.has(ring.last + 1)]).toEqual([true, false, false])
    // A snapshot goes on exactly where everything after it is kept.
    for (let seq = 0; seq <= sizes.length; seq++) expect(ring.placeOf(seq, sizes.length)).toBe(seq >= first - 1 ? seq : undefined)
  }))
})
