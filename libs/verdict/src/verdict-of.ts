// A cause and its proof, in words.
import type { Cause, Confidence, EndpointObservation, JudgeConfig, Observation, State, Untested, Verdict } from '@dialtone/contracts'
import { CAUSE_ROWS } from './causes/index.ts'
import type { Fault } from './faults.ts'

/** Different facts that the sentence tells; the evidence has them all. */
const TOLD = 2

/** What was decided. `untried`: advertised endpoints that no cause speaks of; `advertised`: how many there are. */
export type Decision = { cause: Cause, proof: readonly Fault[], untried: readonly Fault[], advertised: number }

export function verdictOf ({ cause, proof, untried, advertised }: Decision, observations: readonly Observation[], config: JudgeConfig): Verdict {
  const { state, side, hop, actor, says, remedy } = CAUSE_ROWS[cause]
  const own = proof.filter(fault => fault.cause === cause)
  const reached = worst(own.map(fault => fault.state ?? state)) ?? state
  const special = own.find(fault => (fault.state ?? state) === reached && (fault.remedy !== undefined || fault.says !== undefined))
  const skipped = cause === 'unknown' ? [] : [...new Set(untried.flatMap(({ endpoint }) => endpoint ?? []))]
  const untested = [...untestedOf(observations), ...skipped.slice(0, TOLD).map(id => ({ what: placeOf(id, observations), needs: untried.find(({ endpoint }) => endpoint === id)?.remedy ?? 'a vantage that can reach it' }))]
  const said = cause === 'healthy' && skipped.length > 0 ? `every stage that was asked succeeded on ${advertised - skipped.length} of ${advertised} advertised endpoints; the others could not be tried from here` : special?.says ?? says
  const { domain = 'nothing', asked } = observations[0] ?? {}
  const named = (text: string) => text.replaceAll('DOMAIN', domain).replaceAll('OURS', asked?.as ?? 'OURS').replaceAll('RESOLVER', asked === undefined ? 'RESOLVER' : forDig(asked.resolver))
  const tail = cause === 'healthy' ? `; not asked: ${untested.map(({ what }) => what).join(', ')}` : seen(own.length > 0 ? own : proof, observations)
  return {
    state: reached,
    cause, side: config.ours && side === 'peer' ? 'ours' : side, hop: config.ours && hop === 'peer-server' ? 'our-server' : hop,
    actor: config.ours && actor === 'peer-admin' ? 'server-admin' : actor,
    confidence: confidenceOf(cause, own, observations),
    sentence: `${domain}: ${said}${tail}.`,
    evidence: evidenceOf(proof, observations),
    remedy: special?.remedy === undefined ? remedy.map(named) : [named(special.remedy)],
    untested,
  }
}

/** A resolver as dig takes it: `192.0.2.53`, or `192.0.2.53 -p 5300`. */
function forDig (resolver: string): string {
  const [, address = resolver, port = '53'] = /^\[?(.+?)\]?:(\d+)$/.exec(resolver) ?? []
  return port === '53' ? address : `${address} -p ${port}`
}

/** A fact that is sure goes before one that leaves it open. */
function worst (states: readonly State[]): State | undefined {
  return (['down', 'degraded', 'unknown', 'up'] as const).find(state => states.includes(state))
}

/** `proved`: every one of several vantages shows it; `likely`: some do, or nothing proves anything. */
function confidenceOf (cause: Cause, own: readonly Fault[], observations: readonly Observation[]): Confidence {
  if (cause === 'unknown') return 'likely'
  const vantages = new Set(observations.map(({ vantage }) => vantage))
  if (vantages.size < 2) return 'single-vantage'
  const agreeing = new Set(own.map(({ vantage }) => vantage))
  return cause === 'healthy' || cause === 'peer.partition' || agreeing.size === vantages.size ? 'proved' : 'likely'
}

function evidenceOf (proof: readonly Fault[], observations: readonly Observation[]): Verdict['evidence'] {
  const several = observations.length > 1
  return proof
    .map(({ text, endpoint, vantage }) => ({ text, ...(endpoint === undefined ? {} : { endpoint }), ...(several ? { vantage } : {}) }))
    .toSorted((a, b) => key(a) < key(b) ? -1 : 1)
}

function key ({ endpoint = '', text, vantage = '' }: Verdict['evidence'][number]): string {
  return [endpoint, text, vantage].join(' ')
}

/** The facts, each once, and where: " (2 endpoints: TCP refused; xmpp.partner.example:5269, 192.0.2.3: TCP timeout)". */
function seen (faults: readonly Fault[], observations: readonly Observation[]): string {
  const facts = Map.groupBy(faults, ({ text }) => text)
  const told = [...facts].toSorted(([a], [b]) => a < b ? -1 : 1).map(([text, those]) => {
    const places = [...new Set(those.flatMap(({ endpoint }) => endpoint ?? []))]
    return places.length === 0 ? text : `${places.length === 1 ? placeOf(places[0] ?? '', observations) : `${places.length} endpoints`}: ${text}`
  })
  const more = told.length - TOLD
  return told.length === 0 ? '' : ` (${[...told.slice(0, TOLD), ...(more > 0 ? [`${more} more`] : [])].join('; ')})`
}

function placeOf (id: string, observations: readonly Observation[]): string {
  const endpoint: EndpointObservation | undefined = observations.flatMap(({ endpoints }) => endpoints).find(each => each.id === id)
  return endpoint === undefined ? id : `${endpoint.target}:${endpoint.port}${endpoint.target === endpoint.address ? '' : `, ${endpoint.address}`}`
}

function untestedOf (observations: readonly Observation[]): Untested[] {
  const found: Untested[] = [{ what: 'dialback', needs: 'a check that sends a key' }, { what: 'the inbound direction', needs: 'a check of our own domain from outside' }]
  if (!observations.some(({ asked }) => asked.clientCertificate)) found.push({ what: 'EXTERNAL', needs: '--cert FILE --key FILE' })
  if (!observations.some(({ asked }) => asked.as !== undefined)) found.push({ what: 'whether the peer claims our domain', needs: '--as OURS' })
  for (const family of [4, 6] as const) if (!observations.some(({ asked }) => asked.families.includes(family))) found.push({ what: `IPv${family}`, needs: `a vantage with IPv${family}` })
  if (new Set(observations.map(({ vantage }) => vantage)).size < 2) found.push({ what: 'other vantages', needs: 'dialtone judge with observations from elsewhere' })
  return found
}
