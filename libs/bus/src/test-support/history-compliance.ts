import type { Bus } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { batchesFailed, bodiesRefused, published, skipped } from '../metrics.ts'
import { AnySeen, Seen } from './kinds.ts'
import { eventually, withRig, type StartRig } from './rig.ts'

export function historyCompliance (start: StartRig): void {
  it('is read from its beginning, in order, and goes on with what comes', () => withRig(start, async ({ a, b }) => {
    await publish(a, 1, 600)
    const read: number[] = []
    const places: number[] = []
    let first: unknown
    await b.consume(Seen, { afterSeq: 0 }, async (batch, gap) => {
      first ??= { ...batch[0], gap }
      read.push(...batch.map(({ body }) => body.n))
      places.push(...batch.map(({ seq }) => seq))
    })
    await eventually(() => expect(read).toHaveLength(600))
    await publish(a, 601, 610)
    await eventually(() => expect(read).toHaveLength(610))
    expect(read).toEqual(Array.from({ length: 610 }, (_, n) => n + 1))
    expect(places).toEqual(read)
    expect(first).toEqual({ body: { n: 1 }, id: 'id-1', key: ['inside', 'org', 'example'], seq: 1, at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), gap: 0 })
    expect(await a.extent('observations')).toMatchObject({ first: 1, last: 610 })
  }))

  it('is read from a place, from a time, or from now on', () => withRig(start, async ({ a, b }) => {
    await publish(a, 1, 3)
    const third = await timeOf(b, 3)
    while (Date.now() <= Date.parse(third)) await new Promise(resolve => setImmediate(resolve))
    const since = new Date().toISOString()
    await publish(a, 4, 6)
    const reads = { place: [] as number[], time: [] as number[], now: [] as number[] }
    await b.consume(Seen, { afterSeq: 2 }, async batch => void reads.place.push(...batch.map(({ seq }) => seq)))
    await b.consume(Seen, { since }, async batch => void reads.time.push(...batch.map(({ seq }) => seq)))
    await b.consume(Seen, 'now', async batch => void reads.now.push(...batch.map(({ seq }) => seq)))
    await publish(a, 7, 7)
    await eventually(() => expect(reads).toEqual({ place: [3, 4, 5, 6, 7], time: [4, 5, 6, 7], now: [7] }))
  }))

  it('tells how far a reader has come, over what is malformed too', () => withRig(start, async ({ a, b }) => {
    let fails = true
    const { place } = await b.consume(Seen, { afterSeq: 0 }, async () => {
      if (fails) throw new Error('the disk is full')
    })
    await publish(a, 1, 2)
    const { made } = await a.extent('observations')
    expect(place?.()).toBeUndefined()
    fails = false
    await eventually(() => expect(place?.()).toEqual({ made, seq: 2 }))
    await a.publish(AnySeen, [], { n: 'three' }, { id: 'malformed' })
    await eventually(() => expect(place?.()).toEqual({ made, seq: 3 }))
  }))

  it('holds an id once, however often it is published', () => withRig(start, async ({ a, b, counts }) => {
    await Promise.all([1, 2, 3].map(() => a.publish(Seen, [], { n: 1 }, { id: 'same' })))
    await b.publish(Seen, [], { n: 1 }, { id: 'same' })
    await b.publish(Seen, [], { n: 2 }, { id: 'other' })
    const read: string[] = []
    await b.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ id }) => id)))
    await eventually(() => expect(read).toEqual(['same', 'other']))
    expect(await a.extent('observations')).toMatchObject({ first: 1, last: 2 })
    expect(counts.of(published, { outcome: 'duplicate' })).toBe(3)
  }))

  it('gives a batch again until its handler has resolved, and then the next', () => withRig(start, async ({ a, b, counts }) => {
    await publish(a, 1, 6)
    const given: number[][] = []
    const taken: number[] = []
    await b.consume(Seen, { afterSeq: 0 }, async batch => {
      given.push(batch.map(({ seq }) => seq))
      if (given.length <= 2) throw new Error('the disk is full')
      taken.push(...batch.map(({ seq }) => seq))
    }, { most: 3 })
    await eventually(() => expect(taken).toEqual([1, 2, 3, 4, 5, 6]))
    expect(given[0]).toEqual(given[1])
    expect(given[1]).toEqual(given[2])
    expect(given.every(batch => batch.length <= 3)).toBe(true)
    expect(counts.of(batchesFailed, { stream: 'observations' })).toBe(2)
  }))

  it('a malformed one is left out, counted and not retried', () => withRig(start, async ({ a, b, counts }) => {
    await publish(a, 1, 1)
    for (const [index, body] of [null, 'text', { n: 1.5 }, { n: 1, text: 7 }, []].entries()) await a.publish(AnySeen, [], body, { id: `bad-${index}` })
    await publish(a, 7, 7)
    const read: number[] = []
    await b.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ seq }) => seq)), { most: 2 })
    await eventually(() => expect(read).toEqual([1, 7]))
    expect(counts.of(bodiesRefused, { noun: 'observation', at: 'arrival', reason: 'shape' })).toBe(5)
  }))

  it('is given in parts where its bodies are large, each once', () => withRig(start, async ({ a, b }) => {
    await publish(a, 1, 9, 'x'.repeat(1000))
    const given: number[][] = []
    const refused = new Set([4])
    await b.consume(Seen, { afterSeq: 0 }, async batch => {
      if (refused.delete(batch[0]?.seq ?? 0)) throw new Error('the disk is full')
      given.push(batch.map(({ seq }) => seq))
    })
    await eventually(() => expect(given.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    expect(given.every(batch => batch.length <= 3)).toBe(true)
  }, { mostBatchBytes: 2500 }))

  it('tells what its limits dropped before it was read', () => withRig(start, async ({ a, b, counts }) => {
    await publish(a, 1, 12)
    await eventually(async () => expect(await a.extent('observations')).toMatchObject({ first: 8, last: 12 }))
    const reads: [number[], number][] = []
    await b.consume(Seen, { afterSeq: 2 }, async (batch, gap) => void reads.push([batch.map(({ seq }) => seq), gap]))
    await eventually(() => expect(reads.flatMap(([batch]) => batch)).toEqual([8, 9, 10, 11, 12]))
    expect(reads[0]?.[1]).toBe(5)
    expect(counts.of(skipped, { stream: 'observations' })).toBe(5)
    const fresh: number[] = []
    await b.consume(Seen, { afterSeq: 7 }, async (_, gap) => void fresh.push(gap))
    await eventually(() => expect(fresh[0]).toBe(0))
  }, { streams: { observations: { maxMessages: 5 } } }))

  it('drops the oldest by bytes and by age', () => withRig(start, async ({ a }) => {
    await publish(a, 1, 40, 'x'.repeat(1000))
    const { first, last } = await a.extent('observations')
    expect(last).toBe(40)
    expect(first).toBeGreaterThan(20)
    await eventually(async () => {
      await a.publish(Seen, [], { n: 0 }, { id: `later-${performance.now()}` })
      expect((await a.extent('observations')).first).toBeGreaterThan(40)
    })
  }, { streams: { observations: { maxBytes: 20_000, maxAgeSeconds: 1 } }, duplicateWindowSeconds: 1 }))

  it('a place beyond its end means that it was made anew: it is read from its beginning', () => withRig(start, async ({ a, b }) => {
    await publish(a, 1, 2)
    const { made } = await a.extent('observations')
    const read: unknown[] = []
    await b.consume(Seen, { afterSeq: 1000 }, async (batch, _, stream) => void read.push(...batch.map(({ seq }) => ({ seq, ...stream }))), { most: 1 })
    await eventually(() => expect(read).toEqual([{ seq: 1, made, reset: true }, { seq: 2, made, reset: false }]))
  }))

  it('a place in another stream than this one is worth nothing, whatever its number; one in this stream is kept', () => withRig(start, async ({ a, b }) => {
    await publish(a, 1, 3)
    const { made } = await a.extent('observations')
    expect(made).not.toBe('')
    const told: Record<'other' | 'same', unknown[]> = { other: [], same: [] }
    let failed = false
    await b.consume(Seen, { afterSeq: 2, made: 'another' }, async (batch, gap, stream) => {
      told.other.push([batch.map(({ seq }) => seq), gap, stream])
      if (!failed) {
        failed = true
        throw new Error('told again with the batch that comes again')
      }
    })
    await b.consume(Seen, { afterSeq: 2, made }, async (batch, gap, stream) => void told.same.push([batch.map(({ seq }) => seq), gap, stream]))
    await eventually(() => expect(told).toEqual({
      other: [[[1, 2, 3], 0, { made, reset: true }], [[1, 2, 3], 0, { made, reset: true }]],
      same: [[[3], 0, { made, reset: false }]],
    }))
    await publish(a, 4, 4)
    await eventually(() => expect([told.other.at(-1), told.same.at(-1)]).toEqual([[[4], 0, { made, reset: false }], [[4], 0, { made, reset: false }]]))
  }))

  it('stop waits for the handler that runs, and nothing comes after', () => withRig(start, async ({ a, b }) => {
    await publish(a, 1, 4)
    const read: number[] = []
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const reading = await b.consume(Seen, { afterSeq: 0 }, async batch => {
      begun.resolve()
      await gate.promise
      read.push(...batch.map(({ seq }) => seq))
    }, { most: 1 })
    await begun.promise
    const stopping = reading.stop()
    await a.publish(Seen, [], { n: 5 }, { id: 'five' })
    expect(await Promise.race([stopping, Promise.resolve('it waits')])).toBe('it waits')
    gate.resolve()
    await stopping
    expect(read).toEqual([1])
  }))

  it('several readers read all of it, each for itself', () => withRig(start, async ({ a, b }) => {
    const reads: number[][] = [[], []]
    for (const [index, bus] of [a, b].entries()) await bus.consume(Seen, { afterSeq: 0 }, async batch => void reads[index]?.push(...batch.map(({ seq }) => seq)))
    await publish(a, 1, 50)
    const all = Array.from({ length: 50 }, (_, n) => n + 1)
    await eventually(() => expect(reads).toEqual([all, all]))
  }))
}

/** One after the other would take long; the order of their numbers is kept all the same. */
export async function publish (bus: Bus, from: number, to: number, text?: string): Promise<void> {
  await Promise.all(Array.from({ length: to - from + 1 }, (_, n) => bus.publish(Seen, ['inside', 'org', 'example'], { n: n + from, ...(text === undefined ? {} : { text }) }, { id: `id-${n + from}` })))
}

async function timeOf (bus: Bus, seq: number): Promise<string> {
  const found = Promise.withResolvers<string>()
  const reading = await bus.consume(Seen, { afterSeq: seq - 1 }, async ([first]) => found.resolve(first?.at ?? ''))
  const at = await found.promise
  await reading.stop()
  return at
}
