/**
 * Can others reach one of our domains: what inside vantages see of our service, what outside vantages see of what we publish, and what both together prove
 * that neither can alone. Pure; the order of the witnesses does not matter. Proved causes of another's server are no business of this verdict.
 */
import type { FleetConfig, FleetVerdict, PeerReach, Witness } from '@dialtone/contracts'
import { SOFT_ORDER } from './causes/order.ts'
import { decided, nobody, openOf, stoppedByUs } from './fleet/decided.ts'
import { fleetVerdictOf } from './fleet/fleet-verdict-of.ts'
import { altered, inbound, insideBroken, outbound, ownDeep, serviceDown, splitView, unreachable, type Sides } from './fleet/own-rules.ts'
import { resolverOfOurs, resolverUnknown } from './fleet/resolvers.ts'
import { firstOf, type Ruling } from './fleet/ruling.ts'
import { hear, testifying, type Testimony } from './fleet/testimony.ts'

/** What is asked about one of ours: who looked (other jobs and other domains are not heard), what is expected of it, and how peers are reached. */
export type DomainQuestion = { domain: string, witnesses: readonly Witness[], config: FleetConfig, reach: readonly PeerReach[] }

/** The verdict about one of our domains. Nobody looked: `unknown`; only agents that are set aside: `vantage.unhealthy`. */
export function judgeDomain ({ domain, witnesses, config, reach }: DomainQuestion): FleetVerdict {
  const ours = { ...config, ours: true }
  const theirs = { ...config, ours: false, expectedAddresses: [] }
  const hearing = hear(witnesses, ({ observation, job }) => {
    if (job === 'own-internal' || job === 'own-published') return observation.domain === domain ? ours : undefined
    return job === 'peer' && observation.asked.as === domain ? theirs : undefined
  })
  const sides = sidesOf(hearing.heard)
  const { internal, hairpin, outside, peers } = sides
  const world = testifying(outside)
  const untested = openOf([...internal, ...hairpin, ...outside], {
    outside: outside.length === 0 ? { what: 'the way in from outside', needs: 'an outside vantage' } : undefined,
    inside: internal.length === 0 ? { what: 'our service from inside', needs: 'an inside vantage, and the internal address of the domain' } : undefined,
  })
  const ruling = nobody(hearing, 'any vantage that looks at the domain') ?? stoppedByUs(config.stoppedByUs, outside) ?? firstOf(
    () => resolverOfOurs([...hairpin, ...outside, ...peers], domain),
    () => publishedWrong(world, hairpin),
    () => inbound(sides),
    () => outbound(reach, peers),
    () => serviceDown(sides),
    () => altered(sides),
    () => unreachable(sides),
    () => working(sides, config),
    () => resolverUnknown([...hairpin, ...outside]),
  ) ?? decided([...outside, ...hairpin, ...internal])
  return fleetVerdictOf(ruling, hearing, { domain, ours: domain, config: ours, untested })
}

function sidesOf (heard: readonly Testimony[]): Sides {
  const own = heard.filter(({ job }) => job !== 'peer')
  const published = own.filter(({ job }) => job === 'own-published')
  return {
    internal: own.filter(({ job }) => job === 'own-internal'),
    hairpin: published.filter(({ standpoint }) => standpoint.side === 'inside'),
    outside: published.filter(({ standpoint }) => standpoint.side === 'outside'),
    peers: heard.filter(({ job }) => job === 'peer'),
  }
}

/** The records lead nowhere, or to the wrong place: what the world sees of them counts, and what is seen inside only where nobody else looked. */
function publishedWrong (world: readonly Testimony[], hairpin: readonly Testimony[]): Ruling | undefined {
  const inside = testifying(hairpin)
  const those = world.length > 0 ? world : inside
  if (those.length === 0 || those.some(({ view }) => view === 'works')) return undefined
  const ruling = decided(those)
  if (!ruling.cause.startsWith('dns.') || ruling.cause === 'dns.resolver-unavailable') return undefined
  return world.length > 0 ? ruling : { ...ruling, wouldDecide: ['an outside vantage: what our own resolver says may be a view of its own'] }
}

/** Somebody outside went through every stage; or, where nobody outside could look, somebody inside. What is wrong all the same. */
function working (sides: Sides, config: FleetConfig): Ruling | undefined {
  const { internal, hairpin, outside } = sides
  const world = testifying(outside)
  if (world.length > 0 && !world.some(({ view }) => view === 'works')) return undefined
  const inside = testifying([...internal, ...(world.length === 0 ? hairpin : [])])
  if (world.length === 0 && !inside.some(({ view }) => view === 'works')) return undefined
  if (world.some(({ view }) => view !== 'works')) return decided(world)
  // What the world does not see of our service (no encryption on the inside, say) is no fault of the domain; a dead node is.
  const within = internal.filter(({ view }) => view === 'works').map(each => world.length === 0 ? each : { ...each, proofs: { ...each.proofs, soft: [] } })
  const ruling = ownDeep(sides) ?? decided(world.length === 0 ? inside : [...world, ...within])
  const broken = insideBroken(sides)
  if (broken !== undefined && (ruling.cause === 'healthy' || SOFT_ORDER.includes(ruling.cause))) return broken
  const split = config.splitViewExpected ? undefined : splitView(sides)
  if (split !== undefined && (ruling.cause === 'healthy' || SOFT_ORDER.indexOf(ruling.cause) > SOFT_ORDER.indexOf('dns.split-view'))) return split
  const unseen = hairpin.filter(({ view }) => view === 'unreached')
  if (unseen.length === 0) return ruling
  if (world.length === 0) return { ...ruling, cause: 'unknown', proof: unseen.flatMap(({ proofs }) => proofs.faults), confidence: 'likely', says: 'our service answers inside, and its public address does not answer there: whether it does outside is not known', remedy: ['Check from outside: most firewalls do not lead inside traffic to the public address back in, which is harmless.'], wouldDecide: ['an outside vantage'], agree: unseen, relevant: unseen }
  return {
    ...ruling, note: 'inside vantages do not reach the public address, which is harmless: the firewall does not lead it back in (no hairpin)',
    proof: [...ruling.proof, ...unseen.flatMap(({ proofs }) => proofs.faults.map(fault => ({ ...fault, text: `${fault.text}, from inside: no hairpin` })))],
    doubted: [...ruling.doubted ?? [], ...unseen.flatMap(({ proofs }) => proofs.faults.map(({ cause }) => ({ cause, because: 'outside vantages reach the public address' })))],
  }
}
