import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Batch } from './batch.ts'

it('lends what lies in one piece, without a copy, when it is read at once', () => {
  const batch = new Batch()
  const data = bytes('abcdef')
  for (const at of [0, 2, 4]) batch.add(data, at, at + 2, true)
  const to = sink()
  expect(batch.send(to, true)).toBe(6)
  expect([text(to.taken), to.taken.buffer === data.buffer]).toEqual(['abcdef', true])
})

it('copies it when it is read later, or lies in two pieces', () => {
  const data = bytes('abcdef')
  const [later, behind, two] = [new Batch(), new Batch(), new Batch()]
  later.add(data, 0, 6, true)
  behind.add(data, 0, 6, true)
  two.add(data, 0, 2, true)
  two.add(data, 4, 6, true)
  const to = [sink(), sink(7), sink()] as const
  later.send(to[0], false)
  behind.send(to[1], true)
  two.send(to[2], true)
  data.fill(0)
  expect(to.map(({ taken }) => text(taken))).toEqual(['abcdef', 'abcdef', 'abef'])
})

it('holds nothing when it is empty, and gives its block to the next', () => {
  const [one, other] = [new Batch(), new Batch()]
  const [first, second] = [sink(), sink()]
  one.add(bytes('abc'), 0, 3, false)
  one.send(first, true)
  other.add(bytes('def'), 0, 3, false)
  other.send(second, true)
  expect(second.taken.buffer).toBe(first.taken.buffer)
  expect(one.length).toBe(0)
  expect(one.send(first, true)).toBe(0)
})

it('gives a block to nobody before the connection has read it', () => {
  const [one, other] = [new Batch(), new Batch()]
  const [first, second, third] = [sink(0, true), sink(), sink()]
  one.add(bytes('abc'), 0, 3, false)
  one.send(first, false)
  other.add(bytes('def'), 0, 3, false)
  other.send(second, false)
  expect(second.taken.buffer).not.toBe(first.taken.buffer)
  expect(text(first.taken)).toBe('abc')
  first.unsent = 0
  one.reclaim()
  other.add(bytes('ghi'), 0, 3, false)
  other.send(third, false)
  expect(third.taken.buffer).toBe(first.taken.buffer)
})

it('puts other bytes in their place, and then needs its own no more', () => {
  const [one, to] = [new Batch(), sink(0, true)]
  one.add(bytes('abc'), 0, 3, false)
  expect(one.send(to, false, () => bytes('abcd'))).toBe(4)
  expect(text(to.taken)).toBe('abcd')
})

it('gives in order whatever was added, of whatever size', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 80_000 }), fc.boolean(), fc.boolean()), { maxLength: 12 }), fc.boolean(), fc.boolean(), (pieces, secured, slow) => {
    const batch = new Batch()
    let expected = Buffer.alloc(0)
    for (const [data, lasting, halves] of pieces) {
      const middle = halves ? data.length >> 1 : 0
      if (middle > 0) batch.add(data, 0, middle, lasting)
      batch.add(data, middle, data.length, lasting)
      expected = Buffer.concat([expected, data])
      if (!lasting) data.fill(0xAA)
    }
    expect(batch.length).toBe(expected.length)
    const to = sink(0, slow)
    batch.send(to, secured)
    expect(Buffer.compare(Buffer.from(to.taken), expected)).toBe(0)
    expect(batch.length).toBe(0)
  }), { numRuns: 200 })
})

/** A connection with so many bytes that have not left; a slow one keeps what it is sent. */
function sink (unsent = 0, slow = false): { unsent: number, taken: Uint8Array, send: (bytes: Uint8Array) => void } {
  const to = {
    unsent, taken: new Uint8Array(0) as Uint8Array,
    send: (bytes: Uint8Array) => {
      to.taken = bytes
      if (slow) to.unsent += bytes.length
    },
  }
  return to
}

function bytes (of: string): Uint8Array { return new TextEncoder().encode(of) }
function text (of: Uint8Array): string { return new TextDecoder().decode(of) }
