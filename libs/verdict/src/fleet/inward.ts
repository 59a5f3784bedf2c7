// The way from a peer to one of ours: our own domain's, unless something is known of this peer.
import type { FleetConfig, FleetVerdict } from '@dialtone/contracts'
import { PROFILE_DATA } from '@dialtone/checks'
import { CAUSE_ROWS } from '../causes/index.ts'
import { CALLBACK_CAUSES } from '../deep-proofs.ts'
import type { Fault } from '../faults.ts'
import { fleetVerdictOf, type About } from './fleet-verdict-of.ts'
import type { inboundAtGateways } from './gateway-facts.ts'
import { closesTheWayOut, showsSoundCertificate, type PairSides } from './pair-rules.ts'
import type { Ruling } from './ruling.ts'
import type { Hearing, Testimony } from './testimony.ts'

type Given = { ruling: Ruling, own: FleetVerdict | undefined, sides: PairSides, hearing: Hearing, about: About, config: FleetConfig, gateways: ReturnType<typeof inboundAtGateways> }

export function inward (given: Given): FleetVerdict {
  const { ruling, own, sides, hearing, about, config, gateways: { arrived, silent } } = given
  const told = (some: Partial<Ruling> & Pick<Ruling, 'cause'>): FleetVerdict => fleetVerdictOf({ proof: [], agree: [], relevant: [], primary: [], ...some }, hearing, { ...about, untested: [] })
  if (ruling.cause === 'policy.refused-by-us' && config.stoppedByUs !== undefined) return told({ ...ruling, primary: [] })
  if (ruling.cause === 'dialback.domain-claimed') return told({ ...ruling, primary: [], says: 'what the peer sends to our domain stays with the peer, which treats it as its own' })

  const state = own === undefined ? undefined : byOwn(own, sides, config)
  if (own !== undefined && state === 'down') return ofOwn(own, state, about)
  const callback = callbackOf(sides)
  if (callback.fault !== undefined) return told(callback.fault)
  if (BOTH_WAYS.has(ruling.cause) && !showsSoundCertificate(hearing.heard)) {
    return told({ ...ruling, primary: [], confidence: 'likely', says: `${ruling.says ?? CAUSE_ROWS[ruling.cause].says}; and whom our server cannot call back, it does not believe by dialback` })
  }
  if (own !== undefined && state === 'degraded') return ofOwn(own, state, about)
  if (callback.arrived.length > 0) return told({ cause: 'healthy', agree: callback.arrived, relevant: callback.arrived, says: 'its callback reached our own server', note: UNSEEN })
  if (arrived.length > 0) return told({ cause: 'healthy', confidence: 'proved', proof: arrived, says: 'it proves itself to our own gateway', note: UNSEEN })
  if (own === undefined || own.state === 'unknown' || own.side === 'observer') return told({ cause: 'unknown', proof: silent, says: 'nobody has seen whether our own domain can be reached', wouldDecide: ['an outside vantage that checks our own domain'] })
  if (ruling.cause === 'policy.refused-by-peer') return told({ cause: 'unknown', says: 'our own domain can be reached; whether a peer that refuses us sends anything was not seen', wouldDecide: ['the log of our own server'] })
  if (silent.length > 0) return told({ cause: 'healthy', confidence: 'likely', proof: silent, says: 'our own domain can be reached from outside', note: 'for a day nothing has come from this peer while our stanzas reached it: it may have nothing to say, or not get through', wouldDecide: ['a deep check of the pair, in our name', 'the log of the peer'] })
  return told({ cause: 'healthy', confidence: 'likely', says: 'our own domain can be reached from outside', note: `whether this peer itself gets through was not seen: needs a dialback in the name of OURS` })
}

const UNSEEN = 'what else it sends was not seen'

/** Causes of the way to the peer that keep our server from calling it back. */
const BOTH_WAYS: ReadonlySet<string> = new Set(['path.outbound-blocked', 'path.peer-blocked', 'peer.unreachable', 'dns.resolver-unavailable'])

/** How much of it our own domain's fault explains: those whom a certificate carries need no callback from us. */
function byOwn (own: FleetVerdict, { inside, outside }: PairSides, { profile }: FleetConfig): 'down' | 'degraded' | undefined {
  if (own.side !== 'ours' && own.side !== 'path') return undefined
  if (own.state === 'down') return closesTheWayOut(own) && showsSoundCertificate([...inside, ...outside]) ? 'degraded' : 'down'
  if (own.state !== 'degraded') return undefined
  return own.cause.startsWith('certificate.') && PROFILE_DATA[profile].authentication === 'certificate' ? 'down' : 'degraded'
}

/** As our own domain's verdict, so that it is one fault: what mends the domain mends the pair. */
function ofOwn (own: FleetVerdict, state: 'down' | 'degraded', { ours }: About): FleetVerdict {
  const carried = state === 'degraded' && own.state === 'down' ? '; who shows a valid certificate gets through' : ''
  return { ...own, state, sentence: `${own.sentence.replace(/\.$/, '')}${carried}.`, untested: [], ...(own.sentence.startsWith(`${ours}:`) ? {} : { sentence: `${ours}: ${own.sentence}` }) }
}

/** What deep checks in our name saw of the peer's callback to our real server: it failed, or the dialback that needs it went well. */
function callbackOf ({ inOurName }: PairSides): { fault?: Ruling, arrived: readonly Testimony[] } {
  const deep = inOurName.filter(({ proofs }) => proofs.deep !== undefined)
  const arrived = deep.filter(({ proofs, authenticated }) => authenticated?.deep?.depth === 'shared' && proofs.deep?.carried.some(({ by }) => by === 'dialback') === true)
  const failed = deep.filter(each => ofCallback(each).length > 0)
  if (failed.length === 0 || arrived.length > 0) return { arrived }
  const faults = failed.flatMap(ofCallback).map(({ state: _state, ...fault }) => fault)
  const [first] = faults
  return first === undefined ? { arrived } : { arrived, fault: { cause: first.cause, proof: faults.filter(({ cause }) => cause === first.cause), agree: failed, relevant: deep, primary: [] } }
}

/** That nobody inside reaches our public address (no hairpin) tells nothing about the peer. */
function ofCallback ({ proofs, standpoint }: Testimony): Fault[] {
  return proofs.deep?.faults.filter(({ cause, fromHere }) => CALLBACK_CAUSES.has(cause) && !(fromHere === true && standpoint.side === 'inside')) ?? []
}
