// A cause and its proof, in words.
import type { Cause, Confidence, EndpointObservation, JudgeConfig, Observation, PairVerdict, State, Untested, Verdict } from '@dialtone/contracts'
import { CAUSE_ROWS } from './causes/index.ts'
import type { DeepProofs } from './deep-proofs.ts'
import type { Fault } from './faults.ts'
import { placeOf } from './place.ts'

/** Different facts that the sentence tells; the evidence has them all. */
export const TOLD = 2

/** What was decided. `untried`: advertised endpoints that no cause speaks of; `advertised`: how many there are; `deep`: of each deep check, what it left open. */
export type Decision = { cause: Cause, proof: readonly Fault[], untried: readonly Fault[], advertised: number, deep: readonly Pick<DeepProofs, 'ours' | 'untested'>[], pair?: PairVerdict }

export function verdictOf ({ cause, proof, untried, advertised, deep, pair }: Decision, observations: readonly Observation[], config: JudgeConfig): Verdict {
  const row = CAUSE_ROWS[cause]
  const { state, says, remedy } = row
  const own = proof.filter(fault => fault.cause === cause)
  const reached = worst(own.map(fault => fault.state ?? state)) ?? state
  const special = own.find(fault => (fault.state ?? state) === reached && (fault.remedy !== undefined || fault.says !== undefined))
  const { side = row.side, hop = row.hop, actor = row.actor } = own.find(fault => fault.side !== undefined) ?? {}
  const skipped = cause === 'unknown' ? [] : [...new Set(untried.flatMap(({ endpoint }) => endpoint ?? []))]
  const untested = [...untestedOf(observations, deep), ...skipped.slice(0, TOLD).map(id => ({ what: placeOf(id, endpointsOf(observations)), needs: untried.find(({ endpoint }) => endpoint === id)?.remedy ?? 'a vantage that can reach it' }))]
  const said = cause === 'healthy' && skipped.length > 0 ? `every stage that was asked succeeded on ${advertised - skipped.length} of ${advertised} advertised endpoints; the others could not be tried from here` : special?.says ?? says
  const { domain = 'nothing', asked } = observations[0] ?? {}
  const named = (text: string) => text.replaceAll('DOMAIN', domain).replaceAll('OURS', asked?.as ?? pair?.ours ?? 'OURS').replaceAll('RESOLVER', asked === undefined ? 'RESOLVER' : forDig(asked.resolver))
  const tail = cause === 'healthy' ? (untested.length === 0 ? '' : `; not asked: ${untested.map(({ what }) => what).join(', ')}`) : seen(own.length > 0 ? own : proof, observations)
  return {
    state: reached,
    cause, side: config.ours && side === 'peer' ? 'ours' : side, hop: config.ours && hop === 'peer-server' ? 'our-server' : hop,
    actor: config.ours && actor === 'peer-admin' ? 'server-admin' : actor,
    confidence: confidenceOf(cause, own, observations),
    sentence: `${domain}: ${named(said)}${tail}.`,
    evidence: evidenceOf(proof, observations.length > 1),
    remedy: special?.remedy === undefined ? remedy.map(named) : [named(special.remedy)],
    untested,
    ...(pair === undefined ? {} : { pair }),
  }
}

/** A resolver as dig takes it: `192.0.2.53`, or `192.0.2.53 -p 5300`. */
export function forDig (resolver: string): string {
  const [, address = resolver, port = '53'] = /^\[?(.+?)\]?:(\d+)$/.exec(resolver) ?? []
  return port === '53' ? address : `${address} -p ${port}`
}

/** A fact that is sure goes before one that leaves it open. */
export function worst (states: readonly State[]): State | undefined {
  return (['down', 'degraded', 'unknown', 'up'] as const).find(state => states.includes(state))
}

/** `proved`: every one of several vantages shows it; `likely`: some do, or nothing proves anything more. */
function confidenceOf (cause: Cause, own: readonly Fault[], observations: readonly Observation[]): Confidence {
  if (cause === 'unknown') return 'likely'
  const vantages = new Set(observations.map(({ vantage }) => vantage))
  if (own.length > 0 && own.every(({ unsure }) => unsure === true)) return 'likely'
  if (vantages.size < 2) return 'single-vantage'
  const agreeing = new Set(own.map(({ vantage }) => vantage))
  return cause === 'healthy' || cause === 'peer.partition' || agreeing.size === vantages.size ? 'proved' : 'likely'
}

/** What was seen, each with its endpoint and, where several looked, who saw it; in one order whatever came first. */
export function evidenceOf (proof: readonly Fault[], several: boolean): Verdict['evidence'] {
  return proof
    .map(({ text, endpoint, vantage }) => ({ text, ...(endpoint === undefined ? {} : { endpoint }), ...(several ? { vantage } : {}) }))
    .toSorted((a, b) => key(a) < key(b) ? -1 : 1)
}

function key ({ endpoint = '', text, vantage = '' }: Verdict['evidence'][number]): string {
  return [endpoint, text, vantage].join(' ')
}

/** The facts, each once, and where: " (2 endpoints: TCP refused; xmpp.partner.example:5269, 192.0.2.3: TCP timeout)". */
export function seen (faults: readonly Fault[], observations: readonly Observation[]): string {
  const facts = Map.groupBy(faults, ({ text }) => text)
  const told = [...facts].toSorted(([a], [b]) => a < b ? -1 : 1).map(([text, those]) => {
    const places = [...new Set(those.flatMap(({ endpoint }) => endpoint ?? []))]
    return places.length === 0 ? text : `${places.length === 1 ? placeOf(places[0] ?? '', endpointsOf(observations)) : `${places.length} endpoints`}: ${text}`
  })
  const more = told.length - TOLD
  return told.length === 0 ? '' : ` (${[...told.slice(0, TOLD), ...(more > 0 ? [`${more} more`] : [])].join('; ')})`
}

export function endpointsOf (observations: readonly Observation[]): EndpointObservation[] {
  return observations.flatMap(({ endpoints }) => endpoints)
}

function untestedOf (observations: readonly Observation[], deep: Decision['deep']): Untested[] {
  const found = deep.length === 0 ? [...LIGHT] : leftOpen(deep)
  if (!observations.some(({ asked }) => asked.clientCertificate)) found.push({ what: 'EXTERNAL', needs: '--cert FILE --key FILE' })
  if (!observations.some(({ asked }) => asked.as !== undefined)) found.push({ what: 'whether the peer claims our domain', needs: '--as OURS' })
  for (const family of [4, 6] as const) if (!observations.some(({ asked }) => asked.families.includes(family))) found.push({ what: `IPv${family}`, needs: `a vantage with IPv${family}` })
  if (new Set(observations.map(({ vantage }) => vantage)).size < 2) found.push({ what: 'other vantages', needs: 'dialtone judge with observations from elsewhere' })
  return found
}

/** What a light check never asks. */
const LIGHT: readonly Untested[] = [{ what: 'dialback', needs: 'a check that sends a key' }, { what: 'the inbound direction', needs: 'a check of our own domain from outside' }]

/** What no deep check found out, each once. */
export function leftOpen (deep: Decision['deep']): Untested[] {
  const all = deep.flatMap(({ untested }) => untested)
  const open = all.filter(({ what }) => deep.every(({ untested }) => untested.some(each => each.what === what)))
  const sorted = open.toSorted((a, b) => keyOfOpen(a) < keyOfOpen(b) ? -1 : 1)
  return [...new Map(sorted.map(each => [each.what, each])).values()]
}

function keyOfOpen ({ what, needs }: Untested): string {
  return `${what} ${needs}`
}
