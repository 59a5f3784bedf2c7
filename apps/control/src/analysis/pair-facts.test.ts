import { openStore, type Store } from '@dialtone/store'
import type { Delivery, LiveEvent, PairFacts } from '@dialtone/contracts'
import { domainTokens } from '@dialtone/contracts'
import { PairFactsEvent } from '@dialtone/contracts/schemas'
import { NO_LOGGER } from '@dialtone/kernel'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takePairFacts } from './pair-facts.ts'
import { startAnalysis } from './start-analysis.ts'
import { OURS, PEER, T0, counts, eventually, handClock, handLease, memoryBus, publish, seen, usualConfiguration } from './test-support/rig.ts'

const time = (seconds: number) => new Date(T0 + 1000 * seconds).toISOString()
const FACTS: PairFacts = {
  v: 1, id: 'facts-0000', gateway: 'edge', at: time(0), startedAt: time(-100), ours: OURS, peer: PEER,
  inbound: { authenticatedAt: time(-50), by: 'dialback', tls: 'TLSv1.3' }, outbound: { readyAt: time(-40), by: 'external', tls: 'TLSv1.3' },
  asked: { valid: 1, invalid: 0, refused: 0 }, shown: { valid: 1, invalid: 0, failed: 0 },
  stanzas: { in: 1, out: 1, outcomes: { 'acknowledged': 0, 'written': 1, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 } }, bounces: {}, policy: { action: 'allow', shadowed: 0, refused: 0 },
}

describe('what is told of a pair', () => {
  let store: Store
  let told: LiveEvent[]
  let seq: number
  let judged: string[]
  const meter = counts()
  beforeEach(() => {
    store = openStore({ file: ':memory:', clock: handClock() })
    told = []
    judged = []
    seq = 0
  })
  afterEach(() => store.close())

  /** Told so many seconds after the first. */
  const tell = (seconds: number, more: Partial<PairFacts> = {}, key?: string[]): string[] => {
    const body: PairFacts = { ...FACTS, id: `facts-${1000 + ++seq}`, at: time(seconds), ...more }
    const delivery: Delivery<PairFacts> = { body, id: body.id, key: key ?? [body.gateway, ...domainTokens(body.peer)], seq, at: time(seconds) }
    const from = told.length
    takePairFacts([delivery], { store, meter, analysis: { carried: ({ domain, peer = '' }) => judged.push(`${domain} ${peer}`), expectations: { domain: (name: string) => name === OURS ? {} : undefined, has: ({ domain, peer }: { domain: string, peer?: string }) => domain === OURS && peer === PEER, gatewaysOf: () => new Set(['edge']) } as never, noticed: events => told.push(...events) } })
    return told.slice(from).map(event => event.on === 'change' ? event.change.what : event.on)
  }

  it('is kept; for the first time it is no change, nor is the same again', () => {
    expect(tell(0)).toEqual([])
    expect(tell(600)).toEqual([])
    expect(store.pairFacts.of(OURS, PEER)).toMatchObject([{ facts: { id: 'facts-1002' }, toldAt: T0 + 600_000 }])
    expect(store.position('facts')).toBe(2)
  })

  for (const [what, more, says] of [
    ['a stream is not got any more', { outbound: { ...FACTS.outbound, failedAt: time(590), reason: 'tls-failed', text: 'bad\nrecord' } }, `edge: ${OURS} does not get a stream to ${PEER}: tls-failed (bad\\nrecord)`],
    ['the peer is refused', { inbound: { ...FACTS.inbound, refusedAt: time(590), refusal: 'no TLS' } }, `edge: ${PEER} was refused at the way to ${OURS}: no TLS`],
    ['another policy', { policy: { ...FACTS.policy, name: 'night', action: 'hold' } }, `edge: ${OURS} and ${PEER} are under the policy night: hold`],
  ] as [string, Partial<PairFacts>, string][]) {
    it(`${what}, and is well again: two changes with a before and an after`, () => {
      tell(0)
      expect(tell(600, more)).toEqual([says])
      expect(tell(1200)).toHaveLength(1)
      expect(store.journal.changes({ domain: PEER, kind: 'gateway' }, { limit: 10 }).rows).toMatchObject([{ domain: PEER, kind: 'gateway', actor: 'edge', at: time(1200) }, { at: time(600), before: expect.any(String), after: expect.any(String) }])
    })
  }

  it('judges the pair again when it bears on the verdict, and not when it does not', () => {
    tell(0)
    tell(600, { stanzas: { ...FACTS.stanzas, out: 99 }, inbound: { ...FACTS.inbound, lastStanzaAt: time(599) } })
    expect(judged).toEqual([`${OURS} ${PEER}`])
    tell(1200, { outbound: { ...FACTS.outbound, failedAt: time(1190), reason: 'dialback-invalid', refusedUnasked: true } })
    expect(judged).toHaveLength(2)
  })

  it('judges the domain again when a gateway does not reach its server any more, whatever pair that is seen of', () => {
    const stranger = { peer: 'stranger.example', id: 'facts-2000' }
    tell(0, { ...stranger, inside: { readyAt: time(-1) } })
    tell(600, { ...stranger, inside: { readyAt: time(-1), failedAt: time(590), reason: 'unreachable' } })
    tell(620, { ...stranger, inside: { readyAt: time(-1), failedAt: time(610), reason: 'unreachable' } })
    tell(630, { ...stranger, ours: 'else.example', inside: { failedAt: time(625), reason: 'unreachable' } })
    expect(judged).toEqual([`${OURS} `, `${OURS} `])
  })

  it('another key is a change, and says where it is not the pinned one', () => {
    const certificate = { key: 'a'.repeat(64), issuer: 'CN=ca', notAfter: time(1e6), pinned: true, matches: true }
    expect(tell(0, { certificate })).toEqual([])
    expect(tell(600, { certificate: { ...certificate, key: 'b'.repeat(64), matches: false } })).toEqual([`edge: ${PEER} shows another public key, which is not the one that is pinned`])
  })

  it('somebody who uses a name is told at once, and once an hour while it goes on; a count that begins anew is none', () => {
    const misuse = (invalid: number) => ({ asked: { ...FACTS.asked, invalid, from: '192.0.2.66' } })
    expect(tell(0, misuse(1))).toEqual([`edge: ${PEER} asked about a key that ${OURS} did not make: somebody uses our domain there (asked from 192.0.2.66)`])
    expect([tell(10, misuse(5)), tell(1800, misuse(9)), tell(2000, misuse(9))]).toEqual([[], [], []])
    expect(tell(4000, misuse(10))).toHaveLength(1)
    expect(tell(9000, { ...misuse(0), startedAt: time(8000) })).toEqual([])
    expect(tell(9010, { shown: { ...FACTS.shown, invalid: 1 } })).toEqual([`edge: somebody who is not ${PEER} used its name to us: its own server calls the key invalid`])
  })

  it('what comes and goes every few seconds is a change once a minute', () => {
    tell(0)
    let changes = 0
    for (let at = 60; at < 660; at += 5) changes += tell(at, at % 10 === 0 ? { outbound: { failedAt: time(at), reason: 'unreachable' } } : { outbound: { readyAt: time(at) } }).length
    expect(changes).toBeGreaterThan(4)
    expect(changes).toBeLessThanOrEqual(10)
  })

  it('of a pair that nobody configured is kept, and is no change; under the name of another it is neither', () => {
    tell(0, { peer: 'stranger.example' })
    expect(tell(600, { peer: 'stranger.example', policy: { ...FACTS.policy, action: 'deny' } })).toEqual([])
    expect(store.pairFacts.of(OURS, 'stranger.example')).toHaveLength(1)
    tell(700, {}, ['other', ...domainTokens(PEER)])
    expect(store.pairFacts.of(OURS, PEER)).toEqual([])
    expect(meter.of('dialtone_pair_facts_total', { result: 'refused' })).toBe(1)
  })
})

