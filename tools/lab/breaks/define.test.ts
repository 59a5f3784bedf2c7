import { expect, it } from 'vitest'
import type { Lab } from '../seams.ts'
import { LeftBroken } from '../world/undo.ts'
import { defineBreak, type Doing } from './define.ts'

it('does in order, by its name, and undoes in the other', async () => {
  const { seen, lab, doing } = world()
  const heal = await defineBreak('some', 'says', doing('a'), doing('b')).breaks(lab)
  await heal()
  expect(seen).toEqual(['some does a', 'some does b', 'settles', 'undoes b', 'undoes a', 'settles'])
})

it('leaves nothing where one thing cannot be done, and says why', async () => {
  const { seen, lab, doing, fail } = world()
  fail('some does b')
  await expect(defineBreak('some', 'says', doing('a'), doing('b')).breaks(lab)).rejects.toThrow('no: some does b')
  expect(seen).toEqual(['some does a', 'undoes a', 'settles'])
})

it('gives what undoes all that is left where undoing fails, too, with the first error', async () => {
  const { seen, lab, doing, fail, mend } = world()
  fail('some does c')
  fail('undoes b')
  const error = await defineBreak('some', 'says', doing('a'), doing('b'), doing('c')).breaks(lab).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ message: 'no: some does c; and what was done could not be undone: no: undoes b' })
  expect(seen).toEqual(['some does a', 'some does b'])
  mend()
  await (error as LeftBroken).undo()
  expect(seen.slice(2)).toEqual(['undoes b', 'undoes a', 'settles'])
})

it('undoes what a thing left broken itself', async () => {
  const { seen, lab, doing, fail, mend } = world()
  fail('undoes half')
  const half: Doing = async controls => { throw new LeftBroken(new Error('half'), new Error('no'), await doing('half')(controls)) }
  const error = await defineBreak('some', 'says', doing('a'), half).breaks(lab).catch((thrown: unknown) => thrown)
  mend()
  await (error as LeftBroken).undo()
  expect(seen.slice(-3)).toEqual(['undoes half', 'undoes a', 'settles'])
})

function world () {
  const [seen, failing]: [string[], Set<string>] = [[], new Set()]
  const does = async (what: string): Promise<void> => {
    if (failing.has(what)) throw new Error(`no: ${what}`)
    seen.push(what)
  }
  return {
    seen,
    lab: { world: { controls: { settle: async () => { await does('settles') } } } } as unknown as Lab,
    doing: (what: string) => async ({ by }: { by: string }) => {
      await does(`${by} does ${what}`)
      return async () => { await does(`undoes ${what}`) }
    },
    fail: (what: string) => { failing.add(what) },
    mend: () => { failing.clear() },
  }
}
