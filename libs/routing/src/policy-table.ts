/**
 * One assignment as a table (gateways.md 5.0 I3, 5.6): whose server has a domain, what a pair may do, where what is for a domain goes. Domains are canonical. The most exact policy
 * wins whole: what it leaves open comes from its profile, then from the external zone, never from a wider policy (docs/decisions/0018).
 */
import type { Endpoint, GatewayAssignment, PolicySpec } from '@dialtone/contracts'
import type { Decision, Direction, Sides } from './decision.ts'
import { EXTERNAL_LEG, legOfPolicy, legOfZone, limitsOf } from './defaults.ts'
import { createPairCache } from './pair-cache.ts'
import { firstFitting, noPatterns, put, valueAt, type Patterns } from './pattern.ts'

/** Pairs whose decisions are kept, of each direction. A pair that is not kept costs some look-ups more, and nothing else. */
export const MOST_DECISIONS = 20_000

/** Hops to the server of a domain, and the resource that says so. */
export type Way = { hops: readonly Endpoint[], by: 'route' | 'internal' | 'peer', name: string }

export type PolicyTable = {
  /** The internal zone whose servers or components have the domain; undefined for a foreign one. */
  zoneOf: (domain: string) => string | undefined
  /** `now`: milliseconds since the epoch; what has ended stays ended. The same object while the answer is the same, and for all pairs that have the same answer. */
  decide: (sides: Sides, direction: Direction, now: number) => Decision
  /** Undefined: as its records say. Of an inside domain always something, since records never lead to it; no hops where nothing says where its server is. */
  wayTo: (domain: string) => Way | undefined
  /** Pairs and directions whose decision is kept at this moment. */
  kept: () => number
}

export function compilePolicy (assignment: GatewayAssignment): PolicyTable {
  const zoneOf = zonesOf(assignment)
  const { decide, kept } = decisionsOf(assignment)
  return { zoneOf, decide, kept, wayTo: waysOf(assignment, zoneOf) }
}

function zonesOf ({ spec }: GatewayAssignment): PolicyTable['zoneOf'] {
  const zones = noPatterns<string>()
  for (const { name, side, domains = [], components } of spec.zones ?? []) {
    if (side !== 'internal') continue
    // The linter refuses a pattern of two zones; the first one has it.
    for (const pattern of [...domains, ...Object.keys(components?.accept?.domains ?? {})]) if (valueAt(zones, pattern) === undefined) put(zones, pattern, name)
  }
  return domain => firstFitting(zones, domain, name => name)
}

type Candidate = { name: string, spec: PolicySpec, ends: number }

function decisionsOf ({ gateway, spec, policies }: GatewayAssignment): Pick<PolicyTable, 'decide' | 'kept'> {
  const external = (spec.zones ?? []).find(({ side }) => side === 'external')
  const leg = external === undefined ? EXTERNAL_LEG : legOfZone(external)
  const byOurs = noPatterns<Patterns<Candidate[]>>()
  const mine = Object.entries(policies)
    .filter(([, policy]) => appliesTo(policy, gateway))
    .map(([name, policy]): Candidate => ({ name, spec: policy, ends: policy.until === undefined ? Infinity : Date.parse(policy.until) }))
    .toSorted(narrowerFirst)
  for (const candidate of mine) {
    const { ours, peer } = candidate.spec
    const byPeer = valueAt(byOurs, ours) ?? noPatterns<Candidate[]>()
    const equal = valueAt(byPeer, peer) ?? []
    equal.push(candidate)
    put(byPeer, peer, equal)
    put(byOurs, ours, byPeer)
  }
  const find = ({ ours, peer }: Sides, direction: Direction, now: number): Candidate | undefined =>
    firstFitting(byOurs, ours, byPeer => firstFitting(byPeer, peer, all => all.find(one => one.ends > now && (one.spec.direction ?? 'both') !== OTHER[direction])))

  const wantedOf = ({ ours, peer }: Sides) => spec.pairs?.[`${ours} ${peer}`] ?? spec.peers?.[peer] ?? 'enabled'
  const made = new Map<string, Decision>()
  const decisionOf = (candidate: Candidate | undefined, wanted: Decision['wanted']): Decision => {
    const key = `${candidate?.name ?? ''} ${wanted}`
    const known = made.get(key)
    if (known !== undefined) return known
    const limits = limitsOf(spec.limits, candidate?.spec.limits)
    const decision: Decision = candidate === undefined
      ? { action: spec.unmatched ?? 'allow', shadow: false, matched: `no policy fits, and pairs that none fits are ${spec.unmatched === 'deny' ? 'denied' : 'allowed'}`, wanted, leg: legOfPolicy(leg, {}), limits }
      : {
          ...ACTIONS[candidate.spec.action], policy: candidate.name, matched: sentence(candidate), wanted, leg: legOfPolicy(leg, candidate.spec), limits,
          ...(candidate.spec.profile === undefined ? {} : { profile: candidate.spec.profile }), ...(candidate.ends === Infinity ? {} : { until: candidate.ends }),
        }
    made.set(key, decision)
    return decision
  }
  const caches = { inbound: createPairCache<Decision>(MOST_DECISIONS), outbound: createPairCache<Decision>(MOST_DECISIONS) }
  return {
    decide: (sides, direction, now) => {
      const cache = caches[direction]
      const known = cache.get(sides.ours, sides.peer)
      if (known !== undefined && (known.until === undefined || now < known.until)) return known
      const decision = decisionOf(find(sides, direction, now), wantedOf(sides))
      cache.set(sides.ours, sides.peer, decision)
      return decision
    },
    kept: () => caches.inbound.size() + caches.outbound.size(),
  }
}

