import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { bodiesRefused, dropped, handlersFailed } from '../metrics.ts'
import { AnySaid, AnySeen, Said, Seen } from './kinds.ts'
import { eventually, withRig, type StartRig } from './rig.ts'

export function eventCompliance (start: StartRig): void {
  it('an event reaches those who asked for the beginning of its key, with its id, and nobody else', () => withRig(start, async ({ a, b }) => {
    const all: unknown[] = []
    const some: unknown[] = []
    const other: unknown[] = []
    await b.subscribe(Said, [], ({ key, id, body, seq }) => all.push({ key, id, body, seq }))
    await b.subscribe(Said, ['inside'], ({ id }) => some.push(id))
    await b.subscribe(Said, ['in'], ({ id }) => other.push(id))
    await a.publish(Said, ['inside', 'c1'], { n: 1 }, { id: 'one' })
    await a.publish(Said, ['outside', 'c2'], { n: 2 }, { id: 'two' })
    await eventually(() => expect(all).toEqual([
      { key: ['inside', 'c1'], id: 'one', body: { n: 1 }, seq: 0 },
      { key: ['outside', 'c2'], id: 'two', body: { n: 2 }, seq: 0 },
    ]))
    expect(some).toEqual(['one'])
    expect(other).toEqual([])
  }))

  it('a durable event reaches subscribers too', () => withRig(start, async ({ a, b }) => {
    const heard: unknown[] = []
    await b.subscribe(Seen, ['inside'], ({ body, id }) => heard.push([id, body.n]))
    await a.publish(Seen, ['inside', 'org', 'example'], { n: 1 }, { id: 'one' })
    await eventually(() => expect(heard).toEqual([['one', 1]]))
  }))

  it('a stopped subscription hears nothing more', () => withRig(start, async ({ a, b }) => {
    const stopped: number[] = []
    const going: number[] = []
    const first = await b.subscribe(Said, [], ({ body }) => stopped.push(body.n))
    await b.subscribe(Said, [], ({ body }) => going.push(body.n))
    await a.publish(Said, [], { n: 1 }, { id: '1' })
    await eventually(() => expect([stopped, going]).toEqual([[1], [1]]))
    await first.stop()
    await a.publish(Said, [], { n: 2 }, { id: '2' })
    await eventually(() => expect(going).toEqual([1, 2]))
    expect(stopped).toEqual([1])
  }))

  it('a slow subscriber loses the oldest, which is counted, and gets the rest in order', () => withRig(start, async ({ a, b, counts }) => {
    const heard: number[] = []
    await b.subscribe(Said, [], ({ body }) => heard.push(body.n))
    await Promise.all(Array.from({ length: 2000 }, (_, n) => a.publish(Said, ['k'], { n }, { id: `${n}` })))
    await eventually(() => expect(heard.at(-1)).toBe(1999))
    expect(counts.of(dropped, { noun: 'progress' })).toBeGreaterThan(0)
    expect(heard.length + counts.of(dropped, { noun: 'progress' })).toBe(2000)
    expect(heard).toEqual(heard.toSorted((x, y) => x - y))
  }, { mailbox: 10 }))

  it('a handler that throws is counted and harms nobody', () => withRig(start, async ({ a, b, counts }) => {
    const heard: number[] = []
    await b.subscribe(Said, [], () => {
      throw new Error('a bug')
    })
    await b.subscribe(Said, [], ({ body }) => heard.push(body.n))
    await a.publish(Said, [], { n: 1 }, { id: '1' })
    await a.publish(Said, [], { n: 2 }, { id: '2' })
    await eventually(() => expect(heard).toEqual([1, 2]))
    await eventually(() => expect(counts.of(handlersFailed)).toBe(2))
  }))

  it('a malformed body is refused where it is published, naming the field, and counted', () => withRig(start, async ({ a, counts }) => {
    await expect(a.publish(Said, [], { n: 'many' } as never, { id: '1' })).rejects.toMatchObject({ code: 'bad-body', message: expect.stringContaining('/n') })
    await expect(a.publish(Seen, [], { n: 1, colour: 'red' } as never, { id: '1' })).rejects.toMatchObject({ code: 'bad-body', message: expect.stringContaining('/colour') })
    expect(counts.of(bodiesRefused, { at: 'publish', reason: 'shape' })).toBe(2)
    expect(await a.extent('observations')).toMatchObject({ first: 0, last: 0 })
  }))

  it('a malformed body is refused where it arrives, and counted; the next one is heard', () => withRig(start, async ({ a, b, counts }) => {
    const heard: number[] = []
    await b.subscribe(Said, [], ({ body }) => heard.push(body.n))
    await a.publish(AnySaid, [], { n: 'many' }, { id: '1' })
    await a.publish(AnySaid, [], null, { id: '2' })
    await a.publish(Said, [], { n: 3 }, { id: '3' })
    await eventually(() => expect(heard).toEqual([3]))
    expect(counts.of(bodiesRefused, { noun: 'progress', at: 'arrival', reason: 'shape' })).toBe(2)
  }))

  it('a field that a newer release added is left out, and its body is taken', () => withRig(start, async ({ a, b }) => {
    const heard: unknown[] = []
    const read: unknown[] = []
    await b.subscribe(Said, [], ({ body }) => heard.push(body))
    await b.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ body }) => body)))
    await a.publish(AnySaid, ['k'], { n: 1, colour: 'red' }, { id: '1' })
    await a.publish(AnySeen, ['k'], { n: 2, colour: 'red' }, { id: '2' })
    await eventually(() => expect([heard, read]).toEqual([[{ n: 1 }], [{ n: 2 }]]))
  }))

  it('a body over the limit is refused naming the sizes; one that compresses well below it arrives as it was', () => withRig(start, async ({ a, b, counts }) => {
    const heard: string[] = []
    await b.subscribe(Said, [], ({ body }) => heard.push(body.text ?? ''))
    await expect(a.publish(Said, [], { n: 1, text: randomBytes(1_500_000).toString('hex') }, { id: '1' })).rejects.toMatchObject({ code: 'too-large', message: expect.stringMatching(/\d{7} bytes/) })
    await expect(a.publish(Seen, [], { n: 1, text: randomBytes(1_500_000).toString('hex') }, { id: '1' })).rejects.toMatchObject({ code: 'too-large' })
    expect(counts.of(bodiesRefused, { at: 'publish', reason: 'too-large' })).toBe(2)
    const long = 'it is said again and again; '.repeat(100_000)
    await a.publish(Said, [], { n: 2, text: long }, { id: '2' })
    await eventually(() => expect(heard).toHaveLength(1))
    expect(heard[0] === long).toBe(true)
  }))

  it('a key or id that is none is refused', () => withRig(start, async ({ a, b }) => {
    for (const key of [['example.org'], ['*'], ['>'], [''], ['a b'], ['ü']]) {
      await expect(a.publish(Said, key, { n: 1 }, { id: '1' })).rejects.toMatchObject({ code: 'bad-key' })
      await expect(b.subscribe(Said, key, () => undefined)).rejects.toMatchObject({ code: 'bad-key' })
    }
    await expect(a.publish(Seen, [], { n: 1 }, { id: 'a\r\nb' })).rejects.toMatchObject({ code: 'bad-key' })
  }))

  it('stops: what was handed over is stored, afterwards nothing is taken, and it is told', () => withRig(start, async ({ a, join }) => {
    const bus = await join()
    const told: boolean[] = []
    bus.onConnection(connected => told.push(connected))
    expect(bus.connected).toBe(true)
    const publishing = Promise.all(Array.from({ length: 20 }, (_, n) => bus.publish(Seen, [], { n }, { id: `${n}` })))
    await bus.stop()
    await publishing
    expect(bus.connected).toBe(false)
    expect(told.at(-1)).toBe(false)
    await expect(bus.publish(Seen, [], { n: 1 }, { id: 'late' })).rejects.toMatchObject({ code: 'bus-unreachable' })
    if (a !== bus) expect(await a.extent('observations')).toMatchObject({ first: 1, last: 20 })
  }))
}
