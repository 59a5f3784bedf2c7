import { expect, it } from 'vitest'
import { createBudget } from './budget.ts'

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

it('survives a restart, and a clock that is set back makes no room', () => {
  const { budget, clock } = made()
  budget.add('a.example', 20)
  budget.add('gone.example', 5)
  clock.pass(10 * MINUTE)
  budget.add('a.example', 30)
  const kept = JSON.parse(JSON.stringify(budget.save(domain => domain !== 'gone.example'))) as ReturnType<typeof budget.save>
  const again = createBudget({ clock, limit: 100, kept })
  expect(again.top(5)).toEqual([{ domain: 'a.example', connections: 50, of: 100 }])
  clock.pass(-120 * MINUTE)
  expect(budget.used('a.example')).toBe(50)
})

function made () {
  let now = 1_750_000_000_000
  const clock = { now: () => now, elapsed: () => now, pass: (ms: number) => { now += ms } }
  return { clock, budget: createBudget({ clock, limit: 100 }) }
}
