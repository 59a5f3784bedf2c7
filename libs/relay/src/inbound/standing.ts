/**
 * What a pair is to a zone: who is spoken to, who speaks, and what is demanded (invariants I3 and I8 of gateways.md 5.0). On external streams the peer
 * speaks to a domain of ours; on the streams of an internal zone one of its own domains speaks to a foreign one, for which we stand.
 */
import type { Decision, LegRules, Sides } from '@dialtone/routing'
import type { Pair, Rules } from '@dialtone/stream'
import type { World, Zone } from '../seams.ts'
import { unnamedLeg } from './unnamed.ts'

export type Standing = {
  /** `to` is a domain for which this zone speaks. */
  served: boolean
  /** `from` is one, too: nobody comes in its name (rows D13, R11). */
  ours: boolean
  /** Why nothing at all may pass between the two, in either direction. */
  denied?: string
  /** Stanzas of the pair may come in: new pairs, and those that are authenticated already. */
  welcome: boolean
  allowed: boolean
  sides?: Sides
  leg: LegRules
  /** Who may vouch for the speaker. */
  anchors: Zone['anchors']
  decision?: Decision
  /** What is demanded of the speaker where stanzas for it leave by a stream that it has opened (XEP-0288); absent where none may. */
  back?: { leg: LegRules, anchors: Zone['anchors'] }
}

/** Canonical domains, '' for one that was not named. */
export function standingOf (world: World, zone: Zone, pair: Pair): Standing {
  const { from, to } = pair
  const outside = zone.side === 'external'
  const [speaker, spoken] = [from === '' ? undefined : world.zoneOf(from), to === '' ? undefined : world.zoneOf(to)]
  // The gateway has a name of its own, which is spoken to from everywhere and from nowhere (gateways.md 5.11).
  const { host } = world.assignment.spec
  const served = to !== '' && (to === host || (outside ? spoken !== undefined : spoken === undefined && world.external !== undefined))
  const ours = from !== '' && (from === host || (outside ? speaker !== undefined : speaker === undefined))
  const nobody = { served, ours, welcome: false, allowed: false, leg: outside && (from === '' || to === '') ? unnamedLeg(world, zone) : zone.leg, anchors: zone.anchors }
  if (!outside && speaker !== undefined && speaker.name !== zone.name) return { ...nobody, denied: `${from} is of another zone` }
  if (from === '' || ours || !served) return nobody
  const sides = outside ? { ours: to, peer: from } : { ours: from, peer: to }
  // Stanzas of an inside server leave towards the peer.
  const [into, back] = outside ? ['inbound', 'outbound'] as const : ['outbound', 'inbound'] as const
  const decision = world.decide(sides, into)
  // An inside server is let in to be told that the peer is denied, by its stanzas' errors; else its users would see nothing but that it waits (gateways.md 5.3 step 1, 5.7).
  const allowed = !outside || isAllowed(decision)
  const leg = outside ? decision.leg : zone.leg
  const other = world.decide(sides, back)
  const denied = allowed || isAllowed(other) ? {} : { denied: `policy: ${sides.peer} and ${sides.ours} may not talk` }
  const wayBack = !outside ? { leg, anchors: zone.anchors } : isAllowed(other) ? { leg: other.leg, anchors: world.anchorsFor(other) } : undefined
  return { served, ours, ...denied, allowed, welcome: allowed && decision.wanted !== 'draining', sides, leg, anchors: outside ? world.anchorsFor(decision) : zone.anchors, decision, ...(leg.bidi && wayBack?.leg.bidi === true ? { back: wayBack } : {}) }
}

/** Whether stanzas for the speaker may leave by the stream on which it is authenticated, by what it has shown there. */
export function mayGoBack (standing: Standing, { from }: Pair, by: 'external' | 'dialback' | 'certificate', shown: Shown): boolean {
  const { back } = standing
  if (back === undefined || !standing.allowed || shown.protocol === undefined || tooOld(shown.protocol, back.leg)) return false
  return (by !== 'dialback' || back.leg.dialback !== 'never') && (back.leg.certificate === 'any' || shown.proves(from, { ...standing, ...back }))
}

function isAllowed ({ action, wanted }: Decision): boolean {
  return action !== 'deny' && wanted !== 'blocked'
}

/** What a stream has shown, as far as rules ask for it. */
export type Shown = {
  /** Of TLS, e.g. `TLSv1.3`; undefined in clear. */
  protocol: string | undefined
  /** What is said of our own limits (XEP-0478). */
  stanzaBytes: number
  idleMs: number
  /** Whether there is a certificate for the zone to show. */
  certificate: boolean
  /** It named a server that is not ours (row C10). */
  misnamed: boolean
  /** Its certificate is good for a domain, as the leg demands. */
  proves: (domain: string, standing: Standing) => boolean
}

/** The rules of the receiving table for a pair, and why it is denied. */
export function rulesOf (standing: Standing, { from }: Pair, shown: Shown): Rules & { says?: string } {
  const { leg, welcome, served, ours } = standing
  const says = standing.denied ?? (tooOld(shown.protocol, leg) ? `TLS ${leg.minTls} is needed` : undefined)
  return {
    served, ours, ...(says === undefined ? {} : { denied: true, says }),
    // Where TLS is demanded and there is no certificate, nothing goes on in clear either.
    tls: leg.tls === 'none' || (leg.tls === 'optional' && !shown.certificate) ? 'never' : leg.tls,
    // That TLS is missing is said before that a certificate is, which nobody can show without it (XEP-0220 §2.5).
    dialback: (welcome || standing.sides === undefined) && (isCertified(standing, from, shown) || (shown.protocol === undefined && leg.dialback === 'over-tls')) ? leg.dialback : 'never',
    external: leg.external && welcome && !shown.misnamed,
    withoutDialback: leg.withoutDialback && welcome,
    bidi: standing.back !== undefined && welcome,
    legacy: leg.dialback !== 'never',
    streamManagement: leg.streamManagement,
    limits: { maxBytes: standing.decision?.limits.stanzaBytes ?? shown.stanzaBytes, idleSeconds: Math.floor(shown.idleMs / 1000) },
  }
}

/** Whether a pair that is authenticated still may be, by this configuration; undefined when it may, else why not. */
export function withdrawal (standing: Standing, { from }: Pair, by: 'external' | 'dialback' | 'certificate', shown: Shown): string | undefined {
  const { leg } = standing
  if (standing.denied !== undefined) return standing.denied
  if (!standing.served || standing.ours || !standing.allowed) return 'policy: the pair is not allowed any more'
  if (leg.tls === 'required' && shown.protocol === undefined) return 'TLS is required'
  if (tooOld(shown.protocol, leg)) return `TLS ${leg.minTls} is needed`
  const stands = by === 'dialback' ? mayDialBack(standing, from, shown) : (by === 'external' ? leg.external : leg.withoutDialback) && shown.proves(from, standing)
  return stands ? undefined : `authentication by ${by} is not enough any more`
}

function mayDialBack (standing: Standing, from: string, shown: Shown): boolean {
  const { dialback } = standing.leg
  return dialback !== 'never' && (dialback === 'always' || shown.protocol !== undefined) && isCertified(standing, from, shown)
}

/** A key alone is not enough where a certificate is demanded. In clear nobody has shown one. */
function isCertified (standing: Standing, from: string, shown: Shown): boolean {
  return standing.leg.certificate === 'any' || from === '' || shown.proves(from, standing)
}

function tooOld (protocol: string | undefined, { minTls }: LegRules): boolean {
  return minTls === '1.3' && protocol !== undefined && protocol !== 'TLSv1.3'
}
