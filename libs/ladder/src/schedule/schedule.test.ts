import { describe, expect, it } from 'vitest'
import { createBudget } from './budget.ts'
import { paceOf } from './pace.ts'
import { createSchedule, type Due, type Outcome, type Plan, type Schedule } from './schedule.ts'

const HOUR = 3600
const FINE: Outcome = { deep: false, outline: 'up', troubled: false, refused: false, connections: 3 }

describe('the interval', () => {
  it('is kept by each of a thousand targets, and they are spread over it', () => {
    const run = simulate(plans(1000), { seconds: 600 })
    const times = run.of('peer:d7.example')
    expect(times.length).toBeGreaterThanOrEqual(9)
    expect(times.length).toBeLessThanOrEqual(12)
    for (const at of times.slice(2)) expect(at - (times[times.indexOf(at) - 1] ?? 0)).toBeGreaterThan(50)
    const perSecond = Array.from({ length: 300 }, (_, second) => run.all.filter(({ at }) => Math.floor(at) === 200 + second).length)
    expect(Math.max(...perSecond)).toBeLessThan(45) // 17 on average
    expect(run.schedule.counts()).toEqual({ mine: 1000, all: 1000, failing: 0, overdue: 0 })
  })

  it('is shorter while it fails, until it has failed for long', () => {
    const run = simulate(plans(1), { seconds: 2 * HOUR, outcome: () => ({ ...FINE, troubled: true, connections: 1 }) })
    const times = run.of('peer:d0.example')
    const within = (from: number, to: number) => times.filter(at => at >= from && at < to).length
    expect(within(0, 600)).toBeGreaterThan(25)
    expect(within(HOUR, HOUR + 600)).toBeLessThan(12)
    expect(run.schedule.counts().failing).toBe(1)
  })

  it('is shorter after a change, until that is confirmed', () => {
    const run = simulate(plans(1), { seconds: 600, outcome: (_, at) => ({ ...FINE, outline: at < 200 ? 'one way' : 'another' }) })
    const times = run.of('peer:d0.example').filter(at => at > 200)
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    expect(gaps.slice(0, 2).every(gap => gap < 23)).toBe(true)
    expect(gaps.slice(3).every(gap => gap > 30)).toBe(true)
  })
})

describe('deep checks', () => {
  const deep = (run: ReturnType<typeof simulate>) => run.all.filter(due => due.deep).map(({ at }) => at)

  it('come at first sight, and then at their own interval', () => {
    const times = deep(simulate(plans(1, { pair: true }), { seconds: 4 * HOUR }))
    expect(times[0]).toBeLessThan(2)
    expect(times.length).toBeGreaterThanOrEqual(8)
    expect(times.length).toBeLessThanOrEqual(10)
  })

  it('follow a change at once', () => {
    const times = deep(simulate(plans(1, { pair: true }), { seconds: 1000, outcome: ({ deep }, at) => ({ ...FINE, deep, outline: at < 500 ? 'one way' : 'another' }) })).filter(at => at > 500)
    expect(times[0]).toBeLessThan(565)
  })

  it('stay out of the retry window of a peer that refused us', () => {
    const times = deep(simulate(plans(1, { pair: true }), { seconds: HOUR, outcome: ({ deep }) => ({ ...FINE, deep, troubled: deep, refused: deep }) }))
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    expect(gaps.length).toBeGreaterThan(5)
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(300)
  })

  it('are one at a time for one pair, and light checks go on meanwhile', () => {
    const two = plans(2, { pair: true }).map(plan => ({ ...plan, pair: 'the same' }))
    const { schedule, clock } = scheduleOf(two)
    clock.pass(2)
    const first = schedule.take(10)
    expect(first.filter(({ deep }) => deep)).toHaveLength(1)
    expect(first).toHaveLength(2)
    expect(schedule.claim(first.find(({ deep }) => !deep)?.id ?? '', true)).toMatchObject({ why: 'running' })
  })

  it('out of turn are few at once, whatever happens to all', () => {
    const run = simulate(plans(500, { pair: true }), { seconds: 30 })
    expect(deep(run).length).toBeLessThan(20 + 2 * 30 + 15)
    // And yet nobody waits for its turn, half an hour away.
    expect(deep(simulate(plans(100, { pair: true }), { seconds: 60 })).length).toBeGreaterThanOrEqual(100)
  })
})