const OTHER = { inbound: 'outbound', outbound: 'inbound' } as const
const ACTIONS: Readonly<Record<PolicySpec['action'], Pick<Decision, 'action' | 'shadow'>>> = {
  allow: { action: 'allow', shadow: false }, deny: { action: 'deny', shadow: false }, hold: { action: 'hold', shadow: false }, 'shadow-deny': { action: 'allow', shadow: true },
}

/** Of equal patterns: one direction before both, gateways that are named before all, what ends (the sooner the first) before what lasts. */
function narrowerFirst (a: Candidate, b: Candidate): number {
  return widthOf(a.spec) - widthOf(b.spec) || (a.ends === b.ends ? 0 : a.ends - b.ends) || (a.name < b.name ? -1 : 1)
}

function widthOf ({ direction = 'both', gateways }: PolicySpec): number {
  return (direction === 'both' ? 2 : 0) + (gateways === undefined ? 1 : 0)
}

/** Whether a policy or route is for this gateway. */
export function appliesTo ({ gateways }: { gateways?: readonly string[] }, gateway: string): boolean {
  return gateways === undefined || gateways.includes(gateway)
}

function sentence ({ name, spec: { ours, peer, direction = 'both', until, reason } }: Candidate): string {
  return `Policy/${name} is the most exact that fits: ours '${ours}', peer '${peer}'${direction === 'both' ? '' : `, ${direction} alone`}${until === undefined ? '' : `, until ${until}`}${reason === undefined ? '' : `: ${reason}`}`
}

function waysOf ({ gateway, routes, domains, peers }: GatewayAssignment, zoneOf: PolicyTable['zoneOf']): PolicyTable['wayTo'] {
  // Of equally exact ones the later wins: a route is about the gateway, where a domain's own servers are is told to everybody.
  const [inside, outside] = [noPatterns<Way>(), noPatterns<Way>()]
  for (const [name, { internal = [] }] of Object.entries(domains)) {
    const way: Way = { hops: internal, by: 'internal', name }
    if (internal.length === 0) continue
    put(inside, name, way)
    // Services below a domain (conference.…) that are inside too are on its server unless something more exact says otherwise.
    put(inside, `*.${name}`, way)
  }
  for (const [name, { endpoints = [] }] of Object.entries(peers)) if (endpoints.length > 0) put(outside, name, { hops: endpoints, by: 'peer', name })
  for (const [name, route] of Object.entries(routes).toSorted(([, a], [, b]) => Number(a.gateways !== undefined) - Number(b.gateways !== undefined))) {
    if (!appliesTo(route, gateway)) continue
    const way: Way = { hops: route.nextHops, by: 'route', name }
    put(outside, route.to, way)
    // `*` is the way out: it never leads to a domain of ours.
    if (route.to !== '*') put(inside, route.to, way)
  }
  return domain => zoneOf(domain) === undefined
    ? firstFitting(outside, domain, way => way)
    : firstFitting(inside, domain, way => way.by === 'route' || zoneOf(way.name) === zoneOf(domain) ? way : undefined) ?? { hops: [], by: 'internal', name: domain }
}
