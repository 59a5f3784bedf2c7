import { expect, it } from 'vitest'
import { stopSignals } from './stop-signals.ts'

function heard (...times: number[]): string[] {
  let now = 0
  const signals = stopSignals(() => now)
  return times.map(at => {
    now = at
    return signals()
  })
}

it('takes what npm passes on for the same signal, a second within 10 s for impatience, and a third at its word', () => {
  expect(heard(0, 20, 100)).toEqual(['stop', 'ignore', 'ignore'])
  expect(heard(0, 2000, 2050)).toEqual(['stop', 'ignore', 'ignore'])
  expect(heard(0, 2000, 4000)).toEqual(['stop', 'ignore', 'force'])
  expect(heard(0, 11_000)).toEqual(['stop', 'force'])
})
