import { describe, expect, it } from 'vitest'
import { createBudget } from './budget.ts'
import { paceOf } from './pace.ts'
import { createSchedule, type Plan } from './schedule.ts'
import { owners, share, shareKey } from './share.ts'

const DOMAINS = Array.from({ length: 10_000 }, (_, at) => `d${at}.partner.example`)
const AGENTS = Array.from({ length: 50 }, (_, at) => `agent-${at}`)

describe('fifty agents and ten thousand domains', () => {
  it('share all of it, nothing twice, about evenly, whatever order they see each other in', () => {
    const targets = DOMAINS.map(domain => `peer:${domain}:ours.example`)
    const owned = new Map<string, string>()
    for (const me of AGENTS) {
      const mine = share(targets, AGENTS.toReversed(), me)
      expect(mine.length).toBeGreaterThan(130)
      expect(mine.length).toBeLessThan(280)
      for (const target of mine) {
        expect(owned.has(target)).toBe(false)
        owned.set(target, me)
      }
    }
    expect(owned.size).toBe(10_000)
  })

  it('move no more than they must when one goes or comes', () => {
    const before = owners(DOMAINS, AGENTS)
    const without = owners(DOMAINS, AGENTS.slice(1))
    for (const domain of DOMAINS) if (before.get(domain) !== 'agent-0') expect(without.get(domain)).toBe(before.get(domain))
    const more = owners(DOMAINS, [...AGENTS, 'agent-new'])
    const moved = DOMAINS.filter(domain => more.get(domain) !== before.get(domain))
    for (const domain of moved) expect(more.get(domain)).toBe('agent-new')
    expect(moved.length).toBeLessThan(300) // 196 are its fair share
  })

  it('own each domain once a presence period after any joins and leaves, as a simulation with late news shows', () => {
    const random = numbers(7)
    /** What each live agent believes of who is there, and what it has not heard yet. */
    const views = new Map<string, Set<string>>(AGENTS.map(me => [me, new Set(AGENTS)]))
    for (let round = 0; round < 12; round++) {
      const leaving = [...views.keys()].filter(() => random() < 0.1).slice(0, 10)
      for (const name of leaving) views.delete(name)
      const joining = Array.from({ length: Math.floor(5 * random()) }, (_, at) => `late-${round}-${at}`)
      const live = [...views.keys(), ...joining]
      // A period later all have heard, each in an order of its own.
      for (const name of joining) views.set(name, new Set())
      for (const [me, view] of views) {
        view.add(me)
        for (const name of live.toSorted(() => random() - 0.5)) view.add(name)
        for (const name of view) if (!live.includes(name)) view.delete(name)
      }
      const count = new Map<string, number>()
      for (const [me, view] of views) {
        for (const [domain, owner] of owners(DOMAINS, [...view])) if (owner === me) count.set(domain, (count.get(domain) ?? 0) + 1)
      }
      expect(count.size).toBe(DOMAINS.length)
      expect([...count.values()].every(times => times === 1)).toBe(true)
    }
  })
})

it('shares by domain: all that is asked of one is asked by one agent', () => {
  expect(['peer:a.example:ours.example', 'control:a.example', 'own-published:a.example'].map(shareKey)).toEqual(['a.example', 'a.example', 'a.example'])
})

describe('handing over', () => {
  const PERIOD = 5
  const pace = paceOf({})
  const wanted: Plan[] = DOMAINS.slice(0, 400).map(domain => ({ id: `peer:${domain}`, domain, pace }))

  it('checks nothing twice, and leaves nothing out for longer than the interval and two presence periods', () => {
    const clock = fakeClock()
    const random = numbers(3)
    const budget = createBudget({ clock, limit: 100_000 })
    const checks = new Map<string, number[]>(wanted.map(({ id }) => [id, []]))
    type News = { at: number, name: string, on: 'joined' | 'gone' }
    type Agent = { schedule: ReturnType<typeof createSchedule>, knows: Set<string>, news: News[] }
    const agents = new Map<string, Agent>()
    /** Whose presence is to be seen: that of one that died until two periods after. */
    const present = new Map<string, number>()
    const settle = (name: string, { schedule, knows }: Agent, first: boolean) => {
      const owned = owners(wanted.map(({ domain }) => domain), [...knows])
      const alone = first && knows.size === 1
      schedule.assign(wanted, ({ domain }) => owned.get(domain) === name, { fresh: alone, graceMs: alone ? 0 : 1000 * PERIOD })
    }
    const tell = (news: Omit<News, 'at'>, at: () => number) => { for (const agent of agents.values()) agent.news.push({ ...news, at: at() }) }
    const join = (name: string, at: number) => {
      tell({ name, on: 'joined' }, () => at + PERIOD * random())
      present.set(name, Infinity)
      const agent: Agent = { schedule: createSchedule({ clock, random, budget, salt: 'outside' }), knows: new Set([...present].filter(([, until]) => until > at).map(([each]) => each)), news: [...present].filter(([, until]) => until < Infinity && until > at).map(([each, until]) => ({ at: until, name: each, on: 'gone' })) }
      agents.set(name, agent)
      settle(name, agent, true)
    }
    const die = (name: string, at: number) => {
      agents.delete(name)
      present.set(name, at + 2 * PERIOD)
      tell({ name, on: 'gone' }, () => at + 2 * PERIOD)
    }
    const events: Record<number, (at: number) => void> = {
      0: at => join('a', at), 130: at => join('b', at), 200: at => { join('c', at); join('d', at) }, 330: at => die('b', at), 420: at => { die('a', at); join('e', at) }, 600: at => die('c', at),
    }
    for (let second = 0; second < 900; second += 0.5) {
      events[second]?.(second)
      for (const [name, agent] of agents) {
        const heard = agent.news.filter(({ at }) => at <= second)
        agent.news = agent.news.filter(({ at }) => at > second)
        for (const { on, name: other } of heard) agent.knows[on === 'joined' ? 'add' : 'delete'](other)
        if (heard.length > 0) settle(name, agent, false)
        for (const { id } of agent.schedule.take(1000)) {
          checks.get(id)?.push(second)
          agent.schedule.done(id, { deep: false, outline: 'up', troubled: false, refused: false, connections: 1 })
        }
      }
      clock.pass(0.5)
    }
    const gaps = [...checks.values()].flatMap(times => times.slice(2).map((at, index) => at - (times[index + 1] ?? 0)))
    expect(gaps.length).toBeGreaterThan(400 * 10)
    expect(Math.min(...gaps)).toBeGreaterThan(25)
    // Two intervals: one that its owner was to make and did not live to, and two periods until that was known.
    expect(Math.max(...gaps)).toBeLessThan(2 * 60 + 6 + 2 * PERIOD)
  })
})

function fakeClock () {
  let elapsed = 0
  return { now: () => 1_750_000_000_000 + elapsed, elapsed: () => elapsed, pass: (seconds: number) => { elapsed += 1000 * seconds } }
}

function numbers (seed: number): () => number {
  let state = seed
  return () => { state = (state * 48_271) % 2_147_483_647; return state / 2_147_483_647 }
}
