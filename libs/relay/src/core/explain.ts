/** What would happen to a stanza from one domain to another at this moment, in sentences, so that an operator need not know how it is decided. */
import type { QueueView, Refusal, RouteExplanation, StreamView } from '@dialtone/contracts'
import { BOUNCES, type Decision, type Direction, type LegRules, type Sides } from '@dialtone/routing'
import type { Pair } from '@dialtone/stream'
import type { DialFailure, DialRequest, World } from '../seams.ts'
import { judgeRoute, planLane, type RouteRules } from './judge.ts'
import type { Route } from './route.ts'

export type Explaining = {
  gateway: string
  world: World
  now: number
  /** Milliseconds of the monotonic clock. */
  elapsed: number
  routeOf: (zone: string, pair: Pair) => Route | undefined
  hasComponent: (zone: string, pair: Pair) => boolean
  plan: (request: Omit<DialRequest, 'signal' | 'step'>) => Promise<Pick<RouteExplanation['way'], 'targets'> & { failed?: DialFailure }>
  streams: (sides: Sides) => StreamView[]
}

export async function explainRoute (pair: Pair, { gateway, world, now, elapsed, routeOf, hasComponent, plan, streams }: Explaining): Promise<RouteExplanation> {
  const from = zoneNameOf(world, pair.from)
  const lane = from === undefined ? undefined : planLane(world, from, pair)
  const about = { gateway, revision: world.revision, from: pair.from, to: pair.to }
  const nothing = { way: { by: 'none' as const, targets: [] }, streams: [] }
  if (lane === undefined || lane.goes === 'nowhere') {
    const reason = lane?.refusal ?? 'unknown-domain'
    return { ...about, outcome: 'refuse', says: cut(`It is refused: ${sentence(lane?.says ?? 'there is no zone from which it could come')}`), refusal: refusalOf(reason), zones: from === undefined ? {} : { from }, policy: { matched: 'none was asked, since zones come first', action: 'none', expects: [] }, ...nothing }
  }
  const closed = closedPart(world, [from ?? '', lane.goes === 'on' ? lane.zone : ''])
  if (closed !== undefined) return { ...about, outcome: 'refuse', says: `It is refused, since ${closed} is stopped.`, refusal: refusalOf('draining'), zones: { ...(from === undefined ? {} : { from }), ...(lane.goes === 'on' ? { to: lane.zone } : {}) }, policy: { matched: 'none was asked, since nothing goes through it', action: 'none', expects: [] }, ...nothing }
  if (lane.goes === 'host') return { ...about, outcome: 'deliver', says: `${pair.to} is the gateway itself, which answers pings and questions about what it is.`, zones: from === undefined ? {} : { from }, policy: { matched: 'none is asked for the gateway itself', action: 'allow', expects: [] }, ...nothing }
  const { decision, direction, sides, zone } = lane
  const rules = judgeRoute(world, zone, pair)
  const route = routeOf(zone, pair)
  const queue = route === undefined ? undefined : queueView(route, elapsed)
  const zones = { ...(from === undefined ? {} : { from }), to: zone }
  const policy: RouteExplanation['policy'] = {
    ...(decision.policy === undefined ? {} : { name: decision.policy }), matched: decision.matched.slice(0, 600), action: decision.shadow ? 'shadow-deny' : decision.action,
    ...(decision.until === undefined ? {} : { until: new Date(decision.until).toISOString() }), expects: expectsOf(decision, direction, rules),
  }
  const common = { ...about, zones, policy, streams: streams(sides).slice(0, 16), ...(queue === undefined ? {} : { queue }) }
  const refused = lane.refusal ?? rules.refusal ?? route?.failing()?.reason
  const way = await wayOf(world, pair, zone, rules, hasComponent, plan)
  if (refused !== undefined) return { ...common, outcome: 'refuse', refusal: refusalOf(route?.told(refused) ?? refused), says: cut(refuses(refused, sides.peer, decision, route, now)), way: way.view }
  const proof = direction === 'inbound' ? await proofOf(world, pair, decision, common.streams, hasComponent, plan) : undefined
  if (proof?.can === false) return { ...common, outcome: 'refuse', says: cut(`It is refused, since ${proof.says}`), way: way.view }
  const assumes = proof === undefined ? '' : ` ${proof.says}`
  const opening = `It goes from the zone ${from} to the zone ${zone}, ${wayWords(way.view, pair.to)}`
  if (rules.wanted === 'held') return { ...common, outcome: 'queue', says: cut(`It waits for at most ${rules.limits.waitMs.message / 1000} s (a message), for ${decision.action === 'hold' ? `the policy ${decision.policy ?? ''} holds it` : `${sides.peer} is held`}.`), way: way.view }
  if (route?.direct !== undefined) return { ...common, outcome: 'deliver', says: cut(`${opening}. There is a stream (${route.direct.id}, authenticated by ${route.direct.by}), and it is written to that at once.${assumes}`), way: way.view }
  if (route?.way?.blocked === true) return { ...common, outcome: 'queue', says: cut(`${opening}. There is a stream, but its other side takes nothing at the moment; it waits behind ${route.queue.stanzas} others.`), way: way.view }
  const failure = route?.failure
  if (failure !== undefined && route !== undefined && route.notBefore > elapsed) return { ...common, outcome: 'queue', says: cut(`${opening}. The last attempt failed (${failure.reason}): ${failure.says} It is tried again in ${Math.ceil((route.notBefore - elapsed) / 1000)} s, and a message waits for that for ${rules.limits.waitMs.message / 1000} s.`), way: way.view }
  if (way.failed !== undefined && !way.failed.temporary) return { ...common, outcome: 'refuse', refusal: refusalOf(way.failed.reason), says: cut(`It would be returned: ${way.failed.says}`), way: way.view }
  if (way.view.by === 'none') return { ...common, outcome: 'queue', says: cut(`Nothing says where the server of ${pair.to} is, and no component has come for it: it waits, and is returned when it has waited too long.`), way: way.view }
  return { ...common, outcome: 'deliver', says: cut(`${opening}. There is no stream yet; one is opened for the first stanza, which waits for it.${assumes}`), way: way.view }
}

