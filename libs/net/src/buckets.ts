import type { Clock } from '@dialtone/kernel'

/** Token buckets by address: `burst` at once, `perSecond` given back. Bounded: the addresses that were quiet longest are forgotten, full as they are. */
export function createBuckets ({ burst, perSecond, most = 10_000 }: { burst: number, perSecond: number, most?: number }, clock: Clock): { take: (address: string) => boolean } {
  const buckets = new Map<string, { tokens: number, at: number }>()
  return {
    take: address => {
      const now = clock.elapsed()
      const known = buckets.get(address)
      const tokens = known === undefined ? burst : Math.min(burst, known.tokens + (now - known.at) / 1000 * perSecond)
      // Put back at the end: the first of a Map is the one that was quiet longest.
      buckets.delete(address)
      buckets.set(address, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
      for (const oldest of buckets.keys()) {
        if (buckets.size <= most) break
        buckets.delete(oldest)
      }
      return tokens >= 1
    },
  }
}