describe('the budget of a domain', () => {
  it('is never overdrawn, slows checks down before that, and is told', () => {
    const run = simulate(plans(1), { seconds: 3 * HOUR, limit: 60 })
    for (let from = 0; from <= 2 * HOUR; from += 60) {
      const spent = 3 * run.all.filter(({ at }) => at >= from && at < from + HOUR).length
      expect(spent).toBeLessThanOrEqual(60)
    }
    const last = run.all.filter(({ at }) => at > 2 * HOUR)
    expect(last.length).toBeGreaterThan(5)
    expect(run.budget.top(5)[0]).toMatchObject({ domain: 'd0.example', of: 60 })
  })

  it('puts off checks that cost more than was expected, and counts that', () => {
    const { schedule, clock, budget } = scheduleOf(plans(1), { limit: 10 })
    budget.add('d0.example', 9)
    clock.pass(2)
    expect(schedule.take(1)).toEqual([])
    expect(schedule.putOff).toBe(1)
    expect(schedule.claim('peer:d0.example', false)).toMatchObject({ why: 'budget' })
  })
})

describe('what an operator asks for', () => {
  it('runs at once, but not in the retry window, and not what is unknown', () => {
    const { schedule, clock } = scheduleOf(plans(1, { pair: true }))
    expect(schedule.claim('peer:elsewhere.example', false)).toMatchObject({ why: 'unknown' })
    expect(schedule.claim('peer:d0.example', true)).toEqual({ ok: true })
    schedule.done('peer:d0.example', { ...FINE, deep: true, troubled: true, refused: true })
    clock.pass(100)
    expect(schedule.claim('peer:d0.example', true)).toEqual({ why: 'retry-window', retryAfterMs: 200_000 })
    expect(schedule.claim('peer:d0.example', false)).toEqual({ ok: true })
  })

  it('may be a fresh start', () => {
    const { schedule, clock } = scheduleOf(plans(1, { pair: true }))
    schedule.claim('peer:d0.example', true)
    schedule.done('peer:d0.example', { ...FINE, deep: true, troubled: true, refused: true })
    expect(schedule.reset('peer:d0.example')).toBe(1)
    expect(schedule.counts().failing).toBe(0)
    expect(schedule.nextMs()).toBe(0)
    clock.pass(1)
    expect(schedule.claim('peer:d0.example', true)).toEqual({ ok: true })
  })
})

describe('changes while it runs', () => {
  it('keep what is known of targets that stay, and forget those that go', () => {
    const { schedule, clock } = scheduleOf(plans(3))
    clock.pass(2)
    for (const { id } of schedule.take(3)) schedule.done(id, { ...FINE, troubled: id === 'peer:d1.example' })
    const before = schedule.save()['peer:d1.example']
    schedule.assign(plans(5).slice(1), () => true, { fresh: true, graceMs: 0 })
    expect(schedule.save()['peer:d1.example']).toEqual(before)
    expect(Object.keys(schedule.save())).toHaveLength(4)
    expect(schedule.counts()).toMatchObject({ all: 4, failing: 1 })
  })

  it('forget a target that goes while it is checked', () => {
    const { schedule, clock } = scheduleOf(plans(1))
    clock.pass(2)
    expect(schedule.take(1)).toHaveLength(1)
    schedule.assign([], () => true, { fresh: true, graceMs: 0 })
    schedule.done('peer:d0.example', FINE)
    expect(schedule.counts().all).toBe(0)
    expect(schedule.nextMs()).toBeUndefined()
  })

  it('stop what is paused, and go on with it after', () => {
    const { schedule, clock } = scheduleOf(plans(10))
    schedule.assign(plans(10, { paused: true }), () => true, { fresh: true, graceMs: 0 })
    clock.pass(HOUR)
    expect(schedule.take(10)).toEqual([])
    expect(schedule.counts().overdue).toBe(0)
    schedule.assign(plans(10), () => true, { fresh: true, graceMs: 0 })
    clock.pass(70)
    expect(schedule.take(10)).toHaveLength(10)
  })

  it('count as overdue what waits for longer than its interval', () => {
    const { schedule, clock } = scheduleOf(plans(10))
    clock.pass(200)
    expect(schedule.counts().overdue).toBe(10)
  })
})

