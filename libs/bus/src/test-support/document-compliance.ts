import type { DocumentChange } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { bodiesRefused } from '../metrics.ts'
import { Alive, AnyNote, Long, Note, Single } from './kinds.ts'
import { eventually, withRig, type StartRig } from './rig.ts'

const MAKE = { create: true }

export function documentCompliance (start: StartRig): void {
  it('is put, got, listed by key and removed, under revisions that increase', () => withRig(start, async ({ a, b }) => {
    const mine = await a.documents(Note, MAKE)
    const yours = await b.documents(Note, { create: false })
    const first = await mine.put('b.two', { n: 2 })
    const second = await mine.put('a.one', { n: 1 })
    expect(second).toBeGreaterThan(first)
    expect(await yours.get('b.two')).toEqual({ key: 'b.two', document: { n: 2 }, revision: first })
    expect((await yours.list()).map(({ key }) => key)).toEqual(['a.one', 'b.two'])
    await yours.remove('b.two')
    await yours.remove('never.there')
    expect(await mine.get('b.two')).toBeUndefined()
    expect(await mine.list()).toEqual([{ key: 'a.one', document: { n: 1 }, revision: second }])
    expect(await mine.put('b.two', { n: 3 })).toBeGreaterThan(second)
  }))

  it('is written only over the revision that was expected', () => withRig(start, async ({ a }) => {
    const notes = await a.documents(Note, MAKE)
    await expect(notes.put('k', { n: 1 }, { expect: 7 })).rejects.toMatchObject({ code: 'conflict' })
    const first = await notes.put('k', { n: 1 }, { expect: 0 })
    await expect(notes.put('k', { n: 2 }, { expect: 0 })).rejects.toMatchObject({ code: 'conflict' })
    const second = await notes.put('k', { n: 2 }, { expect: first })
    await expect(notes.put('k', { n: 3 }, { expect: first })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(`revision ${first}`) })
    await expect(notes.remove('k', { expect: first })).rejects.toMatchObject({ code: 'conflict' })
    expect(await notes.get('k')).toMatchObject({ document: { n: 2 }, revision: second })
    await notes.remove('k', { expect: second })
    const third = await notes.put('k', { n: 4 }, { expect: 0 })
    expect(third).toBeGreaterThan(second)
  }))

  it('a single one is written only over the revision that was expected, also after it was removed or forgotten', () => withRig(start, async ({ a, b }) => {
    const [mine, yours] = [await a.documents(Single, MAKE), await b.documents(Single, MAKE)]
    const taken = await Promise.allSettled([mine.put('k', { n: 1 }, { expect: 0 }), yours.put('k', { n: 1 }, { expect: 0 })])
    const first = taken.flatMap(each => each.status === 'fulfilled' ? [each.value] : [])[0] ?? 0
    expect(taken.find(each => each.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' })
    await expect(yours.put('k', { n: 2 }, { expect: 0 })).rejects.toMatchObject({ code: 'conflict' })
    const second = await mine.put('k', { n: 2 }, { expect: first })
    await expect(mine.put('k', { n: 3 }, { expect: first })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(`revision ${first}`) })
    expect(await yours.get('k')).toEqual({ key: 'k', document: { n: 2 }, revision: second })
    await mine.remove('k', { expect: second })
    expect(await yours.get('k')).toBeUndefined()
    const third = await yours.put('k', { n: 4 }, { expect: 0 })
    expect(third).toBeGreaterThan(second)
    await expect(mine.put('k', { n: 5 }, { expect: 0 })).rejects.toMatchObject({ code: 'conflict' })
    await eventually(async () => expect(await mine.put('k', { n: 5 }, { expect: 0 })).toBeGreaterThan(third))
    await expect(yours.put('k', { n: 6 }, { expect: third })).rejects.toMatchObject({ code: 'conflict' })
  }))

  it('of two writers who race on one revision, one wins', () => withRig(start, async ({ a, b }) => {
    const [mine, yours] = [await a.documents(Note, MAKE), await b.documents(Note, MAKE)]
    let revision = await mine.put('k', { n: 0 })
    for (let round = 1; round <= 20; round++) {
      const ended = await Promise.allSettled([mine.put('k', { n: round }, { expect: revision }), yours.put('k', { n: -round }, { expect: revision })])
      const won = ended.filter(each => each.status === 'fulfilled')
      expect(won).toHaveLength(1)
      expect(ended.find(each => each.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' })
      revision = won[0]?.value ?? 0
      expect((await yours.get('k'))?.revision).toBe(revision)
    }
  }))

  it('is watched: what is there, ready, and each change', () => withRig(start, async ({ a, b }) => {
    const mine = await a.documents(Note, MAKE)
    const one = await mine.put('one', { n: 1 })
    const gone = await mine.put('gone', { n: 0 })
    await mine.remove('gone', { expect: gone })
    const seen: DocumentChange<{ n: number, text?: string }>[] = []
    const watching = await (await b.documents(Note, { create: false })).watch(change => seen.push(change))
    await eventually(() => expect(seen.at(-1)).toEqual({ on: 'ready' }))
    const two = await mine.put('two', { n: 2 })
    await mine.remove('one')
    const again = await mine.put('two', { n: 3 })
    await eventually(() => expect(seen).toEqual([
      { on: 'put', key: 'one', document: { n: 1 }, revision: one },
      { on: 'ready' },
      { on: 'put', key: 'two', document: { n: 2 }, revision: two },
      { on: 'removed', key: 'one' },
      { on: 'put', key: 'two', document: { n: 3 }, revision: again },
    ]))
    await watching.stop()
    await mine.put('three', { n: 3 })
    await mine.get('three')
    expect(seen).toHaveLength(5)
  }))

  it('past its time to live it is gone, and those who watch are told; one that is written again lives', () => withRig(start, async ({ a, b }) => {
    const mine = await a.documents(Alive, MAKE)
    await mine.put('dies', { n: 1 })
    await mine.put('lives', { n: 1 })
    const seen: DocumentChange<{ n: number, text?: string }>[] = []
    await (await b.documents(Alive, { create: false })).watch(change => seen.push(change))
    const living = setInterval(() => void mine.put('lives', { n: 2 }).catch(() => undefined), 100)
    try {
      await eventually(() => expect(seen).toContainEqual({ on: 'removed', key: 'dies' }))
      expect(await mine.get('dies')).toBeUndefined()
      expect((await mine.list()).map(({ key }) => key)).toEqual(['lives'])
      expect(seen).not.toContainEqual({ on: 'removed', key: 'lives' })
    } finally {
      clearInterval(living)
    }
    await eventually(() => expect(seen.at(-1)).toEqual({ on: 'removed', key: 'lives' }))
    expect(await mine.put('dies', { n: 3 }, { expect: 0 })).toBeGreaterThan(2)
  }))

  it('a field that a newer release added is left out, or kept and written back where the kind says so', () => withRig(start, async ({ a, b }) => {
    const newer = await a.documents(AnyNote, MAKE)
    const [older, keeping] = [await b.documents(Note, MAKE), await b.documents({ ...Note, keepsUnknown: true }, MAKE)]
    await newer.put('k', { n: 1, colour: 'red' })
    expect((await older.get('k'))?.document).toEqual({ n: 1 })
    const kept = await keeping.get('k')
    expect(kept?.document).toEqual({ n: 1, colour: 'red' })
    await keeping.put('k', { ...kept?.document, n: 2 }, { expect: kept?.revision ?? 0 })
    expect((await newer.get('k'))?.document).toEqual({ n: 2, colour: 'red' })
    await expect(keeping.put('k', { n: 'many', colour: 'red' } as never)).rejects.toMatchObject({ code: 'bad-body' })
    await expect(older.put('k', { n: 3, colour: 'red' } as never)).rejects.toMatchObject({ code: 'bad-body' })
  }))

  it('with a time to live it is small, so that nobody fills the bucket for the others', () => withRig(start, async ({ a }) => {
    const passing = await a.documents(Alive, MAKE)
    const random = Array.from({ length: 6000 }, () => crypto.randomUUID()).join('')
    await expect(passing.put('large', { n: 1, text: random })).rejects.toMatchObject({ code: 'too-large', message: expect.stringContaining('65536') })
    const lasting = await a.documents(Note, MAKE)
    expect(await lasting.put('large', { n: 1, text: random })).toBeGreaterThan(0)
    expect(await passing.put('small', { n: 1, text: random.slice(0, 60_000) })).toBeGreaterThan(0)
  }))

  it('a malformed one is refused where it is put, and left out where it is read', () => withRig(start, async ({ a, b, counts }) => {
    const [strict, loose] = [await a.documents(Note, MAKE), await b.documents(AnyNote, MAKE)]
    await expect(strict.put('k', { n: 'many' } as never)).rejects.toMatchObject({ code: 'bad-body', message: expect.stringContaining('/n') })
    await expect(strict.put('*', { n: 1 })).rejects.toMatchObject({ code: 'bad-key' })
    expect(await strict.get('k')).toBeUndefined()
    const seen: unknown[] = []
    await strict.watch(change => seen.push(change.on === 'put' ? change.key : change.on))
    await loose.put('bad', { n: 'many' })
    await loose.put('good', { n: 1 })
    await eventually(() => expect(seen).toEqual(['ready', 'good']))
    expect((await strict.list()).map(({ key }) => key)).toEqual(['good'])
    expect(await strict.get('bad')).toBeUndefined()
    expect(counts.of(bodiesRefused, { noun: 'notes', at: 'arrival', reason: 'shape' })).toBeGreaterThanOrEqual(3)
  }))

  it('may have ten thousand entries; what is too large even compressed is refused naming the sizes, and the last one stays', () => withRig(start, async ({ a, b }) => {
    const mine = await a.documents(Long, MAKE)
    const entries = Array.from({ length: 10_000 }, (_, n) => ({ name: `host-${n}.department-${n % 97}.example.org`, addresses: [`192.0.2.${n % 256}`, `2001:db8::${n.toString(16)}`] }))
    const revision = await mine.put('all', { entries })
    const found = await (await b.documents(Long, { create: false })).get('all')
    expect(found?.document.entries).toEqual(entries)
    const random = Array.from({ length: 60_000 }, () => ({ name: crypto.randomUUID(), addresses: [crypto.randomUUID()] }))
    await expect(mine.put('all', { entries: random })).rejects.toMatchObject({ code: 'too-large', message: expect.stringMatching(/\d{7} bytes/) })
    expect((await mine.get('all'))?.revision).toBe(revision)
  }))
}
