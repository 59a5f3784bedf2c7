// What several vantages together prove about the way from one of ours to a peer.
import type { FleetConfig, FleetVerdict, PeerReach } from '@dialtone/contracts'
import { PROFILE_DATA } from '@dialtone/checks'
import { sameAddress } from '@dialtone/discovery'
import { LOG, NOT_KNOWN_HERE } from '../callback-faults.ts'
import { CALLBACK_CAUSES } from '../deep-proofs.ts'
import { SOFT_ORDER } from '../causes/order.ts'
import type { Fault } from '../faults.ts'
import { differencesOf, showsSound, sound, through } from './compare.ts'
import { connected, outboundBlocked } from './reach.ts'
import { as, beside, type Ruling } from './ruling.ts'
import { callsKeyInvalid, testifying, type Testimony } from './testimony.ts'

/** `primary`: whose way is that of our server. `inOurName`: who asked as ours, from anywhere. */
export type PairSides = { primary: readonly Testimony[], inside: readonly Testimony[], outside: readonly Testimony[], inOurName: readonly Testimony[] }

/** A claim at one of our own addresses is none: who answers there is ours. */
export function withoutOwnClaims (each: Testimony, addresses: readonly string[]): Testimony {
  const { proofs, observation: { endpoints } } = each
  const isOurs = ({ cause, endpoint }: Fault) => cause === 'dialback.domain-claimed' && endpoints.some(({ id, address }) => id === endpoint && addresses.some(ours => sameAddress(ours, address)))
  return addresses.length > 0 && proofs.faults.some(isOurs) ? { ...each, proofs: { ...proofs, faults: proofs.faults.filter(fault => !isOurs(fault)) } } : each
}

/**
 * What peers said of callbacks while our own domain could not be reached is of that time: since it can be, nobody has asked. `openedAt`: since when; milliseconds.
 */
export function withoutOldCallbacks (each: Testimony, openedAt: number | undefined): Testimony {
  const { deepAt, proofs } = each
  const { deep, ...light } = proofs
  if (openedAt === undefined || deepAt === undefined || deep === undefined || deepAt >= openedAt) return each
  if (deep.faults.length === 0 || !deep.faults.every(({ cause }) => CALLBACK_CAUSES.has(cause))) return each
  const { authenticated: _, ...rest } = each
  return { ...rest, proofs: light }
}

/** The peer answers for our domain: even when every stage passed, and whoever saw it. */
export function claimed (heard: readonly Testimony[]): Ruling | undefined {
  const all = heard.map(each => ({ each, faults: [...each.proofs.faults, ...each.proofs.deep?.faults ?? []].filter(({ cause }) => cause === 'dialback.domain-claimed') }))
  const agree = all.filter(({ faults }) => faults.length > 0).map(({ each }) => each)
  if (agree.length === 0) return undefined
  const asked = heard.filter(each => agree.includes(each) || each.observation.claim.some(({ role, answer }) => role === 'claim' && answer === 'denies'))
  return { cause: 'dialback.domain-claimed', proof: all.flatMap(({ faults }) => faults), agree, relevant: asked, primary: agree }
}

/** Nobody inside gets a connection: to any peer, to this one alone, or nobody anywhere does. */
export function outwards ({ inside, outside }: PairSides, reach: readonly PeerReach[]): Ruling | undefined {
  const within = testifying(inside)
  if (within.length === 0 || !within.every(({ view }) => view === 'unreached')) return undefined
  const faults = within.flatMap(({ proofs }) => proofs.faults.filter(({ endpoint }) => endpoint !== undefined))
  const world = testifying(outside)
  // The usual port is tried where no published one answers: who gets through there has not reached what is published.
  const reaching = world.filter(({ view, observation }) => view === 'works' || observation.endpoints.some(e => e.source !== 'port-probe' && connected(e) === true))
  const blocked = outboundBlocked(reach)
  const [subject] = within
  const peer = subject?.observation.domain ?? ''
  if (world.length > 0 && reaching.length === 0) return undefined
  // Where nobody else has looked, DNS says why before our path does: a port that is not the published one, a fallback to nobody. Where others get through, it does not.
  if (reaching.length === 0 && within.some(({ proofs }) => proofs.faults.some(({ cause }) => cause.startsWith('dns.') && cause !== 'dns.resolver-unavailable'))) return undefined
  const seen = reaching.map(each => beside('outside, the peer is reached', each))
  const common = { relevant: [...within, ...world], primary: within, agree: [...within, ...reaching], doubted: reaching.length === 0 ? [] : [{ cause: 'peer.unreachable' as const, because: 'outside vantages reach the peer' }] }
  if (blocked !== undefined) {
    const others = blocked.filter(name => name !== peer)
    const more: Partial<Fault> = reaching.length === 0 ? { unsure: true } : {}
    return { ...common, cause: 'path.outbound-blocked', proof: [...as('path.outbound-blocked', faults, more), ...(subject === undefined ? [] : others.map(name => beside(`neither is ${name} reached from inside, and from outside it is`, subject))), ...seen] }
  }
  if (reaching.length === 0) return undefined
  const others = reach.filter(each => each.peer !== peer)
  const reached = others.find(each => each.inside === 'reached')
  const proof = [...as('path.peer-blocked', faults, reached === undefined ? { unsure: true } : {}), ...seen]
  return {
    ...common, cause: 'path.peer-blocked', proof,
    ...(reached === undefined ? { says: 'this peer is unreachable from inside, and outside vantages reach it', wouldDecide: ['another peer in another network: whether our way out is closed, or the way to this peer alone'] } : { note: `inside vantages do reach ${reached.peer}` }),
  }
}

