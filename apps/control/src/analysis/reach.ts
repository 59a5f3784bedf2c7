/**
 * How peers are reached, over the whole fleet: what tells a closed way out from dead peers. A judge of one pair needs no more of it than whether anybody is reached from
 * inside, and who is reached from outside alone; so a few peers stand for thousands.
 */
import type { PeerReach } from '@dialtone/contracts'

/** Peers that stand for all, each in another network. */
const MOST = 8

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
