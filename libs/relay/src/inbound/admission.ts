/**
 * Who may connect, from the address alone (rows R2 and R7; XEP-0205 §4.1). A tenth of the places is kept for addresses from which a configured peer, or a
 * server of ours, has authenticated before; they have ten times the share of an address, too.
 */
import type { Clock } from '@dialtone/kernel'
import { createBuckets, networkOf, withinNets } from '@dialtone/net'
import type { Zone } from '../seams.ts'
import type { InboundLimits } from './limits.ts'

export const REFUSED_CONNECTIONS = ['draining', 'not-from-there', 'too-many', 'too-many-from-this-address', 'no-proxy'] as const
export type RefusedConnection = (typeof REFUSED_CONNECTIONS)[number]

export type Admission = {
  /** Why not, or undefined: then there is one more that has not authenticated, until `settled`. */
  refuses: (zone: Zone, address: string) => RefusedConnection | undefined
  began: (network: string) => void
  /** It has authenticated, or is gone. */
  settled: (network: string) => void
  /** Whoever authenticated from there is configured. */
  remember: (network: string) => void
  knows: (network: string) => boolean
  readonly unauthenticated: number
}

const SHARE = 10
const KNOWN = 10_000

export function createAdmission (limits: () => InboundLimits, clock: Clock): Admission {
  const open = new Map<string, number>()
  const known = new Set<string>()
  const allowed = new WeakMap<readonly string[], (address: string) => boolean>()
  let total = 0
  let rate = -1
  let buckets = createBuckets({ burst: 1, perSecond: 1 }, clock)
  let knownBuckets = buckets

  const accepts = (network: string): boolean => {
    const { accepts: burst, acceptsPerSecond } = limits()
    if (rate !== acceptsPerSecond) {
      rate = acceptsPerSecond
      buckets = createBuckets({ burst, perSecond: acceptsPerSecond }, clock)
      knownBuckets = createBuckets({ burst: burst * SHARE, perSecond: acceptsPerSecond * SHARE }, clock)
    }
    return (known.has(network) ? knownBuckets : buckets).take(network)
  }
  const mayComeFrom = (nets: readonly string[], address: string): boolean => {
    let within = allowed.get(nets)
    if (within === undefined) allowed.set(nets, within = withinNets(nets))
    return within(address)
  }
  return {
    refuses: ({ spec: { from } }, address) => {
      if (from !== undefined && !mayComeFrom(from, address)) return 'not-from-there'
      const { connections, connectionsPerAddress } = limits()
      const network = networkOf(address)
      const share = known.has(network) ? SHARE : 1
      if (total >= (share > 1 ? connections : connections - Math.ceil(connections / SHARE))) return 'too-many'
      return (open.get(network) ?? 0) >= connectionsPerAddress * share || !accepts(network) ? 'too-many-from-this-address' : undefined
    },
    began: network => {
      total++
      open.set(network, (open.get(network) ?? 0) + 1)
    },
    settled: network => {
      total--
      const left = (open.get(network) ?? 1) - 1
      if (left > 0) open.set(network, left)
      else open.delete(network)
    },
    remember: network => {
      known.delete(network)
      known.add(network)
      for (const oldest of known) {
        if (known.size <= KNOWN) break
        known.delete(oldest)
      }
    },
    knows: network => known.has(network),
    get unauthenticated () { return total },
  }
}
