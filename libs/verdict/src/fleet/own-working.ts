// One of our domains as the world sees it: by its records, and where it works, what is wrong all the same.
import type { FleetConfig } from '@dialtone/contracts'
import { SOFT_ORDER } from '../causes/order.ts'
import { CALLBACK_CAUSES } from '../deep-proofs.ts'
import { decided, shows } from './decided.ts'
import { insideBroken, ownDeep, splitView, type Sides } from './own-rules.ts'
import { resolverUnknown } from './resolvers.ts'
import type { Ruling } from './ruling.ts'
import { testifying, type Testimony } from './testimony.ts'

/** The records lead nowhere, or to the wrong place: what the world sees of them counts, and what is seen inside only where nobody else looked. */
export function publishedWrong (world: readonly Testimony[], hairpin: readonly Testimony[]): Ruling | undefined {
  const inside = testifying(hairpin)
  const those = world.length > 0 ? world : inside
  if (those.length === 0 || those.some(({ view }) => view === 'works')) return undefined
  const ruling = world.length > 0 ? backedBy(hairpin, decided(world), world) : decided(inside)
  if (!ruling.cause.startsWith('dns.') || ruling.cause === 'dns.resolver-unavailable') return undefined
  return world.length > 0 ? ruling : { ...ruling, wouldDecide: ['an outside vantage: what our own resolver says may be a view of its own'] }
}

/** Somebody outside went through every stage; or, where nobody outside could look, somebody inside. What is wrong all the same. */
export function working (sides: Sides, config: FleetConfig): Ruling | undefined {
  const { internal, hairpin, outside } = sides
  const world = testifying(outside)
  if (world.length > 0 && !world.some(({ view }) => view === 'works')) return undefined
  // That the firewall leads nothing back in is usual, and no disagreement.
  const inside = testifying([...internal.map(uncalled), ...(world.length === 0 ? hairpin.filter(({ view }) => view !== 'unreached') : [])])
  if (world.length === 0 && !inside.some(({ view }) => view === 'works')) return undefined
  if (world.some(({ view }) => view !== 'works')) return decided(world)
  // What the world does not see of our service (no encryption on the inside, say) is no fault of the domain; a dead node is.
  const within = internal.filter(({ view }) => view === 'works').map(each => world.length === 0 ? each : { ...each, proofs: { ...each.proofs, soft: [] } }).map(uncalled)
  const found = ownDeep(sides) ?? (world.length === 0 ? decided(inside) : backedBy([...internal, ...hairpin], decided([...world, ...within]), world))
  const broken = insideBroken(sides)
  if (broken !== undefined && (found.cause === 'healthy' || SOFT_ORDER.includes(found.cause))) return broken
  const split = config.splitViewExpected ? undefined : splitView(sides)
  if (split !== undefined && (found.cause === 'healthy' || SOFT_ORDER.indexOf(found.cause) > SOFT_ORDER.indexOf('dns.split-view'))) return split
  const unseen = hairpin.filter(({ view }) => view === 'unreached')
  if (world.length === 0) return fromInside(found, sides, unseen)
  const ruling = deafInside(sides, found)
  if (unseen.length === 0) return ruling
  return {
    ...ruling, note: [...ruling.note === undefined ? [] : [ruling.note], 'inside vantages do not reach the public address, which is harmless: the firewall does not lead it back in (no hairpin)'].join('; '),
    proof: [...ruling.proof, ...unseen.flatMap(({ proofs }) => proofs.faults.map(fault => ({ ...fault, text: `${fault.text}, from inside: no hairpin` })))],
    doubted: [...ruling.doubted ?? [], ...unseen.flatMap(({ proofs }) => proofs.faults.map(({ cause }) => ({ cause, because: 'outside vantages reach the public address' })))],
  }
}

/**
 * Our server cannot call back a probe inside where the firewall leads nothing back in, or where a gateway is its only way out: that is usual, and says nothing of peers, which are
 * outside.
 */
function uncalled (each: Testimony): Testimony {
  const { deep } = each.proofs
  return deep === undefined ? each : { ...each, proofs: { ...each.proofs, deep: { ...deep, faults: deep.faults.filter(({ cause }) => !CALLBACK_CAUSES.has(cause)) } } }
}

/** A resolver inside that fails is told: it is a fault of ours only where our server asks the same one, which is not known. */
function deafInside ({ hairpin, peers }: Sides, ruling: Ruling): Ruling {
  const deaf = [...new Set([...hairpin, ...peers].filter(({ view, standpoint }) => view === 'blind' && standpoint.side === 'inside').map(({ standpoint }) => standpoint.vantage))].toSorted()
  if (deaf.length === 0) return ruling
  const names = deaf.slice(0, DEAF_TOLD).join(', ')
  return { ...ruling, note: `the resolver of ${names} gives no answer, which is a fault of ours only where our server asks the same one`, wouldDecide: [...ruling.wouldDecide ?? [], `whether our server asks the resolver of ${names}: sharesResolverWith of the vantage`] }
}

/** Vantages that a note names. */
const DEAF_TOLD = 3

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

/** Inside, the same service is seen on another way: who sees the cause there too agrees, and who does not gainsays nothing of what the world sees. */
export function backedBy (inside: readonly Testimony[], ruling: Ruling, world: readonly Testimony[]): Ruling {
  const agreeing = inside.filter(({ view, proofs }) => ruling.cause === 'healthy' ? view === 'works' : shows(proofs, ruling.cause))
  const keep = (some: readonly Testimony[]) => [...some.filter(each => world.includes(each)), ...agreeing]
  const more = agreeing.flatMap(({ proofs: { faults, soft } }) => [...faults, ...soft].filter(({ cause }) => cause === ruling.cause))
  const proof = more.filter(fault => !ruling.proof.includes(fault))
  return { ...ruling, proof: [...ruling.proof, ...proof], agree: keep(ruling.agree), relevant: keep(ruling.relevant), primary: world }
}
