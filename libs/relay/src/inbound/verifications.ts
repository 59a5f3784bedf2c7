/**
 * How many keys are proved at once. Each is a look-up and a connection to a third party that a stranger makes us open (row R1): bounded for a network and for a
 * zone, so that what strangers do outside leaves the inside its own; a quarter of a zone's is kept for networks from which a configured peer has authenticated before. A network whose
 * key for a domain was refused is not believed about that domain for a while. Where the domain's server could not be asked, nothing is known against the network: it is tried again
 * almost at once, so that a peer gets through as soon as its server is back.
 */
import type { Clock } from '@dialtone/kernel'
import type { InboundLimits } from './limits.ts'

export type Verifications = {
  /**
   * Which bound refuses it; undefined when it has begun and `end` is due. `trusted`: whoever may connect there at all speaks for many domains, and is bounded by
   * the zone alone. `known`: a configured peer has authenticated from the network before.
   */
  begin: (zone: string, network: string, from: string, asks?: { trusted?: boolean, known?: boolean }) => 'verifications-per-address' | 'verifications' | 'refused-before' | undefined
  end: (zone: string, network: string, from: string, answer: 'valid' | 'invalid' | 'error') => void
  readonly running: number
}

const KEPT = 10_000
/** One part in so many of a zone's is for networks that are known. */
const SHARE = 4

export function createVerifications (limits: () => InboundLimits, clock: Clock): Verifications {
  const [ofNetworks, ofZones] = [new Map<string, number>(), new Map<string, number>()]
  /** Until when. */
  const refused = new Map<string, number>()
  let all = 0
  return {
    begin: (zone, network, from, { trusted = false, known = false } = {}) => {
      const { verifications, verificationsPerAddress } = limits()
      if (clock.elapsed() < (refused.get(`${network} ${from}`) ?? 0)) return 'refused-before'
      if (!trusted && (ofNetworks.get(network) ?? 0) >= verificationsPerAddress) return 'verifications-per-address'
      if ((ofZones.get(zone) ?? 0) >= (trusted || known ? verifications : verifications - Math.ceil(verifications / SHARE))) return 'verifications'
      change(ofNetworks, network, 1)
      change(ofZones, zone, 1)
      all++
      return undefined
    },
    end: (zone, network, from, answer) => {
      all--
      change(ofNetworks, network, -1)
      change(ofZones, zone, -1)
      const id = `${network} ${from}`
      const before = refused.get(id) ?? 0
      refused.delete(id)
      if (answer === 'valid') return
      const { refusedMs, unaskedMs } = limits()
      // What is known against it already is not forgotten because another key of it could not be asked about.
      refused.set(id, Math.max(before, clock.elapsed() + (answer === 'invalid' ? refusedMs : unaskedMs)))
      for (const oldest of refused.keys()) {
        if (refused.size <= KEPT) break
        refused.delete(oldest)
      }
    },
    get running () { return all },
  }
}

function change (counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}
