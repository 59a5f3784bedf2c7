import { keysOf } from '@dialtone/stream'
import { expect, it } from 'vitest'
import { DIGEST } from './digest.ts'

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
  const { keyFor, isOurs } = keysOf('secret', DIGEST)
  const scope = { receiving: 'r.example', originating: 'o.example', streamId: 'X' }
  const key = keyFor(scope)
  for (const wrong of ['', key.slice(0, -1), `${key}0`, `0${key.slice(1)}`, key.toUpperCase(), 'x'.repeat(100_000), '\u{1F511}']) expect(isOurs(wrong, scope)).toBe(wrong === key)
  expect(isOurs(key, scope)).toBe(true)
})
