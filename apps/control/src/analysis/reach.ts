/**
 * How peers are reached, over the whole fleet: what tells a closed way out from dead peers. A judge of one pair needs no more of it than whether anybody is reached from
 * inside, and who is reached from outside alone; so a few peers stand for thousands.
 */
import type { Observation, PeerReach, Standpoint } from '@dialtone/contracts'
import { reachOf } from '@dialtone/verdict'
import { slotKey } from './taken.ts'
import type { Slot, Witnesses } from './witnesses.ts'

/** Peers that stand for all, each in another network. */
const MOST = 8
const MOST_NETWORKS = 16

export type FleetReach = {
  /** True: what a judge would be told of others has changed. */
  put: (reach: PeerReach) => boolean
  drop: (peer: string) => boolean
  /** For the judge of a pair with `peer`, or of a domain. */
  of: (peer?: string) => PeerReach[]
}

export function createFleetReach (): FleetReach {
  const all = new Map<string, PeerReach>()
  /** By peer, sorted only when somebody asks. */
  const reached = new Set<string>()
  const blocked = new Set<string>()
  let sample: PeerReach[] | undefined
  const chosen = (): PeerReach[] => {
    if (sample !== undefined) return sample
    const [one] = reached
    if (one !== undefined) return sample = [all.get(one)].filter(each => each !== undefined)
    const taken: PeerReach[] = []
    const networks = new Set<string>()
    for (const name of [...blocked].sort()) {
      const each = all.get(name)
      if (each === undefined || (taken.length > 0 && each.networks.every(network => networks.has(network)))) continue
      taken.push(each)
      for (const network of each.networks) networks.add(network)
      if (taken.length === MOST) break
    }
    return sample = taken
  }
  const signature = () => reached.size > 0 ? 'reached' : JSON.stringify(chosen().slice(0, 2))
  /** In an outage thousands join those that are blocked; hardly one of them changes who is chosen. */
  const stands = (peer: string): boolean => {
    const [one, two] = sample ?? []
    if (sample === undefined || one === undefined) return false
    if (reached.size > 0) return one.peer !== peer && reached.has(one.peer)
    return two !== undefined && !reached.has(one.peer) && peer > (sample.at(-1)?.peer ?? '')
  }
  const changed = (peer: string, work: () => void): boolean => {
    const before = signature()
    work()
    if (!stands(peer)) sample = undefined
    return signature() !== before
  }
  return {
    put: reach => changed(reach.peer, () => {
      const { peer, inside, outside, networks } = reach
      all.set(peer, reach)
      if (inside === 'reached') reached.add(peer)
      else reached.delete(peer)
      if (inside === 'unreached' && outside === 'reached' && networks.length > 0) blocked.add(peer)
      else blocked.delete(peer)
    }),
    drop: peer => changed(peer, () => { all.delete(peer); reached.delete(peer); blocked.delete(peer) }),
    of: peer => {
      const own = peer === undefined ? undefined : all.get(peer)
      const others = chosen()
      return own === undefined || others.includes(own) ? [...others] : [own, ...others]
    },
  }
}

const ANYWHERE: Standpoint = { vantage: 'any', side: 'inside', network: 'any', sharesResolverWith: [] }

/** What one observation of a peer says of it, wherever it was made. */
export function reachSeen (observation: Observation): Slot['reach'] {
  const { inside, networks } = reachOf(observation.domain, [{ observation, job: 'control', standpoint: ANYWHERE }])
  return { tcp: inside, networks }
}

/** All that testify of a peer together, as `reachOf` has it, without reading what they saw again. Undefined: nobody does. */
export function reachTogether (peer: string, witnesses: Pick<Witnesses, 'of' | 'get'>, standpoint: (vantage: string) => Standpoint | undefined): PeerReach | undefined {
  const slots = witnesses.of(peer).filter(slot => {
    const other = witnesses.get(slotKey(slot.vantage, slot.target, !slot.deep))
    return (slot.job === 'peer' || slot.job === 'control') && !slot.stale && slot.aside === undefined && !(other !== undefined && !other.stale && other.at > slot.at) && standpoint(slot.vantage) !== undefined
  })
  const from = (side: 'inside' | 'outside'): PeerReach['inside'] => {
    const tcp = slots.filter(({ vantage }) => standpoint(vantage)?.side === side).map(({ reach }) => reach.tcp)
    return tcp.includes('reached') ? 'reached' : tcp.includes('unreached') ? 'unreached' : 'untried'
  }
  if (slots.length === 0) return undefined
  return { peer, networks: [...new Set(slots.flatMap(({ reach }) => reach.networks))].toSorted().slice(0, MOST_NETWORKS), inside: from('inside'), outside: from('outside') }
}