/** Above TCP, the same address answers those in our network otherwise than others: who gets through or, where nobody does, who at least was shown the right certificate. */
export function alteredPeer ({ primary, outside }: PairSides): Ruling | undefined {
  const within = testifying(primary).filter(({ standpoint }) => standpoint.side === 'inside')
  const getThrough = testifying(outside).filter(({ view }) => view === 'works')
  const world = getThrough.length > 0 ? getThrough : testifying(outside).filter(showsSound)
  if (within.length === 0 || world.length === 0) return undefined
  const found = within.map(each => ({ each, differences: differencesOf(each, world) }))
  if (found.some(({ differences }) => differences.length === 0)) return undefined
  const stops = found.every(({ each }) => each.view !== 'works')
  const proof = found.flatMap(({ each, differences }) => differences.map(({ endpoint, text }): Fault => ({ cause: 'path.interfered', text, endpoint, vantage: each.standpoint.vantage, ...(stops ? {} : { state: 'degraded' }) })))
  return {
    cause: 'path.interfered', agree: [...within, ...world], relevant: [...within, ...testifying(outside)], primary: within, proof: [...proof, ...world.map(each => beside(getThrough.length > 0 ? 'outside, the same address answers as it should' : 'outside, the same address shows a certificate of the peer that is trusted', each))],
    doubted: within.flatMap(({ proofs }) => [...proofs.faults, ...(proofs.works ? proofs.soft : [])]).filter(({ cause }) => !world.some(({ proofs }) => proofs.faults.some(fault => fault.cause === cause))).map(({ cause }) => ({ cause, because: 'outside vantages do not see it at the same address' })),
  }
}

/**
 * It works from inside, and those outside, whom it works for as well, find an endpoint dead that nobody inside can try: IPv6, where our network has none. Who has it is
 * kept waiting.
 */
export function withDeadOutOfReach (ruling: Ruling, { primary, outside }: PairSides): Ruling {
  if (ruling.cause !== 'healthy' && !SOFT_ORDER.includes(ruling.cause)) return ruling
  const tried = ({ observation }: Testimony) => new Set(observation.endpoints.filter(e => connected(e) !== undefined).map(({ id }) => id))
  const byUs = new Set(primary.flatMap(each => [...tried(each)]))
  const outOfReach = new Set(primary.flatMap(({ proofs }) => proofs.untried.flatMap(({ endpoint }) => endpoint ?? [])).filter(id => !byUs.has(id)))
  const world = outside.filter(({ view }) => view === 'works')
  const dead = [...outOfReach].filter(id => {
    const looked = world.filter(each => tried(each).has(id))
    return looked.length > 0 && looked.every(({ proofs }) => proofs.faults.some(({ endpoint }) => endpoint === id))
  })
  if (dead.length === 0) return ruling
  const saw = world.filter(each => dead.some(id => tried(each).has(id)))
  return {
    cause: 'degraded.endpoint-dead', agree: saw, relevant: saw, primary, proof: saw.flatMap(({ proofs }) => proofs.faults.filter(({ endpoint }) => endpoint !== undefined && dead.includes(endpoint))),
    note: 'nobody in our own network can try it',
  }
}

/** What those outside add to what was decided by those inside: they agree, or it is not known whether the way is the same from our network. */
export function peerOnlyFromOutside (sides: PairSides, ruling: Ruling): Ruling {
  const { primary, outside } = sides
  if (primary.some(({ standpoint }) => standpoint.side === 'outside')) {
    return { ...ruling, wouldDecide: [...ruling.wouldDecide ?? [], ...(ruling.cause === 'healthy' ? [] : ['an inside vantage: the way of our own server'])] }
  }
  const agreeing = outside.filter(({ proofs }) => ruling.cause === 'healthy' ? proofs.works : [...proofs.faults, ...proofs.soft].some(({ cause }) => cause === ruling.cause))
  const proof = [...ruling.proof, ...agreeing.flatMap(({ proofs }) => [...proofs.faults, ...proofs.soft].filter(({ cause }) => cause === ruling.cause))]
  return { ...ruling, proof, agree: [...ruling.agree, ...agreeing], ...(ruling.cause === 'peer.unreachable' && outside.length === 0 ? { wouldDecide: ['an outside vantage: whether the peer is dead, or our way to it closed'] } : {}) }
}

