import { domainToASCII } from 'node:url'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeALabel } from './a-label.ts'

for (const [label, text] of [
  ['xn--mnchen-3ya', 'm\u00FCnchen'], ['xn--fsqu00a', '\u4F8B\u5B50'], ['xn--80akhbyknj4f', '\u0438\u0441\u043F\u044B\u0442\u0430\u043D\u0438\u0435'], ['XN--MNCHEN-3YA', 'm\u00FCnchen'], ['xn--n3h', '\u2603'], ['xn--ls8h', '\u{1F4A9}'],
  ['xn--', undefined], ['xn--abc-', undefined], ['xn---', undefined], ['xn--0', undefined], ['plain', undefined], ['xn--mnchen-3y\u00FC', undefined], ['xn--99999999', undefined], [`xn--${'9'.repeat(70)}`, undefined],
] as const) it(`${label.slice(0, 24)} is ${text === undefined ? 'no A-label' : 'decoded'}`, () => expect(decodeALabel(label)).toBe(text))

it('decodes what Node encodes', () => {
  const letter = fc.constantFrom(...Array.from('abz\u00E4\u00F6\u00FC\u00E9\u0142\u0436\u044F\u03B1\u03C9\u4F8B\u5B50\u6771\u4EAC'))
  fc.assert(fc.property(fc.array(letter, { minLength: 1, maxLength: 12 }), letters => {
    const text = letters.join('')
    const encoded = domainToASCII(text)
    expect(decodeALabel(encoded) ?? encoded).toBe(text)
  }))
})

it('never throws, and gives nothing that needed no encoding', () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z0-9-]{0,30}$/), text => {
    expect(decodeALabel(`xn--${text}`) ?? '\u00E4').toMatch(/[^\0-\x7F]/)
  }), { numRuns: 1000 })
})
