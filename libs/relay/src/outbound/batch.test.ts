import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Batch } from './batch.ts'

it('lends what lies in one piece, without a copy, when it is read at once', () => {
  const batch = new Batch()
  const data = bytes('abcdef')
  for (const at of [0, 2, 4]) batch.add(data, at, at + 2, true)
  const { bytes: taken } = batch.take(true)
  expect([text(taken), taken.buffer === data.buffer]).toEqual(['abcdef', true])
})

it('copies it when it is read later, or lies in two pieces', () => {
  const data = bytes('abcdef')
  const later = new Batch()
  later.add(data, 0, 6, true)
  const two = new Batch()
  two.add(data, 0, 2, true)
  two.add(data, 4, 6, true)
  const taken = [later.take(false), two.take(true)].map(each => each.bytes)
  data.fill(0)
  expect(taken.map(text)).toEqual(['abcdef', 'abef'])
})

it('holds nothing when it is empty, and gives its block to the next', () => {
  const [one, other] = [new Batch(), new Batch()]
  one.add(bytes('abc'), 0, 3, false)
  const { bytes: first, giveBack } = one.take(true)
  giveBack()
  other.add(bytes('def'), 0, 3, false)
  expect(other.take(true).bytes.buffer).toBe(first.buffer)
  expect(one.length).toBe(0)
  expect(one.take(true).bytes).toHaveLength(0)
})

it('gives in order whatever was added, of whatever size', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 20_000 }), fc.boolean(), fc.boolean()), { maxLength: 12 }), fc.boolean(), (pieces, now) => {
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
    const { bytes: taken, giveBack } = batch.take(now)
    expect(Buffer.compare(Buffer.from(taken), expected)).toBe(0)
    giveBack()
    expect(batch.length).toBe(0)
  }), { numRuns: 200 })
})

function bytes (of: string): Uint8Array { return new TextEncoder().encode(of) }
function text (of: Uint8Array): string { return new TextDecoder().decode(of) }
