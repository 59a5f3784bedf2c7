import { expect, it } from 'vitest'
import * as fc from 'fast-check'
import type { DnsAnswer, DnsRecord } from '@dialtone/contracts'
import { predictedOrders, srvOrder } from './srv-order.ts'

it('keeps every record once, by priority, whatever the lots are', () => {
  fc.assert(fc.property(fc.array(fc.record({ priority: fc.nat(3), weight: fc.oneof(fc.constant(0), fc.nat(65_535)), id: fc.nat() }), { maxLength: 12 }), fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true })), (records, lots) => {
    const order = srvOrder(records, () => lots.next().value)
    expect(order.toSorted(byId)).toEqual(records.toSorted(byId))
    expect(order.map(({ priority }) => priority)).toEqual(order.map(({ priority }) => priority).toSorted((a, b) => a - b))
  }))
})

it('draws in proportion to the weights', () => {
  const first = count(10_000, [record(10), record(30), record(60)])
  expect(first.get(10)! / 10_000).toBeCloseTo(0.1, 1)
  expect(first.get(30)! / 10_000).toBeCloseTo(0.3, 1)
  expect(first.get(60)! / 10_000).toBeCloseTo(0.6, 1)
})

it('leaves weight 0 a small chance beside others, and an even one among its like', () => {
  const beside = count(10_000, [record(0), record(99)])
  expect(beside.get(0)).toBeGreaterThan(50)
  expect(beside.get(0)).toBeLessThan(200)
  const even = new Map<string, number>()
  const random = seeded()
  for (let i = 0; i < 9000; i++) {
    const [first] = srvOrder(['a', 'b', 'c'].map(name => ({ priority: 0, weight: 0, name })), random)
    even.set(first?.name ?? '', (even.get(first?.name ?? '') ?? 0) + 1)
  }
  for (const name of ['a', 'b', 'c']) expect(even.get(name)! / 9000).toBeCloseTo(1 / 3, 1)
})

it('predicts that Prosody exhausts direct TLS first, and that Openfire ends with the domain itself', () => {
  const orders = Object.fromEntries(predictedOrders('a.example', [answer('xmpp-server', srv('x.example', 5269, 0), srv('w.example', 5269, 10)), answer('xmpps-server', srv('y.example', 5270, 5)), answer('legacy-jabber', srv('z.example', 5269, 20))])
    .map(({ server, tries }) => [server, tries.map(group => group.map(({ target }) => target).join('|'))]))
  expect(orders).toEqual({
    standard: ['x.example', 'y.example', 'w.example'],
    prosody: ['y.example', 'x.example', 'w.example'],
    ejabberd: ['x.example', 'y.example', 'w.example'],
    openfire: ['x.example', 'y.example', 'w.example', 'z.example', 'a.example'],
  })
})

it('predicts one group for equal priorities', () => {
  expect(predictedOrders('a.example', [answer('xmpp-server', srv('x.example', 5269, 0), srv('y.example', 5269, 0))])[0]?.tries).toHaveLength(1)
})

function count (rounds: number, records: readonly { priority: number, weight: number }[]): Map<number, number> {
  const random = seeded()
  const first = new Map<number, number>()
  for (let i = 0; i < rounds; i++) {
    const weight = srvOrder(records, random)[0]?.weight ?? -1
    first.set(weight, (first.get(weight) ?? 0) + 1)
  }
  return first
}

function record (weight: number): { priority: number, weight: number } {
  return { priority: 0, weight }
}

/** Numerical Recipes' linear congruential generator: the same lots in every run. */
function seeded (): () => number {
  let state = 1
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32
}

function byId (a: { id: number, priority: number, weight: number }, b: { id: number, priority: number, weight: number }): number {
  return a.id - b.id || a.priority - b.priority || a.weight - b.weight
}

function srv (target: string, port: number, priority: number): DnsRecord {
  return { type: 'SRV', ttl: 60, priority, weight: 0, port, target }
}

function answer (purpose: DnsAnswer['purpose'], ...records: DnsRecord[]): DnsAnswer {
  return { name: 'q.example', type: 'SRV', purpose, resolver: '192.0.2.53:53', outcome: 'answer', transport: 'udp', atMs: 0, ms: 1, authenticated: false, records, aliases: [], extended: [] }
}