export function queueView (route: Route, elapsed: number): QueueView {
  const { zone, pair, queue, failure, notBefore } = route
  const { oldest } = queue
  return {
    zone, from: pair.from, to: pair.to, state: route.state(), stanzas: queue.stanzas, bytes: queue.bytes, oldestSeconds: oldest === undefined ? 0 : Math.max(0, (elapsed - oldest) / 1000),
    ...(notBefore > elapsed && route.way === undefined ? { nextAttemptSeconds: Math.ceil((notBefore - elapsed) / 1000) } : {}),
    ...(failure === undefined ? {} : { failure: { reason: failure.reason, says: failure.says.slice(0, 400), at: new Date(failure.at).toISOString(), steps: failure.steps.map(step => ({ ...step, says: step.says.slice(0, 400) })) } }),
  }
}

/** The zone from which stanzas of a domain come. */
function zoneNameOf (world: World, domain: string): string | undefined {
  return world.zoneOf(domain)?.name ?? world.external?.name
}

async function wayOf (world: World, pair: Pair, zoneName: string, rules: RouteRules, hasComponent: Explaining['hasComponent'], plan: Explaining['plan']): Promise<{ view: RouteExplanation['way'], failed?: DialFailure }> {
  if (hasComponent(zoneName, pair)) return { view: { by: 'component', targets: [] } }
  const zone = world.zones.get(zoneName)
  const by = world.wayTo(pair.to)
  if (zone === undefined || rules.unplaced || rules.refusal !== undefined) return { view: { by: 'none', targets: [] } }
  const { targets, failed } = await plan({ zone, pair, leg: rules.leg, allowNets: rules.allowNets, ...(rules.hops === undefined ? {} : { hops: rules.hops }) })
  return { view: { by: by?.by ?? 'records', ...(by === undefined ? {} : { name: by.name }), targets: targets.slice(0, 100) }, ...(failed === undefined ? {} : { failed }) }
}

/** The gateway, or one of the zones, where it has drained and takes nothing any more. */
function closedPart ({ zones, assignment: { spec } }: World, names: readonly string[]): string | undefined {
  const closed = names.find(name => zones.get(name)?.spec.desired === 'stopped')
  return closed === undefined ? undefined : spec.desired === 'running' ? `the zone ${closed}` : 'the gateway'
}

/**
 * How a peer that has not done so yet can prove the domain that it sends from: by a certificate, or by dialback, for which the server that its records name is asked (XEP-0220).
 * Undefined where it has. `can` false: by nothing that is demanded and there.
 */
