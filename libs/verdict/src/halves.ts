/**
 * Whether OURS and PEER can talk, in two halves: `out` is ours to peer, `in` is peer to ours. One proves nothing about the other (XEP-0220 §2.1). A half
 * of which nothing is proved is unknown, and says what it would take.
 */
import type { Half, PairVerdict } from '@dialtone/contracts'
import { CAUSE_ROWS } from './causes/index.ts'
import { CALLBACK_CAUSES } from './deep-proofs.ts'
import type { Fault } from './faults.ts'
import type { Proofs } from './proofs.ts'

/** The verdict about the pair that was asked about. Undefined for light checks alone; of several pairs the first by name. */
export function pairVerdict (each: readonly Proofs[], domain: string): PairVerdict | undefined {
  const names = each.flatMap(({ deep }) => deep?.ours ?? []).toSorted()
  const [ours] = names
  if (ours === undefined) return undefined
  const asked = each.filter(({ deep }) => deep?.ours === ours)
  return { ours, peer: domain, out: together(asked.map(proofs => outOf(proofs, ours))), in: together(asked.map(proofs => inOf(proofs, ours))) }
}

function outOf ({ deep, faults, works }: Proofs, ours: string): Half {
  const claim = [...deep?.faults ?? [], ...faults].find(({ cause }) => cause === 'dialback.domain-claimed')
  if (claim !== undefined) return halfOf(claim, ours)
  const by = [...new Set(deep?.carried.map(carried => carried.by === 'external' ? 'EXTERNAL' : 'dialback'))].toSorted()
  if (by.length > 0) return { state: 'up', cause: 'healthy', side: 'nobody', sentence: `accepts ${ours} by ${by.join(' and ')}` }
  const [first] = [...(works ? [] : faults), ...deep?.faults ?? []]
  const worst = deep?.faults.find(({ state, cause }) => cause !== 'unknown' && state !== 'unknown')
  if (works && worst !== undefined) return halfOf(worst, ours)
  if (first !== undefined) return halfOf(first, ours)
  const needs = deep?.untested.find(({ what }) => what.startsWith('dialback'))
  return unknown(`every stage that was asked succeeded; whether ${ours} is accepted was not asked${needs === undefined ? '' : `: needs ${needs.needs}`}`)
}

function inOf ({ deep }: Proofs, ours: string): Half {
  if (deep?.answered !== undefined) return { state: 'up', cause: 'healthy', side: 'nobody', sentence: deep.answered }
  const callback = deep?.faults.find(({ cause }) => CALLBACK_CAUSES.has(cause))
  if (callback !== undefined) return { ...halfOf(callback, ours), state: deep?.carried.some(({ by }) => by === 'dialback') === true ? 'degraded' : 'down' }
  return unknown(`whether it reaches ${ours} was not seen: needs ${deep?.untested.find(({ what }) => what === 'the inbound direction')?.needs ?? 'a check of our own domain from outside'}`)
}

function halfOf ({ cause, state, side, says, text }: Fault, ours: string): Half {
  const row = CAUSE_ROWS[cause]
  return { state: state ?? row.state, cause, side: side ?? row.side, sentence: `${says ?? row.says} (${text})`.replaceAll('OURS', ours) }
}

function unknown (sentence: string): Half {
  return { state: 'unknown', cause: 'unknown', side: 'observer', sentence }
}

/** What several vantages know of one half: what is proved goes before what is not, and they may disagree. */
function together (halves: readonly Half[]): Half {
  const states = halves.map(({ state }) => state)
  if (states.includes('up') && states.includes('down')) return { state: 'degraded', cause: 'peer.partition', side: CAUSE_ROWS['peer.partition'].side, sentence: CAUSE_ROWS['peer.partition'].says }
  const [first] = halves.toSorted((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || compare(a.cause, b.cause) || compare(a.sentence, b.sentence))
  return first ?? unknown('nothing was asked')
}

const STATES: readonly Half['state'][] = ['down', 'degraded', 'up', 'unknown']

function compare (a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
