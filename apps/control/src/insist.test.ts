import { expect, it } from 'vitest'
import { insist } from './insist.ts'

it('does what it is asked until it succeeds, one at a time, and once more where it was asked meanwhile', async () => {
  let tries = 0
  const errors: string[] = []
  const gate = Promise.withResolvers<void>()
  const insisting = insist(async () => {
    tries++
    if (tries === 1) await gate.promise
    if (tries < 3) throw new Error(`try ${tries}`)
  }, error => errors.push(String(error)), 1)
  insisting.ask()
  insisting.ask()
  expect(tries).toBe(1)
  gate.resolve()
  await expect.poll(() => tries).toBe(3)
  expect(errors).toEqual(['Error: try 1', 'Error: try 2'])
  insisting.ask()
  await expect.poll(() => tries).toBe(4)
  await insisting.stop()
})

it('ends where it is stopped, also in a pause', async () => {
  let tries = 0
  const insisting = insist(async () => {
    tries++
    throw new Error('never')
  }, () => undefined, 600_000)
  insisting.ask()
  await expect.poll(() => tries).toBe(1)
  await insisting.stop()
  insisting.ask()
  expect(tries).toBe(1)
})
