import type { PeerReach } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { createFleetReach } from './reach.ts'

const blocked = (n: number): PeerReach => ({ peer: `peer${n}.example`, networks: [`192.0.${n}.0/24`], inside: 'unreached', outside: 'reached' })
const reached = (n: number): PeerReach => ({ ...blocked(n), inside: 'reached' })

it('one peer that is reached from inside stands for all, until it is not', () => {
  const reach = createFleetReach()
  expect(reach.put(reached(1))).toBe(true)
  expect(reach.put(reached(2))).toBe(false)
  expect(reach.put(blocked(1))).toBe(false)
  expect(reach.of().map(({ peer }) => peer)).toEqual(['peer2.example'])
  expect(reach.put(blocked(2))).toBe(true)
  expect(reach.of().map(({ peer }) => peer)).toEqual(['peer1.example', 'peer2.example'])
})

it('of thousands that are blocked a few stand for all, the same whatever the order', () => {
  const names = Array.from({ length: 200 }, (_, n) => n)
  const picture = (order: readonly number[]) => {
    const reach = createFleetReach()
    for (const n of order) reach.put(blocked(n))
    return reach.of().slice(0, 2)
  }
  expect(picture(names)).toEqual(picture(names.toReversed()))
  expect(picture(names).map(({ peer }) => peer)).toEqual(['peer0.example', 'peer1.example'])
})

it('always has the peer that is asked about', () => {
  const reach = createFleetReach()
  for (let n = 0; n < 50; n++) reach.put(blocked(n))
  expect(reach.of('peer49.example')[0]?.peer).toBe('peer49.example')
  expect(reach.of('nobody.example').length).toBeLessThan(10)
  expect(reach.drop('peer0.example')).toBe(true)
  expect(reach.of()[0]?.peer).toBe('peer1.example')
})
