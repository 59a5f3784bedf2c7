import { expect, it } from 'vitest'
import { layer } from './layer.ts'
import type { LeftBroken } from './undo.ts'

it('is what was laid, and then what it was', async () => {
  const { seen, it } = recorded()
  const lift = await it.lay('a', 'first')
  expect(it.current()).toBe('first')
  await lift()
  const other = await it.lay('b', 'second')
  await lift() // done: it takes nothing of another away
  expect(it.current()).toBe('second')
  await other()
  expect([it.current(), seen]).toEqual(['base', ['first', 'base', 'second', 'base']])
})

it('is changed by one break at a time: the second is refused with the name of the first', async () => {
  const { seen, it } = recorded()
  await it.lay('pat', 'first')
  await expect(it.lay('secrets', 'second')).rejects.toThrow("'secrets' changes what 'pat' has changed; heal 'pat' first")
  expect([it.current(), seen]).toEqual(['first', ['first']])
})

it('is what it was where a value cannot be put in force', async () => {
  const { seen, it } = recorded(value => value === 'bad')
  await expect(it.lay('a', 'bad')).rejects.toThrow('no bad')
  expect([it.current(), seen]).toEqual(['base', ['base']])
  await it.lay('b', 'good')
})

it('can be taken away again where that failed, and is not free meanwhile', async () => {
  let failing = false
  const { seen, it } = recorded(() => failing)
  const lift = await it.lay('a', 'first')
  failing = true
  await expect(lift()).rejects.toThrow('no base')
  failing = false
  await expect(it.lay('b', 'second')).rejects.toThrow("heal 'a' first")
  await lift()
  await lift()
  expect(seen).toEqual(['first', 'base'])
})

it('gives what puts the base back where neither the value nor the base could be put in force', async () => {
  let failing = true
  const { seen, it } = recorded(() => failing)
  const error = await it.lay('a', 'first').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ message: 'no first; and what was done could not be undone: no base' })
  failing = false
  await (error as LeftBroken).undo()
  expect(seen).toEqual(['base'])
  await it.lay('b', 'second')
})

function recorded (fails: (value: string) => boolean = () => false) {
  const seen: string[] = []
  return {
    seen,
    it: layer('base', async value => {
      if (fails(value)) throw new Error(`no ${value}`)
      seen.push(value)
    }),
  }
}
