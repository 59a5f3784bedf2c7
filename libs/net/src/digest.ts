// The platform's digests and randomness, in the shapes that pure code asks for.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Digest, Random } from '@dialtone/kernel'

export const DIGEST: Digest = {
  sha256: text => createHash('sha256').update(text).digest('hex'),
  hmacSha256: (key, text) => createHmac('sha256', key).update(text).digest('hex'),
  same: (a, b) => {
    const [left, right] = [Buffer.from(a), Buffer.from(b)]
    // Compared with itself where the lengths differ: the length of a key is no secret, its content is.
    return timingSafeEqual(left, left.length === right.length ? right : left) && left.length === right.length
  },
}

/** The kernel's generator (CSPRNG). */
export const RANDOM: Random = { bytes: count => randomBytes(count) }
