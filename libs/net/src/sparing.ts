import type { Clock } from '@dialtone/kernel'

/** The first of a minute are told one by one, then their number now and then: a flood is a handful of lines (row D17). */
export type Sparing = { /** Counts one more from there. `tell`: like others; a number: now, summed up; `quiet`: not at all. */ count: (network: string) => 'tell' | 'quiet' | number }

const MINUTE_MS = 60_000

/** `told`: how many of a minute are told one by one. Bounded: those that were quiet longest are forgotten. */
export function createSparing (clock: Clock, most = 10_000, told = 10): Sparing {
  const counts = new Map<string, { since: number, count: number, next: number }>()
  return {
    count: network => {
      const now = clock.elapsed()
      const known = counts.get(network)
      const entry = known === undefined || now - known.since > MINUTE_MS ? { since: now, count: 0, next: told + 1 } : known
      entry.count++
      counts.delete(network)
      counts.set(network, entry)
      for (const oldest of counts.keys()) {
        if (counts.size <= most) break
        counts.delete(oldest)
      }
      if (entry.count <= told) return 'tell'
      if (entry.count < entry.next) return 'quiet'
      entry.next *= 10
      return entry.count
    },
  }
}
