import { expect, it } from 'vitest'
import type { Report } from '@dialtone/contracts'
import { requestFor } from '@dialtone/ladder'
import { ORDER } from '@dialtone/verdict'
import { expectedOfPair, randomPairs, startPair, type Fault } from '@dialtone/zoo'
import { check } from './run-check.ts'

const PAIRS = 200
const PARALLEL = 12

it(`names what the order of judging puts first, for ${PAIRS} random pairs of faults on two endpoints`, { timeout: 120_000 }, async () => {
  const seed = Number(process.env['DIALTONE_PAIRS_SEED'] ?? Date.now() % 1_000_000)
  const pairs = randomPairs(PAIRS, generator(seed))
  const wrong: string[] = []
  const queue = pairs.values()
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    for (const [a, b] of queue) {
      const named = await judgePair(a, b)
      const expected = expectedOfPair(a, b, ORDER)
      if (named.cause !== expected.cause || named.state !== expected.state) wrong.push(`${a.name} + ${b.name}: ${named.cause} (${named.state}), expected ${expected.cause} (${expected.state})`)
    }
  }))
  expect(wrong, `seed ${seed}: set DIALTONE_PAIRS_SEED to run it again`).toEqual([])
})

async function judgePair (a: Fault, b: Fault): Promise<Report['verdict']> {
  const signal = AbortSignal.timeout(60_000)
  const running = await startPair(a, b, signal)
  try {
    return (await check(requestFor(running.request), running.judge, signal)).verdict
  } finally {
    await running.stop()
  }
}

/** A linear congruential generator: the same pairs for the same seed. */
function generator (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
