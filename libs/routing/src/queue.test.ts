import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { STANZA_CLASSES } from './decision.ts'
import { Queue, type Entry, type Waiting } from './queue.ts'

it('gives back in order what was put in, wherever some are taken out, as an array would', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('push' as const), bytes: fc.nat(3000), due: fc.nat(50), class: fc.constantFrom(...STANZA_CLASSES), own: fc.boolean(), inherits: fc.boolean(), tag: fc.nat(0xFFFFFFFF) }),
    fc.record({ do: fc.constant('shift' as const), times: fc.nat(5) }),
    fc.record({ do: fc.constant('expire' as const), by: fc.nat(20), most: fc.nat(10) }),
    fc.record({ do: fc.constant('put-back' as const), bytes: fc.array(fc.nat(500), { maxLength: 4 }) }),
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), steps => {
    const queue = new Queue()
    let model: Kept[] = []
    let now = 0
    let number = 0
    for (const each of steps) {
      if (each.do === 'push') {
        const kept = made(number++, each.bytes, { class: each.class, at: now, due: now + each.due, own: each.own, retried: false, inherits: each.inherits, tag: each.tag })
        queue.push(kept.bytes, 0, kept.bytes.length, kept.waiting)
        model.push(kept)
      } else if (each.do === 'shift') {
        for (let time = 0; time < each.times; time++) {
          expect(read(queue.first())).toEqual(model[0])
          queue.shift()
          model.shift()
        }
      } else if (each.do === 'expire') {
        now += each.by
        const due = model.filter(({ waiting }) => waiting.due <= now).slice(0, each.most)
        const seen: unknown[] = []
        expect(queue.expire(now, each.most, entry => seen.push(read(entry)))).toBe(due.length)
        expect(seen).toEqual(due)
        model = model.filter(kept => !due.includes(kept))
      } else {
        const earlier = new Queue()
        const put = each.bytes.map(bytes => made(number++, bytes, { class: 'message', at: now, due: now + 30, own: false, retried: true, inherits: false, tag: 0 }))
        for (const { bytes, waiting } of put) earlier.push(bytes, 0, bytes.length, waiting)
        queue.putBack(earlier)
        expect(earlier.stanzas).toBe(0)
        model = [...put, ...model]
      }
      expect(queue.stanzas).toBe(model.length)
      expect(queue.own).toBe(model.filter(({ waiting }) => waiting.own).length)
      expect(queue.bytes).toBe(model.reduce((sum, { bytes }) => sum + bytes.length, 0))
      expect(queue.due).toBeLessThanOrEqual(Math.min(...model.map(({ waiting }) => waiting.due)))
      expect(queue.oldest).toBe(model[0]?.waiting.at)
    }
  }))
})

it('holds ten thousand stanzas of 300 bytes in less than 4 MB and some dozens of objects', () => {
  const queue = new Queue()
  const bytes = new Uint8Array(300)
  for (let number = 0; number < 10_000; number++) queue.push(bytes, 0, 300, WAITING)
  expect(queue.capacity).toBeLessThan(4_000_000)
})

it('gives the memory of what was taken out of the middle back while the first one still waits', () => {
  const queue = new Queue()
  const bytes = new Uint8Array(300)
  queue.push(bytes, 0, 300, { ...WAITING, due: Infinity })
  for (let round = 0; round < 100; round++) {
    for (let number = 0; number < 1000; number++) queue.push(bytes, 0, 300, WAITING)
    expect(queue.expire(WAITING.due, Infinity, () => undefined)).toBe(1000)
    expect(queue.capacity).toBeLessThan(600_000)
  }
  expect([queue.stanzas, queue.bytes, queue.due]).toEqual([1, 300, Infinity])
})

it('takes nothing when nothing is due, and does not look', () => {
  const queue = new Queue()
  expect([queue.due, queue.oldest, queue.first(), queue.expire(Infinity, 10, () => undefined)]).toEqual([Infinity, undefined, undefined, 0])
  queue.push(new Uint8Array(1), 0, 1, WAITING)
  expect(queue.expire(WAITING.due - 1, 10, () => undefined)).toBe(0)
})

const WAITING: Waiting = { class: 'iq', at: 1, due: 30, own: false, retried: false, inherits: false, tag: 0 }

type Kept = { bytes: Uint8Array, waiting: Waiting }

function made (number: number, length: number, waiting: Waiting): Kept {
  return { bytes: new Uint8Array(length).fill(number % 256), waiting }
}

function read (entry: Entry | undefined): Kept | undefined {
  if (entry === undefined) return undefined
  const { data, start, end, ...waiting } = entry
  return { bytes: data.slice(start, end), waiting }
}
