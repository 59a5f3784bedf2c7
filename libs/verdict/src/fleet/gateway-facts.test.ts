import type { PairFacts } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { CONFIG, PUBLIC, TIMEOUT, domainOf, look, pairOf, published, stopped, well } from '../test-support/fleet.ts'

const NOW = Date.parse('2026-03-02T12:00:00Z')
const hours = (ago: number) => new Date(NOW - ago * 3_600_000).toISOString()
const FACTS: PairFacts = {
  v: 1, id: 'facts-0001', gateway: 'edge', at: hours(0), startedAt: hours(48), ours: 'ours.example', peer: 'partner.example', inbound: {}, outbound: { readyAt: hours(3), by: 'dialback', tls: 'TLSv1.3' },
  asked: { valid: 0, invalid: 0, refused: 0 }, shown: { valid: 0, invalid: 0, failed: 0 },
  stanzas: { in: 0, out: 5, outcomes: { 'acknowledged': 0, 'written': 5, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 } }, bounces: {}, policy: { action: 'allow', shadowed: 0, refused: 0 },
}
const REFUSED: Partial<PairFacts> = { outbound: { readyAt: hours(9), triedAt: hours(1.1), failedAt: hours(1), reason: 'dialback-invalid', refusedUnasked: true } }

const alive = [look('peer', 'in1', well('198.51.100.11', 'partner')), look('control', 'out1', well('198.51.100.11', 'partner'))]
const ownUp = domainOf([published('out1'), published('out2')])
/** `toldAgo`: minutes. */
const judged = (facts: Partial<PairFacts>[], { toldAgo = 1, witnesses = alive, own = ownUp, ...rest }: { toldAgo?: number, witnesses?: typeof alive, own?: typeof ownUp } & Parameters<typeof pairOf>[1] = {}) =>
  pairOf(witnesses, { own, ...rest, carried: { now: NOW, told: facts.map(more => ({ facts: { ...FACTS, ...more }, toldAt: NOW - toldAgo * 60_000 })) } })

describe('a key that is called invalid, and nobody of ours was asked', () => {
  it('is a claim, though all that agents look at is well', () => {
    const { out, in: inward } = judged([REFUSED])
    expect(out).toMatchObject({ cause: 'dialback.domain-claimed', state: 'down', confidence: 'likely', evidence: [{ vantage: 'gateway edge', text: expect.stringContaining('has not asked our gateway') }] })
    expect(out.sentence).toMatch(/^partner\.example: the peer treats our domain as its own, as it seems \(it calls our key invalid/)
    expect(inward.cause).toBe('dialback.domain-claimed')
  })

  it('is one where no agent has looked', () => expect(judged([REFUSED], { witnesses: [] }).out.cause).toBe('dialback.domain-claimed'))

  for (const [what, facts, given] of [
    ['another gateway of ours was asked meanwhile', [REFUSED, { gateway: 'core', asked: { ...FACTS.asked, valid: 1, lastAt: hours(1.05) } }], {}],
    ['it works again since', [{ outbound: { ...REFUSED.outbound, readyAt: hours(0.5) } }], {}],
    ['it gave another reason: it may not have got through to us', [{ outbound: { ...REFUSED.outbound, reason: 'dialback-error' as const } }], {}],
    ['the gateway has told nothing for half an hour', [REFUSED], { toldAgo: 30 }],
    ['the peer hosts our domain, as it should', [REFUSED], { config: { ...CONFIG, hostedBy: ['partner.example'] } }],
  ] as [string, Partial<PairFacts>[], Parameters<typeof judged>[1]][]) {
    it(`is none where ${what}`, () => expect(judged(facts, given).out.cause).toBe('healthy'))
  }

  it('is not looked at where we stop it on purpose', () => expect(judged([REFUSED], { config: { ...CONFIG, stoppedByUs: 'gateway edge is told to be stopped' } }).out.cause).toBe('policy.refused-by-us'))
})

describe('the way in', () => {
  it('is well where the peer proved itself to a gateway today', () => {
    expect(judged([{ inbound: { authenticatedAt: hours(2), by: 'external' } }]).in).toMatchObject({ cause: 'healthy', confidence: 'proved', evidence: [{ text: 'it proved itself to our gateway by external', vantage: 'gateway edge' }] })
    expect(judged([{ inbound: { authenticatedAt: hours(30), by: 'external' } }]).in).toMatchObject({ cause: 'healthy', confidence: 'likely', evidence: [] })
  })

  it('from which nothing has come for a day while stanzas went out is doubted, and what would decide it is named', () => {
    const { in: inward } = judged([{}])
    expect(inward).toMatchObject({ cause: 'healthy', confidence: 'likely', evidence: [{ vantage: 'gateway edge' }], wouldDecide: ['a deep check of the pair, in our name', 'the log of the peer'] })
    expect(inward.sentence).toContain('for a day nothing has come from this peer while our stanzas reached it')
  })

  for (const [what, facts] of [
    ['the gateway started an hour ago', [{ startedAt: hours(1) }]], ['it asked about a key', [{ asked: { ...FACTS.asked, valid: 1, lastAt: hours(20) } }]], ['nothing was sent', [{ stanzas: { ...FACTS.stanzas, outcomes: { ...FACTS.stanzas.outcomes, written: 0 } } }]],
    ['another gateway has it', [{}, { gateway: 'core', inbound: { authenticatedAt: hours(40), by: 'dialback' } }]],
  ] as [string, Partial<PairFacts>[]][]) {
    it(`is not doubted where ${what}`, () => expect(judged(facts).in.evidence).toEqual([]))
  }

  it('is that of our own domain where that is down, whatever a gateway saw', () => {
    const own = domainOf([published('out1', stopped(PUBLIC, TIMEOUT)), published('out2', stopped(PUBLIC, TIMEOUT))])
    expect(judged([{ inbound: { authenticatedAt: hours(2), by: 'external' } }], { own }).in.cause).toBe(own.cause)
  })
})

it('what anybody can bring about decides nothing: a stream that was refused, keys shown in its name, questions about keys that we did not make', () => {
  const forged: Partial<PairFacts> = { startedAt: hours(1), inbound: { refusedAt: hours(0.1), refusal: 'no' }, shown: { valid: 0, invalid: 99, failed: 9 }, asked: { valid: 0, invalid: 99, refused: 0 } }
  expect(judged([forged])).toEqual(judged([]))
})
