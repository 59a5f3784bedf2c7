import { expect, it } from 'vitest'
import { edited, type Edit } from './edit.ts'
import { resourceSet } from './resource-set.ts'
import { createTurn } from './turn.ts'

it('a turn is over after ten milliseconds, and the next begins when others had theirs', async () => {
  let time = 0
  const turn = createTurn(() => time)
  time = 9
  expect(turn.isOver()).toBe(false)
  time = 10
  expect(turn.isOver()).toBe(true)
  let others = 0
  setImmediate(() => { others++ })
  await turn.next()
  expect([others, turn.isOver()]).toEqual([1, false])
})

it('a change of thousands of resources lets others have their turn', async () => {
  let others = 0
  const beat = () => {
    others++
    next = setImmediate(beat)
  }
  let next = setImmediate(beat)
  const edits = Array.from({ length: 10_000 }, (_, at): Edit => ({ put: { kind: 'Domain', name: `d${at}.example`, spec: { expectedAddresses: ['192.0.2.1'] } } }))
  const { results } = await edited(resourceSet([]), edits, { revision: 1, at: 0, by: 'test' })
  clearImmediate(next)
  expect(results).toHaveLength(10_000)
  expect(others).toBeGreaterThan(1)
})
