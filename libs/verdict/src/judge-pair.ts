/**
 * Can OURS and PEER talk, in two halves. `out` is judged by who stands in our network, with what outside vantages see of the same peer as the control that
 * tells a closed path from a dead peer. `in` is our own domain, as far as this peer goes through it. Dialback couples the two: it needs both ways.
 */
import type { FleetConfig, FleetPairVerdict, FleetVerdict, PeerReach, Witness } from '@dialtone/contracts'
import { decided, nobody, openOf, stoppedByUs } from './fleet/decided.ts'
import { fleetVerdictOf } from './fleet/fleet-verdict-of.ts'
import { claimedToGateways, fresh, inboundAtGateways, type CarriedBy } from './fleet/gateway-facts.ts'
import { inward } from './fleet/inward.ts'
import { alteredPeer, claimed, explainedByOurs, outwards, peerOnlyFromOutside, withDeadOutOfReach, withoutHairpin, withoutOldCallbacks, withoutOwnClaims, type PairSides } from './fleet/pair-rules.ts'
import { resolverOfOurs, resolverUnknown } from './fleet/resolvers.ts'
import { firstOf, type Ruling } from './fleet/ruling.ts'
import { hear, testifying, type Hearing, type Testimony } from './fleet/testimony.ts'

/** `own`: what was judged about ours. `config`: what is expected of the peer; its `hostedBy` are the hosts of
 * ours, and its `expectedAddresses` addresses of ours: who answers there claims nothing that is not his. `reach`: of every peer, this one included. `carried`: what the gateways that
 * carry it told. `openedAt`: since when others can reach ours again, where they could not; milliseconds. */
export type PairQuestion = { ours: string, peer: string, witnesses: readonly Witness[], own?: FleetVerdict, config: FleetConfig, reach: readonly PeerReach[], carried?: CarriedBy, openedAt?: number }

/** Both halves. Witnesses of other pairs and other jobs are not heard. */
export function judgePair ({ ours, peer, witnesses, own, config, reach, carried = NOBODY, openedAt }: PairQuestion): FleetPairVerdict {
  const facts = fresh(carried)
  const theirs = { ...config, ours: false, expectedAddresses: [] }
  const { heard, setAside } = hear(witnesses, ({ observation, job }) => observation.domain === peer && (job === 'control' || (job === 'peer' && observation.asked.as === ours)) ? theirs : undefined)
  const hearing = { heard: heard.map(each => withoutOldCallbacks(withoutOwnClaims(each, config.expectedAddresses), openedAt)), setAside }
  const inOurName = hearing.heard.filter(({ job }) => job === 'peer')
  const inside = hearing.heard.filter(({ standpoint }) => standpoint.side === 'inside')
  const outside = hearing.heard.filter(({ standpoint }) => standpoint.side === 'outside')
  // Who asks in our name says most; but only from our own network is it the way that our server goes.
  const insideOurs = inside.filter(({ job }) => job === 'peer')
  const primary = insideOurs.length > 0 ? insideOurs : inside.length > 0 ? inside : outside
  const sides = { primary, inside, outside, inOurName }
  const byGateways = () => claimedToGateways(config.hostedBy.includes(peer) ? [] : facts)
  const ruling = withoutAgents(config.stoppedByUs, hearing, byGateways) ?? nobody(hearing, 'any vantage that looks at the peer') ?? stoppedByUs(config.stoppedByUs, primary) ?? firstOf(
    () => claimed(hearing.heard),
    byGateways,
    () => resolverOfOurs(hearing.heard, ours),
    () => outwards(sides, reach),
    () => alteredPeer(sides),
    () => testifying(outside).some(({ view }) => view !== 'unreached') || testifying(outside).length === 0 ? resolverUnknown(primary) : undefined,
  ) ?? withDeadOutOfReach(peerOnlyFromOutside(sides, decided(spokesmen(sides))), sides)
  const about = {
    domain: peer, ours, config: theirs,
    untested: openOf(hearing.heard, {
      inside: inside.length === 0 ? { what: 'the way out of our network', needs: 'an inside vantage' } : undefined,
      outside: outside.length === 0 ? { what: 'the peer from elsewhere', needs: 'an outside vantage' } : undefined,
    }),
  }
  const out = withoutHairpin(explainedByOurs(ruling, own, sides, config), sides)
  return { ours, peer, out: fleetVerdictOf(out, hearing, about), in: inward({ ruling: out, own, sides, hearing, about, config, gateways: inboundAtGateways(facts, carried.now) }) }
}

const NOBODY: CarriedBy = { now: 0, told: [] }

/** What gateways saw counts where no agent has looked, too. */
function withoutAgents (stopped: string | undefined, { heard }: Hearing, byGateways: () => Ruling | undefined): Ruling | undefined {
  return heard.length > 0 || stopped !== undefined ? undefined : byGateways()
}

/** Who can say something, of those who count most. */
function spokesmen ({ primary, outside }: PairSides): readonly Testimony[] {
  if (testifying(primary).length > 0) return primary
  const elsewhere = testifying(outside)
  return elsewhere.length > 0 ? elsewhere : primary
}
