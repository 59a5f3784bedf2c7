// What several vantages together prove about one of our domains. Each rule tells one group of causes, or nothing.
import type { Observation, PeerReach } from '@dialtone/contracts'
import { CALLBACK_CAUSES } from '../deep-proofs.ts'
import type { Fault } from '../faults.ts'
import { addressOf } from '../place.ts'
import { alive, differencesOf, foreign, otherRecords, sound, through } from './compare.ts'
import { networkOfAddress, outboundBlocked } from './reach.ts'
import { as, beside, type Ruling } from './ruling.ts'
import { callsKeyInvalid, networksOf, testifying, type Testimony } from './testimony.ts'

/** By job and side: our internal address; our published one from inside and from outside; peers, in our name. */
export type Sides = { internal: readonly Testimony[], hairpin: readonly Testimony[], outside: readonly Testimony[], peers: readonly Testimony[] }

/** The service answers inside, and nobody outside can open a connection to what we publish. */
export function inbound ({ internal, hairpin, outside }: Sides): Ruling | undefined {
  const world = testifying(outside)
  if (world.length === 0 || !world.every(({ view }) => view === 'unreached')) return undefined
  const within = [...internal, ...hairpin].filter(({ observation, view }) => view === 'works' || alive(observation))
  if (within.length === 0) return undefined
  const faults = world.flatMap(({ proofs }) => proofs.faults.filter(({ endpoint }) => endpoint !== undefined))
  const dropped = isDropped(world)
  return {
    cause: dropped ? 'path.inbound-blocked' : 'path.inbound-refused',
    proof: [...as(dropped ? 'path.inbound-blocked' : 'path.inbound-refused', faults), ...within.map(each => beside('the service answers inside', each))],
    agree: [...world, ...within], relevant: [...world, ...testifying(internal)], primary: world,
    doubted: [{ cause: 'service.down', because: 'it answers inside vantages' }, { cause: 'peer.unreachable', because: 'inside vantages reach the service' }],
  }
}

/** An endpoint times out, and no router says of it that it is unreachable: they say so of some packets only, and the next attempt times out all the same. */
function isDropped (world: readonly Testimony[]): boolean {
  const tried = world.flatMap(({ observation }) => observation.endpoints.flatMap(({ id, steps }) => steps.flatMap(({ failure }) => failure?.at === 'tcp' ? [{ id, why: failure.why }] : [])))
  return [...Map.groupBy(tried, ({ id }) => id).values()].some(each => each.some(({ why }) => why === 'timeout') && !each.some(({ why }) => why === 'unreachable'))
}

/** Nobody inside reaches any peer, and others do. Two peers in different networks, so that it is not a rule about one of them. */
export function outbound (reach: readonly PeerReach[], peers: readonly Testimony[]): Ruling | undefined {
  const blocked = outboundBlocked(reach)
  if (blocked === undefined) return undefined
  const inside = testifying(peers.filter(({ standpoint }) => standpoint.side === 'inside'))
  const unreached = inside.filter(({ view }) => view === 'unreached')
  return {
    cause: 'path.outbound-blocked', agree: unreached, relevant: inside, primary: unreached, confidence: 'proved',
    proof: blocked.map(peer => ({ cause: 'path.outbound-blocked' as const, text: `${peer} is reached from outside and not from inside`, vantage: unreached[0]?.standpoint.vantage ?? 'inside' })),
    doubted: [{ cause: 'peer.unreachable', because: 'outside vantages reach the peers' }],
  }
}

/** Not even inside does it answer. What answers outside all the same is another server, unless it shows our certificate: then a gateway stands in front of a dead service. */
export function serviceDown ({ internal, hairpin, outside }: Sides): Ruling | undefined {
  const inside = testifying(internal)
  if (inside.length === 0 || !inside.every(({ view }) => view === 'unreached')) return undefined
  const faults = inside.flatMap(({ proofs }) => proofs.faults.filter(({ endpoint }) => endpoint !== undefined))
  const world = testifying([...outside, ...hairpin])
  const answering = world.filter(({ view, observation }) => view === 'works' || alive(observation) || foreign(observation))
  const common = { relevant: inside, primary: inside }
  if (answering.length === 0) {
    return { ...common, cause: 'service.down', proof: [...as('service.down', faults), ...world.filter(({ view }) => view === 'unreached').map(each => beside('nor is it reached at the public address', each))], agree: [...inside, ...world.filter(({ view }) => view === 'unreached')], says: 'our own service does not listen, not even for inside vantages', doubted: world.length === 0 ? [] : [{ cause: 'path.inbound-blocked', because: 'inside vantages do not reach the service either' }] }
  }
  const ourCertificate = answering.some(({ observation }) => observation.endpoints.some(e => through(e) && sound(e, observation)))
  const heard = answering.map(each => beside(ourCertificate ? 'at the public address a server with a valid certificate of the domain answers' : 'a server answers at the public address', each))
  if (ourCertificate) return { ...common, cause: 'service.down', confidence: 'likely', proof: [...as('service.down', faults), ...heard], agree: inside, says: 'the service behind what answers outside does not listen at its internal address', wouldDecide: ['whether the internal address is right: internal of the domain'] }
  return { ...common, cause: 'service.wrong-box', proof: [...as('service.wrong-box', faults, { says: 'our service does not listen, and another server answers at our public address' }), ...heard], agree: [...inside, ...answering], confidence: networksOf([...inside, ...answering]).size > 1 ? 'likely' : 'single-vantage', wouldDecide: ['the certificate that our own server would show'] }
}

