import { describe, expect, it } from 'vitest'
import { createMarkScanner, renderBatch } from './numbered-message.ts'
import { createTally } from './tally.ts'

const batchOf = (pair: number, count: number, size = 300) => renderBatch({ from: `user@p${pair}.outside.example/a`, to: 'user@inside.example', pair, count, size })

describe('numbered messages', () => {
  it('have the size that was asked for, whatever their numbers', () => {
    const batch = batchOf(7, 3)
    batch.fill(99_999_998, 1)
    expect(batch.bytes.length).toBe(900)
    expect(batch.bytes.subarray(300, 600).toString()).toMatch(/^<message from='user@p7\.outside\.example\/a' to='user@inside\.example' type='chat' id='bench'><body>#0007999999990000000000000001 filler.*<\/body><\/message>$/)
  })

  it('are refused where they do not fit', () => {
    expect(() => batchOf(7, 1, 100)).toThrow('does not fit into 100 bytes')
  })

  it('are found at every cut, also among others', () => {
    const batch = batchOf(12, 4)
    batch.fill(41, 1234)
    const all = Buffer.concat([Buffer.from('<a b="#12"/>#'), batch.bytes.subarray(0, 600), Buffer.from("<presence from='#'/>"), batch.bytes.subarray(600)])
    for (let first = 0; first <= all.length; first++) {
      for (const second of [1, 2, 29, 30, 299, 700]) {
        const found: number[][] = []
        const scan = createMarkScanner((...mark) => found.push(mark))
        scan(all.subarray(0, first))
        scan(all.subarray(first, first + second))
        scan(all.subarray(first + second))
        expect(found, `cut at ${first} and ${first + second}`).toEqual([41, 42, 43, 44].map(number => [12, number, 1234]))
      }
    }
  })
})

describe('a tally', () => {
  it('tells lost, doubled, reordered and strange apart', () => {
    const tally = createTally({ pairs: 2, each: 10 })
    for (const number of [0, 1, 3, 2, 2, 9]) tally.count(0, number, 0)
    tally.count(1, 0, 0)
    tally.count(2, 0, 0)
    tally.count(1, 10, 0)
    // 4 was sent and did not come, 9 came and was not sent.
    expect(tally.report([5, 1])).toMatchObject({ sent: 6, received: 5, lost: 1, doubled: 1, reordered: 1, strange: 3 })
    expect(tally.arrived()).toBe(9)
  })

  it('gives quantiles of what was measured', () => {
    let now = 0
    const tally = createTally({ pairs: 1, each: 100, nowUs: () => now })
    for (let number = 0; number < 100; number++) {
      now = number * 1000
      tally.count(0, number, 0)
    }
    expect(tally.report([100])).toMatchObject({ lost: 0, p50Ms: 50, p99Ms: 99, maxMs: 99 })
  })
})
