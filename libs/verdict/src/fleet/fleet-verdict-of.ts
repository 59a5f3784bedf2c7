// A ruling of the fleet in words, and how many independent networks stand behind it.
import type { Confidence, FleetVerdict, JudgeConfig, Untested } from '@dialtone/contracts'
import { CAUSE_ROWS } from '../causes/index.ts'
import { byOrder } from '../causes/order.ts'
import { TOLD, endpointsOf, evidenceOf, forDig, leftOpen, seen, worst } from '../verdict-of.ts'
import { placeOf } from '../place.ts'
import type { Ruling } from './ruling.ts'
import { networksOf, type Hearing, type Testimony } from './testimony.ts'

/** Whom a ruling is about, and what else nobody asked. */
export type About = { domain: string, ours: string, config: JudgeConfig, untested: readonly Untested[] }

export function fleetVerdictOf (ruling: Ruling, { heard, setAside }: Hearing, { domain, ours, config, untested: open }: About): FleetVerdict {
  const { cause, wouldDecide = [] } = ruling
  const row = CAUSE_ROWS[cause]
  const proof = ruling.proof.toSorted(byOrder)
  const own = proof.filter(fault => fault.cause === cause)
  const state = ruling.state ?? worst(own.map(fault => fault.state ?? row.state)) ?? row.state
  const special = own.find(fault => (fault.state ?? row.state) === state && (fault.remedy !== undefined || fault.says !== undefined))
  const placed = own.find(fault => fault.side !== undefined)
  const { side, hop, actor } = ownedBy({ side: ruling.side ?? placed?.side ?? row.side, hop: placed?.hop ?? row.hop, actor: placed?.actor ?? row.actor }, config.ours)
  const observations = heard.map(({ observation }) => observation)
  const skipped = cause === 'unknown' ? [] : [...new Set(ruling.primary.flatMap(({ proofs }) => proofs.untried.flatMap(({ endpoint }) => endpoint ?? [])))].filter(id => !ruling.primary.some(({ observation }) => observation.endpoints.some(each => each.id === id && each.steps.some(({ outcome, stage }) => stage === 'tcp' && outcome === 'ok')))).toSorted()
  const untested = [
    ...leftOpen(ruling.primary.flatMap(({ proofs }) => proofs.deep ?? [])), ...open,
    ...skipped.slice(0, TOLD).map(id => ({ what: placeOf(id, endpointsOf(observations)), needs: 'a vantage that can reach it' })),
  ]
  const [first] = ruling.primary
  const named = (text: string) => text.replaceAll('DOMAIN', domain).replaceAll('OURS', ours).replaceAll('RESOLVER', first === undefined ? 'RESOLVER' : forDig(first.observation.asked.resolver))
  const tail = cause === 'healthy' ? (untested.length === 0 ? '' : `; not asked: ${untested.map(({ what }) => what).join(', ')}`) : seen(own.length > 0 ? own : proof, observations)
  const note = ruling.note === undefined ? '' : `; ${named(ruling.note)}`
  return {
    state, cause, side, hop, actor,
    confidence: ruling.confidence ?? confidenceOf(ruling),
    sentence: `${domain}: ${named(ruling.says ?? special?.says ?? row.says)}${tail}${note}.`,
    evidence: bounded(evidenceOf(proof, true)),
    remedy: (ruling.remedy ?? (special?.remedy === undefined ? row.remedy : [special.remedy])).map(named),
    untested,
    agreement: agreementOf(ruling),
    ruledOut: ruledOut(ruling),
    wouldDecide: [...new Set(wouldDecide)],
    setAside: [...setAside],
  }
}

/** Facts that a verdict keeps: many endpoints, seen by many, repeat each other. */
const EVIDENCE_KEPT = 100

function bounded (evidence: FleetVerdict['evidence']): FleetVerdict['evidence'] {
  return evidence.length <= EVIDENCE_KEPT ? evidence : [...evidence.slice(0, EVIDENCE_KEPT), { text: `and ${evidence.length - EVIDENCE_KEPT} more` }]
}

/** What a peer would have to mend is ours where the domain is. */
function ownedBy ({ side, hop, actor }: Pick<FleetVerdict, 'side' | 'hop' | 'actor'>, ours: boolean): Pick<FleetVerdict, 'side' | 'hop' | 'actor'> {
  return ours ? { side: side === 'peer' ? 'ours' : side, hop: hop === 'peer-server' ? 'our-server' : hop, actor: actor === 'peer-admin' ? 'server-admin' : actor } : { side, hop, actor }
}

/**
 * `proved`: two networks saw it, or both sides, and nobody of those who could have seen it saw otherwise. `likely`: somebody did, or the fact itself leaves it
 * open. `single-vantage`: one network is all there is.
 */
function confidenceOf ({ cause, proof, agree, relevant }: Ruling): Confidence {
  const own = proof.filter(fault => fault.cause === cause)
  if (cause === 'unknown' || cause === 'vantage.unhealthy') return 'likely'
  if (own.length > 0 && own.every(({ unsure }) => unsure === true)) return 'likely'
  const agreeing = networksOf(agree)
  if ([...networksOf(relevant)].some(network => !agreeing.has(network))) return 'likely'
  return agreeing.size > 1 ? 'proved' : 'single-vantage'
}

function agreementOf ({ agree, relevant }: Ruling): FleetVerdict['agreement'] {
  const count = (some: readonly Testimony[], side: string) => networksOf(some.filter(({ standpoint }) => standpoint.side === side)).size
  const all = [...agree, ...relevant]
  return { inside: count(all, 'inside'), insideAgree: count(agree, 'inside'), outside: count(all, 'outside'), outsideAgree: count(agree, 'outside') }
}

/** Causes that a witness alone would have named, each once, with why it is not them. */
function ruledOut ({ cause, doubted = [] }: Ruling): FleetVerdict['ruledOut'] {
  const each = doubted.filter(doubt => doubt.cause !== cause).toSorted((a, b) => a.cause < b.cause ? -1 : a.cause > b.cause ? 1 : a.because < b.because ? -1 : 1)
  return [...new Map(each.toReversed().map(doubt => [doubt.cause, doubt])).values()].toReversed()
}