/** Outside vantages are answered otherwise than inside ones: by another server, or by ours with something in between. */
export function altered ({ internal, hairpin, outside }: Sides): Ruling | undefined {
  const world = testifying(outside)
  const within = testifying([...internal, ...hairpin]).filter(({ view }) => view === 'works')
  if (within.length === 0 || world.length === 0) return undefined
  const found = world.map(each => ({ each, differences: differencesOf(each, within) }))
  // Those whom nothing disturbs make it a matter of the others' way there: a partition, which is told elsewhere.
  if (found.some(({ differences }) => differences.length === 0)) return undefined
  const all = found.flatMap(({ each, differences }) => differences.map(difference => ({ ...difference, vantage: each.standpoint.vantage })))
  const cause = all.some(({ another }) => another) ? 'service.wrong-box' : 'path.interfered'
  const stops = !world.some(({ view }) => view === 'works')
  const proof: Fault[] = all.filter(({ another }) => another === (cause === 'service.wrong-box')).map(({ endpoint, text, vantage }) => ({ cause, text, endpoint, vantage, ...(stops ? {} : { state: 'degraded' }) }))
  return {
    cause, agree: [...world, ...within], relevant: world, primary: world,
    proof: [...proof, ...within.map(each => beside('inside, every stage succeeds', each))],
    ...(cause === 'service.wrong-box' ? { says: 'our public address is answered by another server than inside vantages see' } : { says: 'outside vantages get another stream than inside ones: something on the way alters it' }),
    doubted: world.flatMap(({ proofs }) => [...proofs.faults, ...(proofs.works ? proofs.soft : [])].map(fault => ({ cause: fault.cause, because: 'inside vantages do not see it' }))),
    ...(stops ? {} : { state: 'degraded' as const }),
  }
}

/** Nobody outside reaches it, and nobody inside has looked at the service. */
export function unreachable ({ internal, hairpin, outside }: Sides): Ruling | undefined {
  const all = testifying(outside).length > 0 ? testifying(outside) : testifying(internal).length > 0 ? [] : testifying(hairpin)
  if (all.length === 0 || !all.every(({ view }) => view === 'unreached')) return undefined
  const faults = all.flatMap(({ proofs }) => proofs.faults.filter(({ endpoint }) => endpoint !== undefined))
  return {
    cause: 'peer.unreachable', proof: as('peer.unreachable', faults), agree: all, relevant: all, primary: all,
    says: 'no vantage reaches any published endpoint', wouldDecide: [all[0]?.standpoint.side === 'outside' ? 'an inside vantage that asks the service at its internal address: it tells a closed firewall from a dead server' : 'an outside vantage: firewalls seldom lead inside traffic to the public address'],
    remedy: ['Look at the service first: is it running and listening (ss -ltnp | grep 5269)? If it is, the firewall or NAT rule for TCP 5269 is next.', 'Let an inside vantage check the internal address of DOMAIN: then it is known which of the two it is.'],
  }
}

/** It works for the world, and not at its own internal address. */
export function insideBroken ({ internal }: Sides): Ruling | undefined {
  const inside = testifying(internal)
  const failing = inside.filter(({ view }) => view === 'stopped')
  const [first] = failing.flatMap(({ proofs }) => proofs.faults).filter(({ cause }) => cause !== 'unknown')
  if (first === undefined || failing.length < inside.length) return undefined
  const proof = failing.flatMap(({ proofs }) => proofs.faults).map((fault): Fault => ({ ...fault, state: 'degraded' }))
  return { cause: first.cause, proof, state: 'degraded', agree: failing, relevant: inside, primary: failing, note: 'outside vantages get through all the same: another node or a gateway answers them' }
}

/** Records that differ, told one by one. */
const DIFFERENCES_TOLD = 6

