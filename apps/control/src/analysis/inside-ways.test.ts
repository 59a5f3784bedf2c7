import type { PairFacts } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { insideWaysAt, takeInsideWay } from './inside-ways.ts'

const T0 = Date.parse('2026-03-02T12:00:00Z')
const OURS = 'ours.example'
/** The clock of the gateway is an hour ahead of this one. */
const AHEAD = 3_600_000
const theirs = (seconds: number): string => new Date(T0 + AHEAD + seconds * 1000).toISOString()

it('is what the last attempt says, whichever peer it was for, in times of this clock, for a quarter of an hour', () => {
  const { tell, at } = made()
  expect(at(0)).toEqual({ failing: [], working: [] })
  expect(tell(100, 'a.example', { failedAt: theirs(90), reason: 'unreachable' })).toBe(true)
  expect(at(101)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: [] })
  expect(tell(110, 'b.example', { failedAt: theirs(105), reason: 'tls-failed' })).toBe(false)
  expect(tell(111, 'a.example', { failedAt: theirs(90), reason: 'unreachable' })).toBe(false)
  expect(at(105 + 900)).toEqual({ failing: [{ gateway: 'edge', reason: 'tls-failed' }], working: [] })
  expect(at(105 + 901)).toEqual({ failing: [], working: [] })
  expect(tell(120, 'b.example', { readyAt: theirs(119) })).toBe(true)
  // What is told once more of the other peer is older.
  expect(tell(130, 'a.example', { failedAt: theirs(90), reason: 'unreachable' })).toBe(false)
  expect(at(131)).toEqual({ failing: [], working: ['edge'] })
})

it('is not what is told late of an attempt before', () => {
  const { tell, at } = made()
  tell(20, 'b.example', { readyAt: theirs(19) })
  // It waited for the bus, and the bus took it five minutes later.
  tell(315, 'a.example', { failedAt: theirs(10), reason: 'unreachable' }, { at: theirs(15) })
  expect(at(316)).toEqual({ failing: [], working: ['edge'] })
})

it('is of each gateway, and begins anew with it', () => {
  const { tell, at } = made()
  tell(10, 'a.example', { failedAt: theirs(9), reason: 'unreachable' })
  tell(11, 'a.example', { readyAt: theirs(10) }, { gateway: 'core' })
  expect(at(12)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: ['core'] })
  tell(30, 'a.example', { readyAt: theirs(29) }, { startedAt: theirs(20) })
  expect(at(31)).toEqual({ failing: [], working: ['core', 'edge'] })
})

it('is nothing where a gateway has tried nothing, or was refused for the sake of one peer', () => {
  const { tell, at } = made()
  expect(tell(1, 'a.example', undefined)).toBe(false)
  expect(tell(1, 'a.example', { failedAt: theirs(0), reason: 'dialback-error' })).toBe(false)
  expect(at(2)).toEqual({ failing: [], working: [] })
})

it('is of gateways that are to carry the domain, and of those that took something for it lately', () => {
  const { tell, at, gateways } = made()
  for (const gateway of ['edge', 'core', 'idle']) tell(1, 'a.example', { readyAt: theirs(0) }, { gateway })
  expect(at(2).working).toEqual(['core', 'edge', 'idle'])
  tell(1000, 'a.example', { readyAt: theirs(0) }, { gateway: 'core', inbound: { lastStanzaAt: theirs(990) } })
  tell(1000, 'a.example', { readyAt: theirs(0), failedAt: theirs(995), reason: 'unreachable' })
  expect(at(1001)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: ['core'] })
  gateways.delete('core')
  expect(at(1001)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: [] })
  gateways.delete('edge')
  expect(at(1001)).toEqual({ failing: [], working: [] })
  expect(tell(1002, 'a.example', { failedAt: theirs(1001), reason: 'unreachable' })).toBe(false)
})

it('is told when an idle gateway carries again, while another fails', () => {
  const { tell, at } = made()
  for (const gateway of ['edge', 'core']) tell(1, 'a.example', { readyAt: theirs(0) }, { gateway })
  expect(tell(5001, 'a.example', { failedAt: theirs(5000), reason: 'unreachable' })).toBe(true)
  expect(at(5002).working).toEqual([])
  expect(tell(5010, 'b.example', { readyAt: theirs(0) }, { gateway: 'core', inbound: { lastStanzaAt: theirs(5009) } })).toBe(true)
  expect(at(5011)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: ['core'] })
  // Of a pair that goes on it is told every ten minutes, and what it tells may be as old.
  expect([at(5009 + 1800).working, at(5009 + 1801).working]).toEqual([['core'], []])
})

