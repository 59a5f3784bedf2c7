import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { keysOf } from '@dialtone/stream'
import { expect, it, vi } from 'vitest'
import { DIGEST, RANDOM } from './digest.ts'

for (const [secret, receiving, originating, streamId, key] of [
  ['s3cr3tf0rd14lb4ck', 'montague.example', 'capulet.example', 'D60000229F', 'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3'],
  ['d14lb4ck43v3r', 'capulet.example', 'montague.example', '417GAF25', '225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d'],
  ['s3cr3tf0rd14lb4ck', 'xmpp.example.com', 'example.org', 'D60000229F', '37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643'],
] as const) {
  it(`makes the published key for ${originating} at ${receiving} (XEP-0185, XEP-0220)`, () => {
    const keys = keysOf(secret, DIGEST)
    expect(keys.keyFor({ receiving, originating, streamId })).toBe(key)
    expect(keys.isOurs(key, { receiving, originating, streamId })).toBe(true)
  })
}

it('D3: secrets and ids come from the platform\'s generator, and none can be found again from its seed (CVE-2016-1232)', () => {
  // The attack on a generator that is seeded with a small number, like the time: one key of it, and every seed is tried.
  const weak = (seed: number) => Array.from({ length: 8 }, (_, at) => (Math.imul(seed, 1_103_515_245 ** (at + 1) % 2 ** 31) + 12_345) >>> 0).join()
  const scope = { receiving: 'r.example', originating: 'o.example', streamId: 'X' }
  const seen = keysOf(weak(4711), DIGEST).keyFor(scope)
  expect(Array.from({ length: 5000 }, (_, seed) => seed).find(seed => keysOf(weak(seed), DIGEST).isOurs(seen, scope))).toBe(4711)

  const generator = vi.spyOn(crypto, 'randomBytes')
  syncBuiltinESMExports()
  try {
    expect(RANDOM.bytes(32)).toHaveLength(32)
    expect(generator).toHaveBeenCalledExactlyOnceWith(32)
  } finally {
    generator.mockRestore()
    syncBuiltinESMExports()
  }
})

it('D4: a key for two domains is none for two others that run together to the same text', () => {
  const [one, other] = [{ receiving: 'example.info', originating: 'rm.example.org', streamId: 'x' }, { receiving: 'example.in', originating: 'form.example.org', streamId: 'x' }]
  const { keyFor, isOurs } = keysOf('s3cr3tf0rd14lb4ck', DIGEST)
  // The attack on keys without separators: both scopes are one text.
  const unparted = ({ receiving, originating, streamId }: typeof one) => DIGEST.hmacSha256('k', receiving + originating + streamId)
  expect(unparted(one)).toBe(unparted(other))
  expect(isOurs(keyFor(one), other)).toBe(false)
})

it('D5: a key is bound to the receiver, the sender and the stream', () => {
  const scope = { receiving: 'r1.example', originating: 'ours.example', streamId: 'X' }
  const { keyFor, isOurs } = keysOf('secret', DIGEST)
  // The attack on keys of stream id and secret alone: a receiver relays it to another.
  expect(DIGEST.hmacSha256('k', scope.streamId)).toBe(DIGEST.hmacSha256('k', { ...scope, receiving: 'r2.example' }.streamId))
  for (const changed of [{ receiving: 'r2.example' }, { originating: 'other.example' }, { streamId: 'Y' }]) expect(isOurs(keyFor(scope), { ...scope, ...changed })).toBe(false)
})

it('D8: compares keys of every length, and all of it', () => {
  // The attack on a comparison that ends at the first difference: the longer it takes, the more is right, and a key is guessed digit by digit.
  const secret = DIGEST.sha256('x')
  const steps = (guess: string) => Array.from(secret).findIndex((digit, at) => digit !== guess[at])
  let guess = ''
  while (steps(guess) >= 0) guess += Array.from('0123456789abcdef').find(digit => steps(guess + digit) !== guess.length) ?? ''
  expect(guess).toBe(secret)
  const compare = vi.spyOn(crypto, 'timingSafeEqual')
  syncBuiltinESMExports()
  const { keyFor, isOurs } = keysOf('secret', DIGEST)
  const scope = { receiving: 'r.example', originating: 'o.example', streamId: 'X' }
  const key = keyFor(scope)
  for (const wrong of ['', key.slice(0, -1), `${key}0`, `0${key.slice(1)}`, key.toUpperCase(), 'x'.repeat(100_000), '\u{1F511}']) expect(isOurs(wrong, scope)).toBe(wrong === key)
  expect(isOurs(key, scope)).toBe(true)
  // Of every length, by the platform's comparison in constant time.
  expect(compare).toHaveBeenCalledTimes(8)
  compare.mockRestore()
  syncBuiltinESMExports()
})
