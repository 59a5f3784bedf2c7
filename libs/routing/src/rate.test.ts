import { expect, it } from 'vitest'
import { createBucket, owedMs, spend } from './rate.ts'

it('lets one second of it through at once, and then what the rate gives', () => {
  const bucket = createBucket(10, 0)
  spend(bucket, 10, 0)
  expect(owedMs(bucket, 0)).toBe(0)
  spend(bucket, 1, 0)
  expect(owedMs(bucket, 0)).toBe(100)
  expect(owedMs(bucket, 60)).toBe(40)
  expect(owedMs(bucket, 100)).toBe(0)
})

it('lets nobody save more than a second', () => {
  const bucket = createBucket(10, 0)
  spend(bucket, 20, 3_600_000)
  expect(owedMs(bucket, 3_600_000)).toBe(1000)
})
