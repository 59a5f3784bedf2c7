/**
 * How fast a pair may send (XEP-0205 §4.2), as a token bucket that holds one second's worth. What has arrived is never refused: it is owed, and whoever sends
 * it is not read until the debt is paid.
 */

/** Tokens of one kind; `level` below 0 is owed. Times in milliseconds of the monotonic clock. */
export type Bucket = { readonly perSecond: number, level: number, at: number }

export function createBucket (perSecond: number, now: number): Bucket {
  return { perSecond, level: perSecond, at: now }
}

/** Takes out so many, whether they are there or not. */
export function spend (bucket: Bucket, tokens: number, now: number): void {
  bucket.level = Math.min(bucket.perSecond, bucket.level + (now - bucket.at) * bucket.perSecond / 1000) - tokens
  bucket.at = now
}

/** Milliseconds until nothing is owed; 0: at once. */
export function owedMs (bucket: Bucket, now: number): number {
  const level = bucket.level + (now - bucket.at) * bucket.perSecond / 1000
  return level >= 0 ? 0 : Math.ceil(-level * 1000 / bucket.perSecond)
}