it('is read from the bus, stands in the view of the pair and in its timeline, and is there after a restart', async () => {
  const clock = handClock()
  const bus = memoryBus(clock)
  const store = openStore({ file: ':memory:', clock })
  const configuration = usualConfiguration()
  const begin = () => startAnalysis({ bus, store, configuration, lease: handLease(), meter: counts(), logger: NO_LOGGER, clock, instance: 'a' })
  const say = (id: string, more: Partial<PairFacts> = {}) => bus.publish(PairFactsEvent, ['edge', ...domainTokens(PEER)], { ...FACTS, id, ...more }, { id })
  const first = await begin()
  await publish(bus, seen({ at: 0, id: '1' }), seen({ at: 0, id: '2', domain: OURS, job: 'own-published' }))
  await eventually(() => expect(first.readings.pair(OURS, PEER)).toBeDefined())
  expect(first.readings.pair(OURS, PEER)).not.toHaveProperty('gateways')
  await say('facts-one')
  await say('facts-two', { policy: { action: 'deny', shadowed: 0, refused: 3 } })
  await eventually(() => expect(first.readings.pair(OURS, PEER)?.gateways).toMatchObject([{ gateway: 'edge', id: 'facts-two', outbound: { by: 'external' } }]))
  expect(first.readings.timeline(OURS, PEER, {}, 10)?.changes).toMatchObject([{ kind: 'gateway', what: `edge: ${OURS} and ${PEER} are under no policy: deny` }])
  await first.stop()
  const second = await begin()
  expect(second.readings.pair(OURS, PEER)?.gateways).toHaveLength(1)
  expect(second.readings.timeline(OURS, PEER, {}, 10)?.changes).toHaveLength(1)
  // It speaks as us, so that what it saw of the peer is heard before who only looked.
  await say('facts-three', { outbound: { triedAt: time(10), failedAt: time(20), reason: 'dialback-invalid', refusedUnasked: true } })
  await eventually(() => {
    clock.pass(1)
    expect(second.readings.pair(OURS, PEER)?.out.verdict).toMatchObject({ cause: 'dialback.domain-claimed', confidence: 'likely', evidence: [{ vantage: 'gateway edge' }] })
  })
  await second.stop()
  store.close()
  await bus.stop()
})
