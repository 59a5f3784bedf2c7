import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { lost, readStanding } from './standing.ts'

it('reads what this machine has, and finds nothing lost', () => {
  const standing = readStanding()
  expect(standing.addresses).toEqual(Object.values(networkInterfaces()).flatMap(each => each ?? []).map(({ address }) => address))
  expect(standing.addresses).toContain('127.0.0.1')
  expect(lost(standing, readStanding())).toBeUndefined()
  expect(lost(standing, readStanding(), '192.0.2.77')).toContain('192.0.2.77')
})
