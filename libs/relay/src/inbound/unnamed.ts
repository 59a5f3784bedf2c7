/**
 * What is demanded of a peer whose header does not say who it is, or to whom it speaks, as servers from before XMPP 1.0 do when they ask whether a key is ours (XEP-0220 §2.1.1,
 * jabberd 2): as little as any policy of the gateway demands of anybody. Nothing is decided about a pair by it: keys, questions and stanzas name theirs, and each is judged by the
 * policy of that pair. Encryption stays on offer.
 */
import { appliesTo, legOfPolicy, type LegRules } from '@dialtone/routing'
import type { World, Zone } from '../seams.ts'

const made = new WeakMap<World, LegRules>()

/** For the external zone. The same object for the same world. */
export function unnamedLeg (world: World, zone: Zone): LegRules {
  const known = made.get(world)
  if (known !== undefined) return known
  const { gateway, policies } = world.assignment
  const legs = [zone.leg, ...Object.values(policies).filter(policy => policy.action !== 'deny' && appliesTo(policy, gateway)).map(policy => legOfPolicy(zone.leg, policy))]
  const leg: LegRules = {
    ...zone.leg,
    tls: legs.some(({ tls }) => tls !== 'required') ? 'optional' : 'required',
    dialback: legs.some(({ dialback }) => dialback === 'always') ? 'always' : zone.leg.dialback,
  }
  made.set(world, leg)
  return leg
}
