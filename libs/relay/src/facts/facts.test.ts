import type { PairFacts } from '@dialtone/contracts'
import { PairFacts as PairFactsSchema } from '@dialtone/contracts/schemas'
import { Value } from 'typebox/value'
import { expect, it } from 'vitest'
import { PairCount } from '../core/pair-count.ts'
import { FakeStream, assignmentOf, fakeClock, seeded, worldOf } from '../core/test-support/made.ts'
import { createFacts } from './facts.ts'

const SIDES = { ours: 'inside.example', peer: 'peer.example' }
const AT = { zone: 'outside', sides: SIDES, remote: '192.0.2.1:40000' }

it('tells of a pair when something has changed, at most once in five seconds, and every ten minutes', () => {
  const { facts, told, pass, clock } = made()
  facts.authenticated({ ...AT, at: clock.now(), by: 'dialback', tls: 'TLSv1.3' })
  facts.tick()
  facts.refused({ ...AT, at: clock.now(), says: 'no\nsuch' })
  pass(4800)
  expect(told.length).toBe(1)
  pass(400)
  expect(told.length).toBe(2)
  expect(told[1]).toMatchObject({ ours: 'inside.example', peer: 'peer.example', inbound: { by: 'dialback', tls: 'TLSv1.3', refusal: 'no\\nsuch' } })
  pass(590_000)
  expect(told.length).toBe(2)
  pass(15_000)
  expect(told.length).toBe(3)
})

it('says that a peer refused our name without having asked for it, and does not where somebody asked', () => {
  const { facts, told, pass, clock } = made()
  const failed = { reason: 'dialback-invalid', says: '', temporary: false, answer: { type: 'invalid' } } as const
  const first = clock.now()
  pass(1000)
  facts.dialed('outside', SIDES, first, { failed })
  pass(6000)
  expect(told.at(-1)?.outbound).toMatchObject({ reason: 'dialback-invalid', refusedUnasked: true })
  const second = clock.now()
  pass(1000)
  facts.asked({ ...AT, at: clock.now(), answer: 'valid' })
  facts.dialed('outside', SIDES, second, { failed })
  pass(6000)
  expect(told.at(-1)).toMatchObject({ asked: { valid: 1, last: 'valid' }, outbound: { refusedUnasked: false } })
  facts.dialed('outside', SIDES, clock.now(), { failed: { reason: 'unreachable', says: '', temporary: true } })
  pass(6000)
  expect(told.at(-1)?.outbound).toMatchObject({ reason: 'unreachable' })
  expect(told.at(-1)?.outbound.refusedUnasked).toBeUndefined()
  facts.dialed('outside', SIDES, clock.now(), { stream: new FakeStream({ from: SIDES.ours, to: SIDES.peer }) })
  pass(6000)
  expect(told.at(-1)?.outbound).toMatchObject({ by: 'dialback', tls: 'TLSv1.3' })
  expect(told.at(-1)?.outbound.reason).toBeUndefined()
})

it('tells how it reaches the server of ours, for what the peer sends', () => {
  const { facts, told, pass, clock } = made()
  const failed = { reason: 'unreachable', says: '', temporary: true } as const
  facts.authenticated({ ...AT, at: clock.now(), by: 'dialback' })
  pass(6000)
  expect(told.at(-1)).not.toHaveProperty('inside')
  facts.wantedInside(SIDES, { failed })
  const failedAt = new Date(clock.now()).toISOString()
  pass(6000)
  expect(told.at(-1)?.inside).toEqual({ failedAt, reason: 'unreachable' })
  facts.wantedInside(SIDES, { stream: new FakeStream({ from: SIDES.peer, to: SIDES.ours }) })
  const readyAt = new Date(clock.now()).toISOString()
  pass(6000)
  expect(told.at(-1)?.inside).toEqual({ readyAt })
  facts.wantedInside(SIDES, { failed })
  pass(6000)
  expect(told.at(-1)?.inside).toMatchObject({ readyAt, reason: 'unreachable', failedAt: expect.any(String) })
  expect(Value.Check(PairFactsSchema, told.at(-1))).toBe(true)
  // The server refuses the peer, and no other.
  facts.wantedInside(SIDES, { stream: new FakeStream({ from: SIDES.peer, to: SIDES.ours }) })
  facts.wantedInside(SIDES, { failed: { reason: 'stream-failed', condition: 'policy-violation' } })
  pass(6000)
  expect(told.at(-1)?.inside).not.toHaveProperty('reason')
  facts.wantedInside(SIDES, { failed: { reason: 'stream-failed' } })
  pass(6000)
  expect(told.at(-1)?.inside).toMatchObject({ reason: 'stream-failed' })
})

it('tells of another key than before also where we connected, with a stream or without (C11)', () => {
  const { facts, told, events, pass, clock } = made()
  const certificate = (key: string) => ({ key: key.repeat(64), issuer: 'CN=x', notAfter: clock.now(), pinned: false, matches: false })
  const stream = (key: string) => Object.assign(new FakeStream({ from: SIDES.ours, to: SIDES.peer }), { certificate: certificate(key) })
  facts.dialed('outside', SIDES, clock.now(), { stream: stream('a') })
  facts.dialed('inside', SIDES, clock.now(), { stream: stream('b') })
  facts.dialed('outside', SIDES, clock.now(), { failed: { reason: 'unreachable', says: '', temporary: true } })
  expect(events).toEqual([])
  facts.dialed('outside', SIDES, clock.now(), { failed: { reason: 'certificate-refused', says: '', temporary: true, certificate: certificate('c') } })
  expect(events).toEqual(['pin-changed'])
  pass(6000)
  expect(told.at(-1)?.certificate).toMatchObject({ key: 'c'.repeat(64), changedAt: expect.any(String) })
  facts.authenticated({ ...AT, at: clock.now(), by: 'external', certificate: certificate('c') })
  facts.dialed('outside', SIDES, clock.now(), { stream: stream('a') })
  expect(events).toEqual(['pin-changed', 'pin-changed'])
})

