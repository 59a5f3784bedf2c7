import { expect, it } from 'vitest'
import { createBudget, type KeptBudget } from './budget.ts'

const MINUTE = 60_000

it('forgets what is more than an hour old, and no sooner', () => {
  const { budget, clock } = made()
  budget.add('a.example', 10)
  clock.pass(59 * MINUTE)
  expect(budget.used('a.example')).toBe(10)
  clock.pass(7 * MINUTE)
  expect(budget.used('a.example')).toBe(0)
})

it('says how long to wait until it fits, and then it does', () => {
  const { budget, clock } = made()
  budget.add('a.example', 50)
  clock.pass(30 * MINUTE)
  budget.add('a.example', 48)
  const wait = budget.waitMs('a.example', 3)
  expect(wait).toBeGreaterThan(29 * MINUTE)
  expect(wait).toBeLessThanOrEqual(36 * MINUTE)
  clock.pass(wait)
  expect(budget.waitMs('a.example', 3)).toBe(0)
  expect(budget.waitMs('b.example', 100)).toBe(0)
})

it('lets a check through that alone is more than the budget, when nothing else was made', () => {
  const { budget } = made()
  expect(budget.waitMs('a.example', 1000)).toBe(0)
  budget.add('a.example', 1000)
  expect(budget.waitMs('a.example', 1000)).toBeGreaterThan(0)
})

it('counts for an hour what another agent has said that it made, and does not say it again', () => {
  const { budget, clock } = made()
  budget.heed('two', [{ domain: 'a.example', connections: 10 }])
  budget.heed('two', [{ domain: 'a.example', connections: 60 }])
  budget.heed('three', [{ domain: 'a.example', connections: 30 }, { domain: 'b.example', connections: -5 }])
  budget.add('a.example', 5)
  expect([budget.used('a.example'), budget.used('b.example')]).toEqual([95, 0])
  expect(budget.top(5)).toEqual([{ domain: 'a.example', connections: 5, of: 100 }])
  expect(budget.save(() => true)['a.example']).toHaveLength(1)
  const wait = budget.waitMs('a.example', 50)
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(65 * MINUTE)
  clock.pass(60 * MINUTE)
  expect(budget.used('a.example')).toBeLessThanOrEqual(5)
  budget.heed('two', [{ domain: 'c.example', connections: 99 }])
  clock.pass(30 * MINUTE)
  expect(budget.waitMs('c.example', 2)).toBe(30 * MINUTE)
})

it('survives a restart, in a process that has just begun', () => {
  const { budget, clock } = made()
  budget.add('a.example', 20)
  budget.add('gone.example', 5)
  clock.pass(10 * MINUTE)
  budget.add('a.example', 30)
  const kept = JSON.parse(JSON.stringify(budget.save(domain => domain !== 'gone.example'))) as ReturnType<typeof budget.save>
  for (const elapsed of [0, 2, 7 * MINUTE, clock.elapsed()]) {
    const later = made({ now: clock.now(), elapsed, kept })
    expect(later.budget.top(5)).toEqual([{ domain: 'a.example', connections: 50, of: 100 }])
    later.clock.pass(49 * MINUTE)
    expect(later.budget.used('a.example')).toBe(50)
    later.clock.pass(11 * MINUTE)
    expect(later.budget.used('a.example')).toBe(30)
    later.clock.pass(10 * MINUTE)
    expect(later.budget.used('a.example')).toBe(0)
  }
})

it('neither makes room nor takes it for ever when the clock is set', () => {
  for (const hours of [-24, 24]) {
    const { budget, clock } = made()
    budget.add('a.example', 50)
    clock.set(hours * 60 * MINUTE)
    expect(budget.used('a.example')).toBe(50)
    budget.add('a.example', 50)
    const wait = budget.waitMs('a.example', 1)
    expect(wait).toBeLessThanOrEqual(65 * MINUTE)
    clock.pass(wait)
    expect(budget.used('a.example')).toBe(0)
  }
})

it('takes what a clock that was ahead has written as if it were of now', () => {
  const before = made()
  before.clock.set(24 * 60 * MINUTE)
  before.budget.add('a.example', 50)
  const { budget, clock } = made({ kept: before.budget.save(() => true) })
  expect(budget.used('a.example')).toBe(50)
  clock.pass(65 * MINUTE)
  expect(budget.used('a.example')).toBe(0)
})

function made ({ now = 1_750_000_000_000, elapsed = 90 * MINUTE, kept = {} }: { now?: number, elapsed?: number, kept?: KeptBudget } = {}) {
  const clock = { now: () => now, elapsed: () => elapsed, pass: (ms: number) => { now += ms; elapsed += ms }, set: (by: number) => { now += by } }
  return { clock, budget: createBudget({ clock, limit: 100, kept }) }
}