describe('a stream that the server ends', () => {
  const ended = (seconds: number) => ({ readyAt: theirs(0), failedAt: theirs(seconds), reason: 'stream-failed' as const })

  it('is of one peer, as long as that is all that is known, and of the server where another that it took before has the same', () => {
    const { tell, at } = made()
    tell(1, 'a.example', { readyAt: theirs(0) }, { inbound: { lastStanzaAt: theirs(0) } })
    expect(tell(100, 'a.example', ended(99), { inbound: { lastStanzaAt: theirs(98) } })).toBe(true)
    expect(at(101)).toEqual({ failing: [{ gateway: 'edge', reason: 'stream-failed', forPeer: 'a.example' }], working: [] })
    // What it sends and nobody takes does not show that anybody does.
    expect(tell(160, 'a.example', ended(159), { inbound: { lastStanzaAt: theirs(159) } })).toBe(false)
    expect(tell(180, 'b.example', ended(179))).toBe(true)
    expect(at(181)).toEqual({ failing: [{ gateway: 'edge', reason: 'stream-failed' }], working: [] })
    expect(tell(190, 'a.example', ended(159))).toBe(false)
    expect(tell(200, 'c.example', { readyAt: theirs(199) })).toBe(true)
    expect(tell(210, 'b.example', ended(179))).toBe(false)
    expect(at(211)).toEqual({ failing: [], working: ['edge'] })
    // Longer ago than that, the other says nothing of now.
    tell(3000, 'b.example', ended(2999))
    tell(4000, 'a.example', ended(3999))
    expect(at(4001).failing).toEqual([{ gateway: 'edge', reason: 'stream-failed', forPeer: 'a.example' }])
  })

  it('says nothing of others while it carries for them, however often it is ended', () => {
    const { tell, at } = made()
    for (const peer of ['a.example', 'b.example']) tell(1, peer, { readyAt: theirs(0) })
    tell(1000, 'b.example', { readyAt: theirs(0) }, { inbound: { lastStanzaAt: theirs(990) } })
    for (let seconds = 1010; seconds < 2700; seconds += 60) {
      expect(tell(seconds, 'a.example', ended(seconds - 1))).toBe(false)
      expect(at(seconds)).toEqual({ failing: [], working: ['edge'] })
    }
  })

  it('says nothing of strangers whom it never took, but where it took nobody yet', () => {
    const { tell, at } = made()
    const strange = (seconds: number) => ({ failedAt: theirs(seconds), reason: 'stream-failed' as const })
    tell(1, 'a.example', { readyAt: theirs(0) })
    for (const [index, stranger] of ['one.example', 'two.example', 'three.example'].entries()) tell(1000 + index, stranger, strange(999 + index))
    expect(at(1003).failing).toEqual([])
    const anew = { startedAt: theirs(1100) }
    for (const [index, peer] of ['a.example', 'one.example'].entries()) tell(1200 + index, peer, strange(1199 + index), anew)
    expect(at(1203)).toEqual({ failing: [{ gateway: 'edge', reason: 'stream-failed' }], working: [] })
  })
})

it('a gateway that carries works, whatever failed long ago', () => {
  const { tell, at } = made()
  tell(1, 'a.example', { readyAt: theirs(0) })
  tell(1000, 'b.example', { failedAt: theirs(999), reason: 'unreachable' })
  tell(86_400, 'a.example', { readyAt: theirs(0) }, { inbound: { lastStanzaAt: theirs(86_399) } })
  tell(86_401, 'b.example', { failedAt: theirs(86_400), reason: 'unreachable' }, { gateway: 'core' })
  expect(at(86_402)).toEqual({ failing: [{ gateway: 'core', reason: 'unreachable' }], working: ['edge'] })
})

it('reads what earlier releases kept', () => {
  const { tell, at } = made({ [`${OURS} inside-ways`]: JSON.stringify({ edge: { ready: 0, failed: T0 + AHEAD, carried: 0, behind: -AHEAD, reason: 'unreachable' }, core: { ready: T0 + AHEAD, failed: 0, carried: 0, behind: -AHEAD } }) })
  expect(at(1)).toEqual({ failing: [], working: ['core'] })
  expect(tell(2, 'a.example', { failedAt: theirs(1), reason: 'unreachable' })).toBe(true)
  expect(at(3)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: ['core'] })
})

it('is not what was said before the clock of a gateway was set back', () => {
  const { tell, at } = made()
  tell(1, 'a.example', { readyAt: theirs(0) })
  // An hour back: it was that far ahead.
  const back = (seconds: number) => new Date(T0 + seconds * 1000).toISOString()
  expect(tell(60, 'a.example', { readyAt: theirs(0), failedAt: back(59), reason: 'unreachable' }, { at: back(60) })).toBe(true)
  expect(at(61)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: [] })
  const little = made()
  little.tell(1000, 'a.example', { readyAt: theirs(999) })
  little.tell(1070, 'a.example', { readyAt: theirs(999), failedAt: theirs(939), reason: 'unreachable' }, { at: theirs(940) })
  expect(little.at(1071).working).toEqual(['edge'])
  little.tell(1140, 'a.example', { readyAt: theirs(999), failedAt: theirs(929), reason: 'unreachable' }, { at: theirs(930) })
  expect(little.at(1141)).toEqual({ failing: [{ gateway: 'edge', reason: 'unreachable' }], working: [] })
  const other = made()
  other.tell(1, 'a.example', { failedAt: theirs(0), reason: 'unreachable' })
  other.tell(60, 'b.example', { readyAt: back(59) }, { at: back(60) })
  expect(other.at(61)).toEqual({ failing: [], working: ['edge'] })
})

/** Seconds after the start, by this clock. */
function made (kept: Readonly<Record<string, string>> = {}) {
  const facts = new Map(Object.entries(kept))
  const gateways = new Set(['edge', 'core', 'idle'])
  const journal = { fact: (key: string) => facts.get(key), setFact: (key: string, value: string) => { facts.set(key, value) } }
  return {
    tell: (seconds: number, peer: string, inside: PairFacts['inside'], more: Partial<PairFacts> = {}) => takeInsideWay(journal, { gateway: 'edge', at: theirs(seconds), startedAt: theirs(-10), ours: OURS, peer, inbound: {}, ...(inside === undefined ? {} : { inside }), ...more } as PairFacts, T0 + seconds * 1000, gateways),
    at: (seconds: number) => insideWaysAt(journal, OURS, T0 + seconds * 1000, gateways),
    gateways,
  }
}
