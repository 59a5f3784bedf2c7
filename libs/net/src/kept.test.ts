import { expect, it } from 'vitest'
import { createKept } from './kept.ts'

it('forgets what was used longest ago, by number', () => {
  const kept = createKept<number>({ most: 2 })
  kept.set('a', 1)
  kept.set('b', 2)
  expect(kept.get('a')).toBe(1)
  kept.set('c', 3)
  expect([kept.get('a'), kept.get('b'), kept.get('c'), kept.size]).toEqual([1, undefined, 3, 2])
})

it('forgets by weight, and does not keep what is heavier than everything may be', () => {
  const kept = createKept<number>({ most: 100, weight: 10 })
  kept.set('a', 1, 4)
  kept.set('b', 2, 4)
  kept.set('c', 3, 4)
  expect([kept.get('a'), kept.weight, kept.size]).toEqual([undefined, 8, 2])
  kept.set('d', 4, 11)
  expect([kept.get('d'), kept.weight, kept.size]).toEqual([undefined, 8, 2])
  kept.set('b', 5, 1)
  expect([kept.get('b'), kept.weight, kept.size]).toEqual([5, 5, 2])
})
