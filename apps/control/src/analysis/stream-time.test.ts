import { expect, it } from 'vitest'
import { createStreamTime } from './stream-time.ts'

function hand () {
  const clock = { at: 1_000_000_000, passed: 5, now: () => clock.at, elapsed: () => clock.passed }
  const pass = (ms: number) => { clock.at += ms; clock.passed += ms }
  return { clock, pass, time: createStreamTime(clock) }
}

it('before anything is heard it is the clock of this machine', () => {
  const { clock, pass, time } = hand()
  pass(500)
  expect(time.now()).toBe(clock.at)
})

it('goes on from what was heard, whatever the clock of this machine does', () => {
  const { clock, pass, time } = hand()
  time.heard(2_000_000_000)
  pass(1000)
  clock.at += 30 * 86_400_000
  expect(time.now()).toBe(2_000_001_000)
  pass(1000)
  time.heard(2_000_001_990)
  expect(time.now()).toBeCloseTo(2_000_002_000, -1)
})

it('follows the clock of the bus when that is set back', () => {
  const { pass, time } = hand()
  time.heard(2_000_000_000)
  pass(1000)
  time.heard(1_000_000_000)
  expect(time.now()).toBe(1_000_000_000)
})

it('when nothing was heard for ten minutes it is the clock of this machine again', () => {
  const { clock, pass, time } = hand()
  time.heard(2_000_000_000)
  pass(599_000)
  expect(time.now()).toBe(2_000_599_000)
  pass(2000)
  expect(time.now()).toBe(clock.at)
})
