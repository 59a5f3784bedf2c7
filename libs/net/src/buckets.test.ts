import { expect, it } from 'vitest'
import { createBuckets } from './buckets.ts'
import { hostOf, networkOf } from './origin.ts'
import { createSparing } from './sparing.ts'

function clockAt (ms: number): { clock: { now: () => number, elapsed: () => number }, pass: (ms: number) => void } {
  let at = ms
  return { clock: { now: () => at, elapsed: () => at }, pass: more => { at += more } }
}

it('gives a burst, then so many a second, to each address', () => {
  const { clock, pass } = clockAt(0)
  const { take } = createBuckets({ burst: 3, perSecond: 2 }, clock)
  const taken = (count: number) => Array.from({ length: count }, () => take('a')).filter(Boolean).length
  expect(taken(10)).toBe(3)
  expect(take('b')).toBe(true)
  pass(1000)
  expect(taken(10)).toBe(2)
  pass(3_600_000)
  expect(taken(10)).toBe(3)
})

it('gives nothing for trying again at once', () => {
  const { clock, pass } = clockAt(0)
  const { take } = createBuckets({ burst: 1, perSecond: 1 }, clock)
  expect(take('a')).toBe(true)
  for (let at = 0; at < 9; at++) {
    pass(100)
    expect(take('a')).toBe(false)
  }
  pass(100.001)
  expect(take('a')).toBe(true)
})

it('forgets who was quiet longest, and keeps who is not', () => {
  const { clock } = clockAt(0)
  const { take } = createBuckets({ burst: 2, perSecond: 0, most: 3 }, clock)
  for (const address of ['a', 'b', 'c', 'a']) take(address)
  take('d')
  expect(take('a')).toBe(false) // known: both tokens are gone
  expect(take('b')).toBe(true) // forgotten
})

it('tells the first ten of a minute, then their number at 11, 110, 1100', () => {
  const { clock, pass } = clockAt(0)
  const { count } = createSparing(clock)
  const told = Array.from({ length: 2000 }, () => count('a'))
  expect(told.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'tell'))
  expect(told.filter(each => typeof each === 'number')).toEqual([11, 110, 1100])
  expect(count('b')).toBe('tell')
  pass(60_001)
  expect(count('a')).toBe('tell')
})

it('counts a bounded number of networks', () => {
  const { clock } = clockAt(0)
  const { count } = createSparing(clock, 100)
  for (let at = 0; at < 11; at++) count('first')
  for (let at = 0; at < 100; at++) count(`n${at}`)
  expect(count('first')).toBe('tell')
})

it('knows one host by any spelling, and one network by any of its addresses', () => {
  expect(new Set(['2001:db8::1', '2001:DB8:0:0::1', '2001:db8:0:0:0:0:0:1'].map(hostOf)).size).toBe(1)
  expect(hostOf('::ffff:192.0.2.1')).toBe(hostOf('192.0.2.1'))
  expect(networkOf('2001:db8::1')).toBe(networkOf('2001:db8::ffff:ffff:ffff:ffff'))
  expect(new Set(['2001:db8::1', '2001:db8:0:1::1', '192.0.2.1', '192.0.2.2'].map(networkOf)).size).toBe(4)
  expect(networkOf('nonsense')).toBe('nonsense')
})
