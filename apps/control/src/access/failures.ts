/**
 * How many wrong tokens one address has tried lately. Above the limit it is answered 429 instead of 401; a right token still passes, since guessing
 * 256 bits is hopeless and shutting out everybody behind one proxy is not.
 */
import { isIPv6 } from 'node:net'
import type { Clock } from '@dialtone/kernel'

export const MOST_FAILURES = 10
const WINDOW_MS = 60_000
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const MOST_ADDRESSES = 10_000

export type Failures = {
  /** Counts one; answers the seconds to wait, or 0 while it is within the limit. */
  failed: (address: string) => number
}

export function createFailures (clock: Clock): Failures {
  const windows = new Map<string, { since: number, count: number }>()
  return {
    failed: address => {
      const key = networkOf(address)
      const now = clock.elapsed()
      const known = windows.get(key)
      const window = known === undefined || now - known.since >= WINDOW_MS ? { since: now, count: 0 } : known
      window.count++
      windows.delete(key)
      windows.set(key, window)
      for (const oldest of windows.keys()) {
        if (windows.size <= MOST_ADDRESSES) break
        windows.delete(oldest)
      }
      return window.count <= MOST_FAILURES ? 0 : Math.max(1, Math.ceil((window.since + WINDOW_MS - now) / 1000))
    },
  }
}

/** Of IPv6 the /64: one host has all of it. */
function networkOf (address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(bare)) return bare
  const [head = '', tail] = bare.split('%', 1)[0]?.split('::') ?? []
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  return [...front, ...Array.from({ length: tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length) }, () => '0'), ...back].slice(0, 4).join(':')
}