it('makes no rush after a restart: what was due meanwhile is spread, what was not is checked when it would have been', () => {
  const { schedule, clock, budget } = scheduleOf(plans(1000))
  for (let second = 0; second < 120; second++) {
    clock.pass(1)
    for (const { id } of schedule.take(1000)) schedule.done(id, FINE)
  }
  const kept = JSON.parse(JSON.stringify(schedule.save())) as ReturnType<Schedule['save']>
  clock.pass(5)
  const again = createSchedule({ clock, random: () => 0.5, budget, salt: 'here', kept })
  again.assign(plans(1000), () => true, { fresh: true, graceMs: 0 })
  let ran = 0
  for (let second = 0; second < 65; second++) {
    clock.pass(1)
    const due = again.take(1000)
    ran += due.length
    expect(due.length).toBeLessThan(60)
    for (const { id } of due) again.done(id, FINE)
  }
  expect(ran).toBeGreaterThan(950)
  expect(ran).toBeLessThan(1200)
})

it('a retry window goes with the target to whoever takes it over, and is no longer than ours', () => {
  const [before, after] = [scheduleOf(plans(3, { pair: true })), scheduleOf(plans(3, { pair: true }))]
  for (const { schedule, clock } of [before, after]) {
    clock.pass(1)
    for (const { id, deep } of schedule.take(10)) schedule.done(id, { ...FINE, deep })
    clock.pass(60)
  }
  expect(before.schedule.claim('peer:d0.example', true)).toEqual({ ok: true })
  before.schedule.done('peer:d0.example', { ...FINE, deep: true, troubled: true, refused: true })
  before.clock.pass(100)
  expect(before.schedule.waits(5)).toEqual([{ id: 'peer:d0.example', ms: 200_000 }])
  after.schedule.assign(plans(3, { pair: true }), () => false, { fresh: true, graceMs: 0 })
  for (const { id, ms } of before.schedule.waits(5)) after.schedule.heed(id, ms)
  after.schedule.heed('peer:d1.example', 1e9)
  after.schedule.heed('peer:unknown.example', 1e9)
  expect(after.schedule.waits(5)).toEqual([])
  after.schedule.assign(plans(3, { pair: true }), () => true, { fresh: true, graceMs: 0 })
  expect(after.schedule.claim('peer:d0.example', true)).toEqual({ why: 'retry-window', retryAfterMs: 200_000 })
  expect(after.schedule.claim('peer:d1.example', true)).toEqual({ why: 'retry-window', retryAfterMs: 300_000 })
  expect(after.schedule.claim('peer:d2.example', true)).toEqual({ ok: true })
  expect(after.schedule.waits(1)).toEqual([{ id: 'peer:d1.example', ms: 300_000 }])
})

function plans (count: number, { pair = false, paused = false } = {}): Plan[] {
  const pace = paceOf({}, paused ? 'paused' : 'running')
  return Array.from({ length: count }, (_, at) => ({ id: `peer:d${at}.example`, domain: `d${at}.example`, pace, ...(pair ? { pair: `ours.example d${at}.example` } : {}) }))
}

function scheduleOf (wanted: readonly Plan[], { limit = 1200 } = {}) {
  let elapsed = 0
  const clock = { now: () => 1_750_000_000_000 + elapsed, elapsed: () => elapsed, pass: (seconds: number) => { elapsed += 1000 * seconds } }
  const budget = createBudget({ clock, limit })
  let state = 1
  const random = () => { state = (state * 48_271) % 2_147_483_647; return state / 2_147_483_647 }
  const schedule = createSchedule({ clock, random, budget, salt: 'here' })
  schedule.assign(wanted, () => true, { fresh: true, graceMs: 0 })
  return { schedule, clock, budget }
}

/** Runs everything that is due, each check taking no time. Times are seconds since the start. */
function simulate (wanted: readonly Plan[], { seconds, limit, outcome = due => ({ ...FINE, deep: due.deep }) }: { seconds: number, limit?: number, outcome?: (due: Due, at: number) => Outcome }) {
  const { schedule, clock, budget } = scheduleOf(wanted, limit === undefined ? {} : { limit })
  const all: (Due & { at: number })[] = []
  for (let at = 0; at < seconds; at += 0.5) {
    for (const due of schedule.take(10_000)) {
      all.push({ ...due, at })
      schedule.done(due.id, outcome(due, at))
    }
    clock.pass(0.5)
  }
  return { all, of: (id: string) => all.filter(due => due.id === id).map(({ at }) => at), schedule, budget }
}