/** Resolvers inside and outside say other things. Where the world disagrees with itself, it is no view of ours but records that depend on who asks. */
export function splitView ({ hairpin, outside }: Sides): Ruling | undefined {
  const differing = hairpin.map(each => ({ each, from: outside.map(other => ({ other, texts: otherRecords(each.observation, other.observation) })) }))
    .filter(({ from }) => from.length > 0 && from.every(({ texts }) => texts.length > 0))
  const [first] = differing
  if (first === undefined || differing.length < hairpin.filter(({ observation }) => observation.dns.length > 0).length) return undefined
  const [reference, ...others] = outside
  if (reference !== undefined && others.some(other => otherRecords(reference.observation, other.observation).length > 0)) return undefined
  const proof = differing.flatMap(({ each, from }) => (from[0]?.texts ?? []).slice(0, DIFFERENCES_TOLD).map((text): Fault => ({ cause: 'dns.split-view', text, vantage: each.standpoint.vantage })))
  return { cause: 'dns.split-view', proof, agree: [...differing.map(({ each }) => each), ...outside], relevant: [...hairpin, ...outside], primary: outside }
}

/**
 * What authenticating showed of our own server. A probe outside is the peer here: where our server cannot call it back, its way out is closed. And what deep
 * checks of peers in our name say of our endpoints: they must all know one secret.
 */
export function ownDeep ({ internal, hairpin, outside, peers }: Sides): Ruling | undefined {
  const deep = outside.filter(({ proofs }) => proofs.works && proofs.deep !== undefined)
  const callback = deep.filter(({ proofs }) => proofs.deep?.faults.some(({ cause }) => CALLBACK_CAUSES.has(cause)))
  if (callback.length > 0 && callback.length === deep.length) {
    const faults = callback.flatMap(({ proofs }) => proofs.deep?.faults.filter(({ cause }) => cause === 'dialback.callback-blocked') ?? [])
    const certain = networksOf(callback).size > 1
    const carried = callback.some(({ proofs }) => (proofs.deep?.carried.length ?? 0) > 0)
    if (faults.length > 0) {
      return {
        cause: 'dialback.callback-blocked', agree: callback, relevant: deep, primary: callback, state: certain && !carried ? 'down' : 'degraded',
        proof: as('dialback.callback-blocked', faults, certain ? {} : { unsure: true }), says: 'our own server takes connections, and does not get through to the probe to ask about its key',
        remedy: ['Allow TCP 5269 outwards from the XMPP server, and let it ask a resolver that works: to believe a peer by dialback it must reach that peer.', 'If no other probe sees it, look whether the listener of this probe can be reached.'],
        wouldDecide: certain ? [] : ['a second outside vantage with a probe domain'],
      }
    }
  }
  const asking = peers.filter(({ proofs }) => proofs.deep !== undefined)
  const faults = asking.flatMap(({ proofs, observation }) => (proofs.deep?.faults ?? [])
    .filter(fault => (fault.cause === 'dialback.denied' || (fault.cause === 'dialback.callback-misdirected' && fault.side === 'ours')) && !isLeft(fault, observation, [...internal, ...hairpin, ...outside])))
  const [first] = faults
  if (first === undefined) return deniedToPeers(peers, outside)
  const cause = faults.some(fault => fault.cause === 'dialback.denied') ? 'dialback.denied' : first.cause
  const agree = asking.filter(({ proofs }) => proofs.deep?.faults.some(fault => fault.cause === cause))
  return { cause, proof: faults.filter(fault => fault.cause === cause), agree, relevant: agree, primary: outside }
}

/** What was seen at an address of ours to which our records lead for nobody any more: deep checks are of half an hour ago, and this was mended since. */
function isLeft ({ endpoint = '' }: Fault, { endpoints }: Observation, looking: readonly Testimony[]): boolean {
  const asked = addressOf(endpoint)
  if (asked === undefined || endpoints.some(({ id }) => id === endpoint)) return false
  const published = looking.flatMap(({ observation }) => observation.endpoints.map(({ address }) => address))
  return published.length > 0 && !published.includes(asked)
}

/**
 * Peers in different networks, none of which serves our domain, call true keys invalid: whoever answers for us at our public address has another secret. One of them alone may
 * be led elsewhere by its own resolver.
 */
function deniedToPeers (peers: readonly Testimony[], outside: readonly Testimony[]): Ruling | undefined {
  const denying = peers.filter(callsKeyInvalid)
  const networks = denying.map(({ observation }) => observation.endpoints.map(({ address }) => networkOfAddress(address)))
  if (!networks.some(one => one.length > 0 && networks.some(other => other.length > 0 && !other.some(network => one.includes(network))))) return undefined
  return {
    cause: 'dialback.denied', agree: denying, relevant: denying, primary: outside, confidence: 'likely',
    proof: denying.map(({ observation, standpoint }) => ({ cause: 'dialback.denied' as const, text: `${observation.domain} calls our key invalid, and does not serve our domain`, vantage: standpoint.vantage, unsure: true })),
    says: 'several peers call true keys of ours invalid: a server that answers for us has another secret',
    wouldDecide: ['a check of each of our endpoints from where it can be reached: which of them denies the key'],
  }
}