/**
 * With dialback our outgoing messages need the way in. Where that is closed, it is the cause of a callback that fails, and of a peer in clear that can only
 * call back, whatever the stages that were asked say.
 */
export function explainedByOurs (ruling: Ruling, own: FleetVerdict | undefined, { primary }: PairSides, { profile }: FleetConfig): Ruling {
  if (own?.cause === 'dialback.denied' && ruling.cause === 'unknown' && primary.some(callsKeyInvalid)) {
    const denied = ruling.proof.map(({ text, endpoint, vantage }): Fault => ({ cause: own.cause, text, vantage, unsure: true, ...(endpoint === undefined ? {} : { endpoint }) }))
    return { cause: own.cause, side: own.side, agree: ruling.agree, relevant: ruling.relevant, primary, confidence: 'likely', says: 'it calls our key invalid, as other peers do: a server that answers for us has another secret', remedy: own.remedy, proof: denied }
  }
  if (own?.state !== 'down' || !closesTheWayIn(own)) return ruling
  const carried = primary.some(({ proofs }) => (proofs.deep?.carried.length ?? 0) > 0)
  const said = { cause: own.cause, side: own.side, agree: ruling.agree, relevant: ruling.relevant, primary, doubted: [...ruling.doubted ?? [], { cause: ruling.cause, because: 'our own domain cannot be reached, and the peer must call back' }], remedy: own.remedy }
  const vantage = primary[0]?.standpoint.vantage ?? 'here'
  const fact: Fault = { cause: own.cause, text: own.sentence.replace(/\.$/, ''), vantage }
  if (CALLBACK_CAUSES.has(ruling.cause)) {
    return { ...said, state: carried ? 'degraded' : 'down', says: 'it cannot call back, because our own domain cannot be reached', proof: [fact, ...ruling.proof] }
  }
  const onlyDialback = primary.some(({ view }) => view === 'works') && primary.every(({ observation, view }) => view !== 'works' || observation.endpoints.filter(through).every(({ tls }) => tls === undefined))
  if (carried || !works(ruling) || !(onlyDialback || PROFILE_DATA[profile].authentication === 'dialback')) return ruling
  return { ...said, state: 'down', confidence: 'likely', says: 'it is reached, and must call back before it believes us; our own domain cannot be reached', proof: [fact, ...ruling.proof] }
}

/**
 * That those inside do not reach our public address is usual (no hairpin), and says nothing about whom the peer reaches. Where our own domain is known to be closed, that
 * has been told before.
 */
export function withoutHairpin (ruling: Ruling, { inside }: PairSides): Ruling {
  const own = ruling.proof.filter(({ cause }) => cause === ruling.cause)
  const within = new Set(inside.map(({ standpoint }) => standpoint.vantage))
  if (ruling.cause !== 'dialback.callback-blocked' || !own.every(({ fromHere, vantage }) => fromHere === true && within.has(vantage))) return ruling
  return { ...ruling, cause: 'unknown', proof: ruling.proof.map(fault => own.includes(fault) ? { ...fault, cause: 'unknown' } : fault), says: NOT_KNOWN_HERE, remedy: [LOG], wouldDecide: [LOG] }
}

/** A cause of ours that keeps a callback from arriving. */
export function closesTheWayIn ({ cause, side }: Pick<FleetVerdict, 'cause' | 'side'>): boolean {
  return (side === 'ours' || side === 'path') && (cause.startsWith('path.inbound') || cause.startsWith('service.') || (cause.startsWith('dns.') && cause !== 'dns.resolver-unavailable') || cause === 'path.interfered')
}

/** A cause of ours that keeps our server from calling: it hurts those who are believed by dialback. */
export function closesTheWayOut ({ cause }: Pick<FleetVerdict, 'cause'>): boolean {
  return cause === 'dns.resolver-unavailable' || cause === 'path.outbound-blocked'
}

/** It shows a certificate by which it can be believed without calling it back. */
export function showsSoundCertificate (heard: readonly Testimony[]): boolean {
  return heard.some(({ observation }) => observation.endpoints.some(e => through(e) && sound(e, observation)))
}

function works ({ cause, state }: Ruling): boolean {
  return state === undefined && (cause === 'healthy' || cause.startsWith('degraded.') || cause.startsWith('certificate.'))
}
