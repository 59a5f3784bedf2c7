import { expect, it } from 'vitest'
import { differenceOf } from './difference.ts'

const zone = (name: string, more: object = {}) => ({ name, side: 'internal', listen: [{ address: '10.0.0.1', port: 5269 }], ...more })

it('compares lists of named objects by name, field by field', () => {
  const before = { spec: { zones: [zone('outside'), zone('lan', { domains: ['a.example'] })] } }
  const after = { spec: { zones: [zone('outside'), zone('lan', { domains: ['a.example', 'b.example'], tls: 'required' }), zone('lab')] } }
  expect(differenceOf(before, after)).toEqual([
    { pointer: '/spec/zones/lan/domains', before: ['a.example'], after: ['a.example', 'b.example'] },
    { pointer: '/spec/zones/lan/tls', after: 'required' },
    { pointer: '/spec/zones/lab', after: zone('lab') },
  ])
})

it('compares other lists as a whole: another order, a name twice, no name', () => {
  for (const [before, after] of [[[zone('a'), zone('b')], [zone('b'), zone('a')]], [[zone('a'), zone('a')], [zone('a')]], [[{ host: 'a' }], [{ host: 'b' }]], [['a'], ['b']]]) {
    expect(differenceOf({ of: before }, { of: after })).toEqual([{ pointer: '/of', before, after }])
  }
})
