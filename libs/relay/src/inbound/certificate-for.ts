// Which certificate to show whom: the one for the domain that was named; for who named none, one of the zone.
import type { KeyPair, World, Zone } from '../seams.ts'

const fallbacks = new WeakMap<World, Map<Zone, KeyPair | undefined>>()

/** `to`: a canonical domain, or ''. Undefined where the zone has no certificate at all. */
export function certificateOf (world: World, zone: Zone, to: string): KeyPair | undefined {
  return (to === '' ? undefined : zone.certificateFor(to)) ?? fallback(world, zone)
}

/** Looked for once in every configuration: of the domains that the zone speaks for, the first that has one. */
function fallback (world: World, zone: Zone): KeyPair | undefined {
  let known = fallbacks.get(world)
  if (known === undefined) fallbacks.set(world, known = new Map<Zone, KeyPair | undefined>())
  if (known.has(zone)) return known.get(zone)
  const { assignment } = world
  let found = assignment.spec.host === undefined ? undefined : zone.certificateFor(assignment.spec.host)
  for (const domain of Object.keys(zone.side === 'external' ? assignment.domains : assignment.peers)) {
    if (found !== undefined) break
    found = zone.certificateFor(domain)
  }
  known.set(zone, found)
  return found
}
