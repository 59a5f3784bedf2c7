/**
 * Can others reach one of our domains: what inside vantages see of our service, what outside vantages see of what we publish, and what both together prove
 * that neither can alone. Pure; the order of the witnesses does not matter. Proved causes of another's server are no business of this verdict.
 */
import type { FleetConfig, FleetVerdict, PeerReach, Witness } from '@dialtone/contracts'
import { SOFT_ORDER } from './causes/order.ts'
import { decided, nobody, openOf, shows, stoppedByUs } from './fleet/decided.ts'
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
    outside: world.length === 0 ? { what: 'the way in from outside', needs: 'an outside vantage' } : undefined,
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
  ) ?? (world.length > 0 ? backedBy(internal, decided(world), world) : decided([...hairpin, ...internal, ...outside]))
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
  // That the firewall leads nothing back in is usual, and no disagreement.
  const inside = testifying([...internal, ...(world.length === 0 ? hairpin.filter(({ view }) => view !== 'unreached') : [])])
  if (world.length === 0 && !inside.some(({ view }) => view === 'works')) return undefined
  if (world.some(({ view }) => view !== 'works')) return decided(world)
  // What the world does not see of our service (no encryption on the inside, say) is no fault of the domain; a dead node is.
  const within = internal.filter(({ view }) => view === 'works').map(each => world.length === 0 ? each : { ...each, proofs: { ...each.proofs, soft: [] } })
  const ruling = ownDeep(sides) ?? (world.length === 0 ? decided(inside) : backedBy(internal, decided([...world, ...within]), world))
  const broken = insideBroken(sides)
  if (broken !== undefined && (ruling.cause === 'healthy' || SOFT_ORDER.includes(ruling.cause))) return broken
  const split = config.splitViewExpected ? undefined : splitView(sides)
  if (split !== undefined && (ruling.cause === 'healthy' || SOFT_ORDER.indexOf(ruling.cause) > SOFT_ORDER.indexOf('dns.split-view'))) return split
  const unseen = hairpin.filter(({ view }) => view === 'unreached')
  if (world.length === 0) return fromInside(ruling, sides, unseen)
  if (unseen.length === 0) return ruling
  return {
    ...ruling, note: 'inside vantages do not reach the public address, which is harmless: the firewall does not lead it back in (no hairpin)',
    proof: [...ruling.proof, ...unseen.flatMap(({ proofs }) => proofs.faults.map(fault => ({ ...fault, text: `${fault.text}, from inside: no hairpin` })))],
    doubted: [...ruling.doubted ?? [], ...unseen.flatMap(({ proofs }) => proofs.faults.map(({ cause }) => ({ cause, because: 'outside vantages reach the public address' })))],
  }
}

/** Nobody outside could look. The published address that answers inside is some proof; the internal one is none of what others reach. */
function fromInside (ruling: Ruling, { hairpin, outside }: Sides, unseen: readonly Testimony[]): Ruling {
  const note = outside.length === 0 ? {} : { note: 'outside vantages could not look' }
  if (ruling.cause !== 'healthy' || hairpin.some(({ view }) => view === 'works')) return { ...ruling, ...note }
  return resolverUnknown([...hairpin, ...outside]) ?? {
    ...ruling, ...note, cause: 'unknown', proof: unseen.flatMap(({ proofs }) => proofs.faults), agree: [], relevant: [],
    says: unseen.length === 0 ? 'our service answers inside; whether it does outside was not seen' : 'our service answers inside, and its public address does not answer there; whether it does outside was not seen',
    remedy: ['Let an outside vantage check DOMAIN. That inside vantages do not reach the public address is usual and harmless.'], wouldDecide: ['an outside vantage'],
  }
}

/** Our internal address is another way to the same service: who sees the cause there too agrees, and who does not gainsays nothing of what is published. */
function backedBy (internal: readonly Testimony[], ruling: Ruling, world: readonly Testimony[]): Ruling {
  const agreeing = internal.filter(({ view, proofs }) => ruling.cause === 'healthy' ? view === 'works' : shows(proofs, ruling.cause))
  const keep = (some: readonly Testimony[]) => [...some.filter(each => world.includes(each)), ...agreeing]
  const more = agreeing.flatMap(({ proofs: { faults, soft } }) => [...faults, ...soft].filter(({ cause }) => cause === ruling.cause))
  const proof = more.filter(fault => !ruling.proof.includes(fault))
  return { ...ruling, proof: [...ruling.proof, ...proof], agree: keep(ruling.agree), relevant: keep(ruling.relevant), primary: world }
}
