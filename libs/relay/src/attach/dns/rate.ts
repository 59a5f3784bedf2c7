/**
 * How many answers one client gets over UDP, where its address may be forged: a bucket each, by address or IPv6 /64. Of what is beyond, every second question is answered
 * with "truncated" and nothing else, so that a client whose address another forges still gets through, over TCP ("response rate limiting", slip 2).
 */
import { isIPv6 } from 'node:net'
import type { Clock } from '@dialtone/kernel'

export type RateLimits = { perSecond: number, burst: number, buckets: number }
export const RATE_LIMITS: RateLimits = { perSecond: 1000, burst: 2000, buckets: 10_000 }
type Bucket = { left: number, at: number, slip: boolean }

export function createRate (clock: Clock, { perSecond, burst, buckets }: RateLimits): (client: string) => 'answer' | 'truncate' | 'drop' {
  const known = new Map<string, Bucket>()
  return client => {
    const now = clock.elapsed()
    const bucket = known.get(client) ?? { left: burst, at: now, slip: false }
    bucket.left = Math.min(burst, bucket.left + (now - bucket.at) / 1000 * perSecond)
    bucket.at = now
    if (!known.has(client)) {
      // The oldest goes: whoever has clients without number does not limit them one by one.
      if (known.size >= buckets) known.delete(known.keys().next().value as string)
      known.set(client, bucket)
    }
    if (bucket.left >= 1) {
      bucket.left--
      return 'answer'
    }
    bucket.slip = !bucket.slip
    return bucket.slip ? 'truncate' : 'drop'
  }
}

/** The address of a client as it is counted. */
export function clientOf (address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/, '').split('%')[0] ?? ''
  if (!isIPv6(bare)) return bare
  const [left = '', right] = bare.split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  return [...head, ...Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0'), ...tail].slice(0, 4).join(':')
}
