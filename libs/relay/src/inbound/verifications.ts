/**
 * How many keys are proved at once. Each is a look-up and a connection to a third party that a stranger makes us open (row R1): bounded for a network and
 * in all, and a network whose key for a domain was refused is not believed about that domain for a while. Where the domain's server could not be asked, nothing is known against
 * the network: it is tried again almost at once, so that a peer gets through as soon as its server is back.
 */
import type { Clock } from '@dialtone/kernel'
import type { InboundLimits } from './limits.ts'

export type Verifications = {
  /** Which bound refuses it; undefined when it has begun and `end` is due. */
  /** `trusted`: whoever may connect there at all speaks for many domains, and is bounded with all others alone. */
  begin: (network: string, from: string, trusted?: boolean) => 'verifications-per-address' | 'verifications' | 'refused-before' | undefined
  end: (network: string, from: string, answer: 'valid' | 'invalid' | 'error') => void
  readonly running: number
}

const KEPT = 10_000

export function createVerifications (limits: () => InboundLimits, clock: Clock): Verifications {
  const running = new Map<string, number>()
  /** Until when. */
  const refused = new Map<string, number>()
  let all = 0
  return {
    begin: (network, from, trusted = false) => {
      const { verifications, verificationsPerAddress } = limits()
      if (clock.elapsed() < (refused.get(`${network} ${from}`) ?? 0)) return 'refused-before'
      const count = running.get(network) ?? 0
      if (!trusted && count >= verificationsPerAddress) return 'verifications-per-address'
      if (all >= verifications) return 'verifications'
      running.set(network, count + 1)
      all++
      return undefined
    },
    end: (network, from, answer) => {
      all--
      const left = (running.get(network) ?? 1) - 1
      if (left > 0) running.set(network, left)
      else running.delete(network)
      const id = `${network} ${from}`
      refused.delete(id)
      if (answer === 'valid') return
      const { refusedMs, unaskedMs } = limits()
      refused.set(id, clock.elapsed() + (answer === 'invalid' ? refusedMs : unaskedMs))
      for (const oldest of refused.keys()) {
        if (refused.size <= KEPT) break
        refused.delete(oldest)
      }
    },
    get running () { return all },
  }
}
