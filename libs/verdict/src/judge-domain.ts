/**
 * Can others reach one of our domains: what inside vantages see of our service, what outside vantages see of what we publish, and what both together prove
 * that neither can alone. Pure; the order of the witnesses does not matter. Proved causes of another's server are no business of this verdict.
 */
import type { FleetConfig, FleetVerdict, PeerReach, Witness } from '@dialtone/contracts'
import { NO_WAYS, serverBehind, type InsideWays } from './fleet/behind-gateways.ts'
import { decided, nobody, openOf, stoppedByUs } from './fleet/decided.ts'
import { fleetVerdictOf } from './fleet/fleet-verdict-of.ts'
import { altered, inbound, outbound, serviceDown, unreachable, type Sides } from './fleet/own-rules.ts'
import { backedBy, publishedWrong, working } from './fleet/own-working.ts'
import { resolverOfOurs, resolverUnknown } from './fleet/resolvers.ts'
import { firstOf } from './fleet/ruling.ts'
import { hear, testifying, type Testimony } from './fleet/testimony.ts'

/** What is asked about one of ours: who looked (other jobs and other domains are not heard), what is expected of it, how peers are reached, and how our gateways reach its server. */
export type DomainQuestion = { domain: string, witnesses: readonly Witness[], config: FleetConfig, reach: readonly PeerReach[], insideWays?: InsideWays }

/** The verdict about one of our domains. Nobody looked: `unknown`; only agents that are set aside: `vantage.unhealthy`. */
export function judgeDomain ({ domain, witnesses, config, reach, insideWays = NO_WAYS }: DomainQuestion): FleetVerdict {
  const ours = { ...config, ours: true }
  const theirs = { ...config, ours: false, expectedAddresses: [] }
  // Where the inside has a view of its own, it need not give the addresses that the world is given.
  const inside = config.splitViewExpected ? { ...ours, expectedAddresses: [] } : ours
  const hearing = hear(witnesses, ({ observation, job, standpoint: { side } }) => {
    if (job === 'own-internal' || job === 'own-published') return observation.domain === domain ? side === 'inside' ? inside : ours : undefined
    return job === 'peer' && observation.asked.as === domain ? theirs : undefined
  })
  const sides = sidesOf(hearing.heard.map(withoutProbeClaims))
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
    () => serverBehind(insideWays, sides),
    () => working(sides, config),
    () => resolverUnknown([...hairpin, ...outside]),
  ) ?? (world.length > 0 ? backedBy([...internal, ...hairpin], decided(world), world) : decided([...hairpin, ...internal, ...outside]))
  return fleetVerdictOf(ruling, hearing, { domain, ours: domain, config: ours, untested })
}

/** That a probe's own domain is claimed, which its deep checks may show, is no matter of ours: one of our own servers that could not ask in time is not the other side of a pair. */
function withoutProbeClaims (each: Testimony): Testimony {
  const { deep } = each.proofs
  if (each.job === 'peer' || deep?.faults.some(({ cause }) => cause === 'dialback.domain-claimed') !== true) return each
  return { ...each, proofs: { ...each.proofs, deep: { ...deep, faults: deep.faults.filter(({ cause }) => cause !== 'dialback.domain-claimed') } } }
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
