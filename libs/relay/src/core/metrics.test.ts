import type { Labels, Meter, Metric } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { measuring } from './metrics.ts'
import { FakeSource, made, message } from './test-support/made.ts'

const OUT = { from: 'inside.example', to: 'peer.example' }

it('measures how long stanzas wait and take, a few of them', async () => {
  const { meter, seen } = kept()
  const { core, dialings, clock, pass } = made({}, { meter })
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(message('u@inside.example', 'v@peer.example', 1))
  clock.pass(3000)
  const stream = await dialings[0]!.succeed()
  expect(seen('dialtone_gateway_queue_wait_seconds')).toEqual([3])
  await pass(200)
  const before = seen('dialtone_gateway_relay_seconds').length
  const flush = stream.flush.bind(stream)
  stream.flush = () => {
    clock.pass(2)
    flush()
  }
  for (let id = 2; id < 10; id++) source.send(message('u@inside.example', 'v@peer.example', id))
  expect(stream.received).toHaveLength(9)
  expect(seen('dialtone_gateway_relay_seconds').slice(before)).toEqual([0.002])
})

it('counts what policies decide about pairs, not about stanzas, and says when the next one ends', async () => {
  const { meter, value } = kept()
  const clock = made().clock
  const until = (seconds: number) => new Date(clock.now() + seconds * 1000).toISOString()
  const { core, pass, configure } = made({ policies: { no: { ours: '*', peer: 'denied.example', action: 'deny', until: until(60) }, only: { ours: '*', peer: 'counted.example', action: 'shadow-deny', until: until(3600) } } }, { meter })
  const measure = measuring(core, meter)
  const source = new FakeSource(core, 'inside')
  for (const peer of ['denied.example', 'counted.example', 'peer.example', 'other.example']) {
    source.lane({ from: 'inside.example', to: peer })
    for (let id = 0; id < 5; id++) source.send(message('u@inside.example', `v@${peer}`, id))
  }
  measure()
  const decided = (action: string, shadow: string) => value('dialtone_gateway_policy_decisions_total', { action, shadow })
  expect([decided('allow', 'no'), decided('allow', 'yes'), decided('deny', 'no')]).toEqual([2, 1, 1])
  expect(value('dialtone_gateway_policy_ends_seconds')).toBeCloseTo(60)
  await pass(61_000)
  measure()
  expect(value('dialtone_gateway_policy_ends_seconds')).toBeCloseTo(3539)
  configure({})
  measure()
  expect(value('dialtone_gateway_policy_ends_seconds')).toBeUndefined()
})

it('R7: has as many series whoever sends, and from wherever', () => {
  const { meter, series } = kept()
  const { core } = made({}, { meter })
  const measure = measuring(core, meter)
  const source = new FakeSource(core, 'inside')
  const talk = (peer: string) => {
    source.lane({ from: 'inside.example', to: peer })
    source.send(message('u@inside.example', `v@${peer}`, 1))
  }
  talk('peer.example')
  measure()
  const before = series()
  for (let number = 0; number < 2000; number++) talk(`p${number}.example`)
  measure()
  expect(series()).toEqual(before)
})

/** Keeps what is counted, by series. */
function kept () {
  const values = new Map<string, number>()
  const observed: { name: string, value: number }[] = []
  const id = ({ name }: Pick<Metric, 'name'>, labels: Labels = {}) => `${name} ${Object.entries(labels).map(entry => entry.join('=')).toSorted().join(' ')}`
  const meter: Meter = {
    add: (metric, labels, by = 1) => { values.set(id(metric, labels), (values.get(id(metric, labels)) ?? 0) + by) },
    set: (metric, labels, value) => { values.set(id(metric, labels), value) },
    observe: ({ name }, _, value) => { observed.push({ name, value }) },
    remove: (metric, labels) => { values.delete(id(metric, labels)) },
  }
  return {
    meter,
    seen: (name: string) => observed.filter(one => one.name === name).map(({ value }) => value),
    value: (name: string, labels?: Labels) => values.get(id({ name }, labels)),
    series: () => [...values.keys()].toSorted(),
  }
}