async function proofOf (world: World, { from, to }: Pair, { leg }: Decision, streams: readonly StreamView[], hasComponent: Explaining['hasComponent'], plan: Explaining['plan']): Promise<{ can: boolean, says: string } | undefined> {
  const { external } = world
  if (external === undefined || streams.some(({ pairs }) => pairs.some(pair => pair.from === from && pair.to === to))) return undefined
  const certificate = leg.external && leg.tls !== 'none'
  const back = { from: to, to: from }
  const { view: { targets: [target] }, failed } = leg.dialback === 'never' ? { view: { targets: [] } } : await wayOf(world, back, external.name, judgeRoute(world, external.name, back), hasComponent, plan)
  const absent = failed !== undefined && !failed.temporary
  if (absent && !certificate) return { can: false, says: `a server of ${from} can prove the domain by dialback alone, for which the server that its records name is asked: ${failed.says}` }
  const dialback = leg.dialback === 'never' || absent ? [] : [`dialback, for which ${target === undefined ? 'the server of the domain' : target.target} is asked${failed === undefined ? '' : `, which cannot be told at the moment: ${failed.says.replace(/\.$/, '')}`}`]
  const ways = [...certificate ? ['a certificate that is good for it'] : [], ...dialback]
  if (ways.length === 0) return undefined
  return { can: true, says: `This assumes that its server proves ${from} first, by ${ways.join(' or ')}${absent ? `; dialback cannot, for which the server that its records name is asked: ${failed.says.replace(/\.$/, '')}` : ''}.` }
}

function wayWords ({ by, name, targets }: RouteExplanation['way'], to: string): string {
  const first = targets[0]
  const place = first === undefined ? '' : ` (${first.target} first${targets.length > 1 ? `, ${targets.length} in all` : ''})`
  switch (by) {
    case 'component': return `to the component that serves ${to}`
    case 'route': return `as Route/${name} says${place}`
    case 'internal': return `to the server that Domain/${name} names${place}`
    case 'peer': return `to the endpoints that Peer/${name} names${place}`
    case 'records': return `where the records of ${to} point${place}`
    default: return `though nothing says where the server of ${to} is`
  }
}

function expectsOf ({ leg, limits, profile }: Decision, direction: Direction, rules: RouteRules): string[] {
  const words = (which: string, { tls, minTls, certificate, pins, dialback, external }: LegRules) => [
    `${which}: TLS ${tls}${tls === 'none' ? '' : ` (${minTls} or later)`}`,
    `${which}: authenticated by ${[...external ? ['SASL EXTERNAL'] : [], ...dialback === 'never' ? [] : [`dialback${dialback === 'over-tls' ? ' over TLS' : ''}`]].join(' or ') || 'nothing, which cannot work'}`,
    ...(certificate === 'any' ? [] : [`${which}: a certificate that is good for the domain${certificate === 'pinned' ? ` and whose key is one of ${pins.length} pins` : ''}`]),
  ]
  return [
    ...(profile === undefined ? [] : [`a peer like ${profile}`]),
    ...words('outside', leg), ...(direction === 'inbound' ? words('inside', rules.leg) : []),
    `stanzas of at most ${limits.stanzaBytes} bytes`,
    ...(limits.stanzasPerSecond === undefined ? [] : [`at most ${limits.stanzasPerSecond} stanzas a second from the peer`]),
    ...(limits.bytesPerSecond === undefined ? [] : [`at most ${limits.bytesPerSecond} bytes a second from the peer`]),
  ].slice(0, 20)
}

function refuses (reason: Refusal, peer: string, decision: Decision, route: Route | undefined, now: number): string {
  if (reason === 'policy-deny') return `It is refused, since the policy denies it: ${sentence(decision.matched)}`
  if (reason === 'blocked' || reason === 'draining') return `It is refused, since ${peer} is ${reason}.`
  const failure = route?.failing()
  return failure === undefined ? `It is refused: ${BOUNCES[reason].says}.` : `It is refused without another attempt, for the last one, ${Math.round((now - failure.at) / 1000)} s ago, showed that it cannot work (${failure.reason}): ${failure.says}`
}

function refusalOf (reason: Refusal): NonNullable<RouteExplanation['refusal']> {
  const { condition, type } = BOUNCES[reason]
  return { reason, condition, type }
}

/** With a full stop, and not with two: some of it an operator has written. */
function sentence (text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function cut (text: string): string {
  return text.length <= 600 ? text : `${text.slice(0, 599)}…`
}
