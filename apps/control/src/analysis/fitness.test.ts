import { OperatorError } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { createFitness } from './fitness.ts'

it('a step that fails for a minute without getting through is unfit; one that gets through in between is not', () => {
  let now = 0
  const fitness = createFitness({ elapsed: () => now })
  const pass = (seconds: number) => { now += seconds * 1000 }
  fitness.failed('turn', new Error('disk I/O error'))
  pass(50)
  fitness.passed('turn')
  fitness.failed('turn', new Error('disk I/O error'))
  pass(50)
  expect(fitness.unfit).toBeUndefined()
  // Another step that goes well does not help.
  fitness.passed('audit')
  pass(10)
  expect(fitness.unfit).toMatch(/'turn' has failed for 60 seconds \(disk I\/O error\)/)
  fitness.passed('turn')
  expect(fitness.unfit).toBeUndefined()
})

it('without a bus nothing counts; a damaged store counts at once and for good', () => {
  let now = 0
  const fitness = createFitness({ elapsed: () => now })
  fitness.failed('turn', new Error('unreachable'))
  fitness.interrupted()
  now += 100_000
  expect(fitness.unfit).toBeUndefined()
  for (const code of ['store-corrupt', 'store-displaced']) {
    const other = createFitness({ elapsed: () => now })
    other.failed('observations', new OperatorError(code, 'the store is not sound'))
    other.passed('observations')
    other.interrupted()
    expect(other.unfit).toBe('the store is not sound')
  }
})
