import { describe, expect, it } from 'vitest'
import type { Assignment, Target } from '@dialtone/contracts'
import { ownerOf, plansOf } from './work.ts'

const PROBE: NonNullable<Target['deep']> = { depth: 'probe', secret: 'env:S' }

describe('who checks what', () => {
  const targets = Array.from({ length: 200 }, (_, at) => target(`d${at}.example`, at % 2 === 0 ? { deep: PROBE } : {}))

  it('domains that are asked in the name of the probe domain are checked by those whom the peers call back', () => {
    const owner = ownerOf(targets, { all: ['a', 'b', 'c'], listeners: ['b'] })
    const mine = (me: string) => targets.filter(({ id }) => owner(id) === me)
    expect(mine('b').filter(({ deep }) => deep !== undefined)).toHaveLength(100)
    expect(mine('a').length + mine('b').length + mine('c').length).toBe(200)
    expect(mine('a').length).toBeGreaterThan(15)
    expect(mine('c').length).toBeGreaterThan(15)
  })

  it('without a listener anywhere, all share them', () => {
    const owner = ownerOf(targets, { all: ['a', 'b'], listeners: [] })
    const mine = (me: string) => targets.filter(({ id }) => owner(id) === me)
    expect(mine('a').length + mine('b').length).toBe(200)
    expect(mine('a').filter(({ deep }) => deep !== undefined).length).toBeGreaterThan(25)
  })
})

describe('how deep', () => {
  const spec: Assignment['spec'] = { side: 'outside', probeDomain: { domain: 'probe.example', secret: 'env:S', listen: [{ address: '127.0.0.1', port: 5269 }] } }
  const pairOf = (one: Target, listens: boolean, given = spec) => plansOf({ v: 1, revision: 1, vantage: 'here', spec: given, schedules: { default: {} }, targets: [one], managed: {} }, listens)[0]?.pair

  for (const [name, one, listens, pair] of [
    ['with the secret of OURS, as OURS', target('peer.example', { ours: 'ours.example', deep: { depth: 'shared', secret: 'env:S' } }), false, 'ours.example peer.example'],
    ['as the probe domain, where it listens', target('peer.example', { deep: PROBE }), true, 'probe.example peer.example'],
    ['not as the probe domain where nobody would hear the callback', target('peer.example', { deep: PROBE }), false, undefined],
    ['not the probe domain in its own name', target('probe.example', { deep: PROBE }), true, undefined],
    ['not where none is wanted', target('peer.example'), true, undefined],
    ['not with a secret of nobody', target('peer.example', { deep: { depth: 'shared', secret: 'env:S' } }), true, undefined],
  ] as const) it(name, () => expect(pairOf(one, listens)).toBe(pair))
})

function target (domain: string, more: Partial<Target> = {}): Target {
  return { id: `peer:${domain}`, job: 'peer', domain, schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: [], ...more }
}
