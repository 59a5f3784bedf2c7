/** What one configuration says of a pair: where its stanzas go or why they do not (I3), and what a route may do. */
import type { Endpoint, Refusal } from '@dialtone/contracts'
import { PAIR_LIMITS, type Decision, type Direction, type LegRules, type PairLimits, type Sides } from '@dialtone/routing'
import type { Pair } from '@dialtone/stream'
import type { OutStream, World } from '../seams.ts'

/** Of stanzas of a pair that came in through a zone: to which zone they go, to the gateway itself, or nowhere. */
export type LanePlan =
  | { goes: 'on', zone: string, sides: Sides, direction: Direction, decision: Decision, refusal: Refusal | undefined }
  | { goes: 'host', sides: Sides }
  | { goes: 'nowhere', refusal: Refusal, sides: Sides, says: string }

/** External to a domain of ours, or from a domain of this zone's to a foreign one: nothing else passes (I3). */
export function planLane (world: World, zoneName: string, { from, to }: Pair): LanePlan {
  const zone = world.zones.get(zoneName)
  const outside = zone?.side !== 'internal'
  const sides = outside ? { ours: to, peer: from } : { ours: from, peer: to }
  const nowhere = (refusal: Refusal, says: string): LanePlan => ({ goes: 'nowhere', refusal, sides, says })
  if (zone === undefined) return nowhere('internal-fault', `there is no zone ${zoneName} any more`)
  const [fromZone, toZone] = [world.zoneOf(from), world.zoneOf(to)]
  if (outside && fromZone !== undefined) return nowhere('same-zone', `${from} is a domain of ours, and cannot come from outside`)
  if (!outside && fromZone?.name !== zoneName) return nowhere('same-zone', `${from} is no domain of the zone ${zoneName}`)
  if (to === world.assignment.spec.host) return { goes: 'host', sides }
  if (outside && toZone === undefined) return nowhere('unknown-domain', `${to} is no domain of ours, and nothing goes from outside to outside`)
  if (!outside && toZone !== undefined) return nowhere('same-zone', `${from} and ${to} are both inside: their servers reach each other without the gateway`)
  const target = outside ? toZone : world.external
  if (target === undefined) return nowhere('unknown-domain', 'there is no external zone')
  const direction = outside ? 'inbound' : 'outbound'
  const decision = world.decide(sides, direction)
  return { goes: 'on', zone: target.name, sides, direction, decision, refusal: refusalOf(decision) }
}

/** What is refused before anything is asked or opened. What is draining finishes what there is, and takes nothing new. */
function refusalOf ({ action, wanted }: Decision): Refusal | undefined {
  return action === 'deny' ? 'policy-deny' : wanted === 'blocked' ? 'blocked' : wanted === 'draining' ? 'draining' : undefined
}

export type RouteRules = {
  side: 'external' | 'internal'
  /** Why everything that is for it ends. */
  refusal: Refusal | undefined
  /** What we say ourselves goes all the same: policy separates peers from each other, and an inside server is told so (gateways.md 5.3 step 1). */
  own: boolean
  wanted: 'enabled' | 'held' | 'draining'
  leg: LegRules
  limits: PairLimits
  /** Instead of records. */
  hops: readonly Endpoint[] | undefined
  /** Nothing says where the server is: only a component may bring a way. */
  unplaced: boolean
  allowNets: readonly string[]
  /** Zone in which the senders are told; undefined where they cannot be. */
  back: string | undefined
  host: string | undefined
  /** Bytes that may wait in all routes. */
  allBytes: number
  decision: Decision | undefined
  /** Whether a stream that was opened under other rules complies with these. */
  fits: (out: OutStream, before: RouteRules) => boolean
}

const ALL_BYTES = 64 * 1024 * 1024

/** Of stanzas that leave through a zone; `pair.from` is whom we speak as there. */
export function judgeRoute (world: World, zoneName: string, { from, to }: Pair): RouteRules {
  const zone = world.zones.get(zoneName)
  const { spec } = world.assignment
  const outside = zone?.side === 'external'
  const decision = zone === undefined ? undefined : world.decide(outside ? { ours: from, peer: to } : { ours: to, peer: from }, outside ? 'outbound' : 'inbound')
  const way = zone === undefined ? undefined : world.wayTo(to)
  const leg = outside && decision !== undefined ? decision.leg : zone?.leg
  const ours = outside ? from : to
  const known = ours === spec.host || world.zoneOf(ours) !== undefined
  const refusal = zone === undefined || decision === undefined || leg === undefined || zone.spec.desired === 'stopped' ? 'draining' : !known ? 'unknown-domain' : decision.action === 'deny' ? 'policy-deny' : decision.wanted === 'blocked' ? 'blocked' : undefined
  const rules: RouteRules = {
    side: outside ? 'external' : 'internal',
    refusal, own: refusal === undefined || (!outside && (refusal === 'policy-deny' || refusal === 'blocked')),
    wanted: decision?.action === 'hold' || decision?.wanted === 'held' ? 'held' : decision?.wanted === 'draining' ? 'draining' : 'enabled',
    leg: leg ?? NO_LEG,
    limits: decision?.limits ?? PAIR_LIMITS,
    hops: way === undefined || way.hops.length === 0 ? undefined : way.hops,
    unplaced: way !== undefined && way.hops.length === 0,
    allowNets: zone === undefined ? [] : [...zone.allowNets, ...world.allowNetsFor(to)],
    back: outside ? world.zoneOf(from)?.name : world.external?.name,
    host: spec.host,
    allBytes: spec.limits?.queuedBytes ?? ALL_BYTES,
    decision,
    fits: (out, before) => complies(out, before, rules),
  }
  return rules
}

const NO_LEG: LegRules = { tls: 'required', minTls: '1.2', certificate: 'valid', pins: [], dialback: 'never', external: false, withoutDialback: false, bidi: false, streamManagement: false }

/** What a stream has shown is known; where it is not, rules that ask for more than those it was opened under need a new one. */
function complies (out: OutStream, before: RouteRules, now: RouteRules): boolean {
  if (out.by === 'component') return true
  const { leg } = now
  // What its peer has shown is judged where it was shown.
  if (out.by === 'bidi') return leg.bidi
  const { tls } = out.view()
  if (leg.tls === 'required' && tls === undefined) return false
  if (leg.tls === 'none' && tls !== undefined && before.leg.tls !== 'none') return false
  if (leg.minTls === '1.3' && tls !== undefined && !tls.includes('1.3')) return false
  if (out.by === 'dialback' && (leg.dialback === 'never' || (leg.dialback === 'over-tls' && tls === undefined))) return false
  if (out.by === 'external' && !leg.external) return false
  const asks = { any: 0, valid: 1, pinned: 2 }
  if (asks[leg.certificate] > asks[before.leg.certificate]) return false
  if (leg.certificate === 'pinned' && before.leg.pins.some(pin => !leg.pins.includes(pin))) return false
  return JSON.stringify(now.hops) === JSON.stringify(before.hops)
}