it('tells of another key in a certificate of a peer that is known (C11)', () => {
  const { facts, told, events, pass, clock } = made()
  const certificate = (key: string) => ({ key: key.repeat(64), issuer: 'CN=x', notAfter: clock.now(), pinned: true, matches: false })
  facts.authenticated({ ...AT, at: clock.now(), by: 'external', certificate: certificate('a') })
  facts.authenticated({ ...AT, at: clock.now(), by: 'external', certificate: certificate('a') })
  expect(events).toEqual([])
  facts.authenticated({ ...AT, at: clock.now(), by: 'external', certificate: certificate('b') })
  expect(events).toEqual(['pin-changed'])
  pass(6000)
  expect(told.at(-1)?.certificate?.changedAt).toBeDefined()
})

it('keeps nothing of what happens inside, a bounded number of pairs, and less of those that are only refused (R7)', () => {
  const { facts, told, pass, clock } = made({ pairs: 100, strangers: 10, atOnce: 20 })
  facts.authenticated({ ...AT, zone: 'inside', at: clock.now(), by: 'dialback' })
  expect(facts.size).toBe(0)
  const stranger = (number: number) => facts.refused({ ...AT, sides: { ours: 'inside.example', peer: `s${number}.example` }, at: clock.now(), says: 'no' })
  for (let number = 0; number < 1000; number++) stranger(number)
  expect(facts.size).toBe(10)
  for (let number = 0; number < 1000; number++) facts.authenticated({ ...AT, sides: { ours: 'inside.example', peer: `p${number}.example` }, at: clock.now(), by: 'dialback' })
  expect(facts.size).toBe(100)
  facts.tick()
  expect(told.length).toBe(20)
  pass(1000)
  expect(told.length).toBe(100)
})

it('forgets no configured peer for those that nobody named, however many prove themselves, and a configured one for another only where it must', () => {
  const named = ['p1.example', 'p2.example', 'p3.example']
  const { facts, told, pass, clock } = made({ pairs: 5, strangers: 2, atOnce: 20 }, named)
  const comes = (peer: string) => facts.authenticated({ ...AT, sides: { ours: 'inside.example', peer }, at: clock.now(), by: 'dialback' })
  const known = () => {
    told.splice(0)
    facts.last()
    return told.map(({ peer }) => peer).toSorted()
  }
  for (const peer of named) comes(peer)
  for (let number = 0; number < 100; number++) {
    comes(`s${number}.stranger.example`)
    if (number % 10 === 0) pass(6000)
  }
  expect(known()).toEqual([...named, 's98.stranger.example', 's99.stranger.example'])
  // What counts is the configuration at the time when it is told.
  named.push('p4.example', 'p5.example', 'p6.example')
  named.shift()
  comes('p1.example')
  pass(6000)
  for (const peer of ['p4.example', 'p5.example', 'p6.example']) comes(peer)
  expect(known()).toEqual(['p2.example', 'p3.example', 'p4.example', 'p5.example', 'p6.example'])
  named.push('p7.example')
  comes('p7.example')
  const five = ['p3.example', 'p4.example', 'p5.example', 'p6.example', 'p7.example']
  expect(known()).toEqual(five)
  comes('s.stranger.example')
  expect(known()).toEqual(five)
})

it('is what the contract says', () => {
  const { facts, told, pass, clock, counts } = made()
  const count = new PairCount(SIDES.ours, SIDES.peer)
  counts.set('inside.example peer.example', count)
  count.in = 3
  count.lastIn = clock.elapsed()
  count.outcomes.bounced = 1
  count.bounced('dns-absent')
  facts.authenticated({ ...AT, at: clock.now(), by: 'external', tls: 'TLSv1.3', certificate: { key: 'a'.repeat(64), issuer: 'x'.repeat(1000), notAfter: clock.now(), pinned: false, matches: false } })
  facts.shown({ ...AT, at: clock.now(), answer: 'failed' })
  pass(1000)
  const fact = told[0] as PairFacts
  expect(Value.Errors(PairFactsSchema, fact)).toEqual([])
  expect(fact).toMatchObject({ stanzas: { in: 3, outcomes: { bounced: 1 } }, bounces: { 'dns-absent': 1 }, shown: { failed: 1 }, policy: { action: 'allow' } })
})

/** `peers`: those that resources name. */
function made (bounds?: { pairs: number, strangers: number, atOnce: number }, peers: readonly string[] = []) {
  const clock = fakeClock()
  const random = seeded(1)
  const told: PairFacts[] = []
  const events: string[] = []
  const counts = new Map<string, PairCount>()
  const world = worldOf(assignmentOf(), clock)
  const facts = createFacts({
    gateway: 'g', clock, random: { bytes: count => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)) }, facts: fact => told.push(fact), tell: ({ on }) => events.push(on),
    world: () => ({ ...world, assignment: { ...world.assignment, peers: Object.fromEntries(peers.map(peer => [peer, {}])) } }), countOf: ({ ours, peer }) => counts.get(`${ours} ${peer}`), ...(bounds === undefined ? {} : { bounds }),
  })
  return {
    facts, told, events, clock, counts,
    pass: (ms: number) => {
      for (let left = ms; left > 0; left -= 200) {
        clock.pass(Math.min(200, left))
        facts.tick()
      }
    },
  }
}
