import { expect, it } from 'vitest'
import { notationOf, seriesOf } from './notation.ts'

const NONE = undefined
for (const [what, values, written] of [
  ['a value that stays', [0, 0, 0], '0x2'],
  ['one that rises evenly', [1, 3, 5, 7], '1+2x3'],
  ['one that falls', [9, 8, 7], '9-1x2'],
  ['steps of a fraction', [0.1, 0.2, 0.3, 0.4], '0.1+0.1x3'],
  ['values without a rule', [5, 1, 4], '5 1 4'],
  ['a change', [0, 0, 2, 2, 2], '0x1 2x2'],
  ['one that comes later', [NONE, NONE, 1, 1], '_x2 1x1'],
  ['one that ends', [1, 1, NONE, NONE, NONE], '1x1 stale _x2'],
  ['one that is away for a moment', [1, NONE, 1], '1 stale 1'],
  ['a single value', [7], '7'],
] as const) it(what, () => expect(notationOf(values)).toBe(written))

it('writes a series with its labels in order', () => {
  expect(seriesOf('dialtone_state', { peer: '', domain: 'a.test', __name__: 'dialtone_state' })).toBe('dialtone_state{domain="a.test",peer=""}')
})
