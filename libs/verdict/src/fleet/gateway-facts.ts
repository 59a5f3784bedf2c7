/**
 * What our own gateways saw of a pair: they alone speak as us, with keys that are good. Only what they saw of the peer itself decides something: who connects to them, or asks
 * them about a key, may be anybody who says that he is the peer.
 */
import type { PairFacts } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Fault } from '../faults.ts'
import type { Ruling } from './ruling.ts'

/** `now`: milliseconds, by the clock by which `toldAt` of each is. */
export type CarriedBy = { now: number, told: readonly { facts: PairFacts, toldAt: number }[] }

/** They tell every ten minutes: one that has missed two of them is not there any more. */
const FRESH_MS = 25 * 60_000
/** What was seen so long ago says something about now. */
const SEEN_MS = 86_400_000

/** Of gateways that are there. */
export function fresh ({ now, told }: CarriedBy): PairFacts[] {
  return told.filter(({ toldAt }) => now - toldAt <= FRESH_MS).map(({ facts }) => facts)
}

/**
 * The peer calls a key of ours invalid that it has asked none of our gateways about: it verified with itself, or with somebody whom our records do not name. It is likely and not
 * proved: our records may lead to a server that is no gateway.
 */
export function claimedToGateways (facts: readonly PairFacts[]): Ruling | undefined {
  const refused = facts.filter(({ outbound }) => outbound.refusedUnasked === true && outbound.reason === 'dialback-invalid' && after(outbound.failedAt, outbound.readyAt))
  // Whichever of ours is asked may answer for any other.
  const unasked = refused.filter(({ outbound }) => !facts.some(({ asked }) => after(asked.lastAt, outbound.triedAt ?? outbound.failedAt)))
  if (unasked.length === 0) return undefined
  const proof = unasked.map((each): Fault => ({ cause: 'dialback.domain-claimed', text: 'it calls our key invalid, and has not asked our gateway about it', vantage: nameOf(each), unsure: true, says: 'the peer treats our domain as its own, as it seems' }))
  return { cause: 'dialback.domain-claimed', proof, agree: [], relevant: [], primary: [], confidence: 'likely', wouldDecide: ['a check of the pair: its claim question tells whether the peer serves our domain'] }
}

/** What gateways saw of the way in. `arrived`: the peer proved itself there. `silent`: our stanzas reach it, and nothing at all has come from it for as long as somebody could tell. */
export function inboundAtGateways (facts: readonly PairFacts[], now: number): { arrived: Fault[], silent: Fault[] } {
  const arrived = facts.filter(({ inbound }) => now - time(inbound.authenticatedAt) <= SEEN_MS)
  const speaking = facts.filter(({ outbound, stanzas }) => after(outbound.readyAt, outbound.failedAt) && stanzas.outcomes.written + stanzas.outcomes.acknowledged > 0)
  const silent = arrived.length === 0 && speaking.length > 0 && facts.every(({ startedAt, inbound, asked }) => now - time(startedAt) >= SEEN_MS && inbound.authenticatedAt === undefined && asked.lastAt === undefined)
  return {
    arrived: arrived.map((each): Fault => ({ cause: 'unknown', text: `it proved itself to our gateway by ${quoted(each.inbound.by ?? 'means that are not told', 20)}`, vantage: nameOf(each) })),
    silent: silent ? speaking.map((each): Fault => ({ cause: 'unknown', text: 'our stanzas reach it through this gateway, and since a day nothing has come from it: no stream, and no question about a key', vantage: nameOf(each) })) : [],
  }
}

function nameOf ({ gateway }: PairFacts): string {
  return `gateway ${gateway}`
}

/** NaN where it never was, which is neither before nor after anything. */
function time (of: string | undefined): number {
  return Date.parse(of ?? '')
}

function after (one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && (other === undefined || time(one) > time(other))
}
