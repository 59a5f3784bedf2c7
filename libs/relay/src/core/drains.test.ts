import { expect, it } from 'vitest'
import { createDrains, effective, wishesOf } from './drains.ts'
import { assignmentOf, fakeClock } from './test-support/made.ts'

it('finishes what there is, then closes, and says how far it has come', () => {
  const { drains, engine, pass, said } = made({ queued: 3, streams: 2 })
  drains.follow([{ scope: 'zone outside', selection: { zone: 'outside' }, seconds: 30 }])
  pass(5000)
  expect([engine.closed, drains.view()[0]]).toEqual([0, expect.objectContaining({ scope: 'zone outside', queued: 3, streams: 2, done: false })])
  engine.queued = 0
  pass(1000)
  expect(engine.closed).toBeGreaterThan(0)
  expect(drains.isOver('zone outside')).toBe(false)
  engine.streams = 0
  pass(400)
  expect([drains.isOver('zone outside'), engine.returned, engine.over]).toEqual([true, 0, ['zone outside']])
  expect(said.at(-1)).toBe('0 0 true')
})

it('returns what is left at the deadline, and waits for streams no longer than ten seconds after', () => {
  const { drains, engine, pass } = made({ queued: 3, streams: 1 })
  drains.follow([{ scope: 'gateway', selection: {}, seconds: 10 }])
  pass(9800)
  expect(engine.returned).toBe(0)
  pass(400)
  expect([engine.returned, drains.isOver('gateway')]).toEqual([3, false])
  pass(10_200)
  expect(drains.isOver('gateway')).toBe(true)
})

it('begins once, ends with the wish, and is in a hurry when it becomes a stop', () => {
  const { drains, engine, pass } = made({ queued: 1, streams: 0 })
  drains.follow([{ scope: 'gateway', selection: {}, seconds: 30 }])
  pass(1000)
  drains.follow([{ scope: 'gateway', selection: {}, seconds: 0 }])
  pass(200)
  expect([engine.returned, drains.isOver('gateway')]).toEqual([1, true])
  drains.follow([])
  expect([drains.view(), drains.isOver('gateway')]).toEqual([[], false])
})

it('reads from a configuration what is to drain', () => {
  const assignment = assignmentOf({ spec: { desired: 'stopped', drainSeconds: 7, peers: { 'a.example': 'draining', 'b.example': 'held' }, pairs: { 'inside.example c.example': 'draining' } } })
  expect(wishesOf(assignment)).toEqual([
    { scope: 'gateway', selection: {}, seconds: 0 }, { scope: 'peer a.example', selection: { peer: 'a.example' }, seconds: 7 },
    { scope: 'pair inside.example c.example', selection: { ours: 'inside.example', peer: 'c.example' }, seconds: 7 },
  ])
  expect(effective(assignment).spec.zones?.map(({ desired }) => desired)).toEqual(['draining', 'draining'])
  expect(effective(assignmentOf()).spec.zones?.map(({ desired }) => desired)).toEqual(['running', 'running'])
})

function made (start: { queued: number, streams: number }) {
  const clock = fakeClock()
  const engine = { ...start, returned: 0, closed: 0, over: [] as string[] }
  const said: string[] = []
  const drains = createDrains(clock, {
    left: () => ({ queued: engine.queued, streams: engine.streams }),
    returnAll: () => {
      engine.returned += engine.queued
      engine.queued = 0
    },
    close: () => { engine.closed++ },
    over: ({ scope }) => engine.over.push(scope),
    progress: ({ queued, streams, done }) => said.push(`${queued} ${streams} ${done}`),
  })
  return {
    drains, engine, said,
    pass: (ms: number) => {
      for (let left = ms; left > 0; left -= 200) {
        clock.pass(Math.min(200, left))
        drains.tick()
      }
    },
  }
}
