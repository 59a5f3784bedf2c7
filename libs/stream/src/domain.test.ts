import { domainToASCII } from 'node:url'
import { assert, constantFrom, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalDomain, domainOf } from './domain.ts'

describe('one form for every spelling of a domain', () => {
  for (const [text, canonical] of [
    ['Partner.EXAMPLE', 'partner.example'], ['partner.example.', 'partner.example'], ['a_b.example', 'a_b.example'], ['localhost', 'localhost'],
    ['bücher.example', 'xn--bcher-kva.example'], ['BÜCHER.example', 'xn--bcher-kva.example'], ['bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['XN--Bcher-KVA.example', 'xn--bcher-kva.example'], ['straße.example', 'xn--strae-oqa.example'], ['пример.испытание', 'xn--e1afmkfd.xn--80akhbyknj4f'],
    ['例え.テスト', 'xn--r8jz45g.xn--zckzah'], ['מבחן.example', 'xn--5dbmtg.example'], ['\u{20BB7}野家.example', 'xn--fctt27jo60v.example'],
  ] as const) it(text, () => expect(canonicalDomain(text)).toBe(canonical))
})

describe('D10: what is no domain equals nothing', () => {
  for (const text of [
    '', '.', '..', 'a..example', '.example', 'example..', ' partner.example', 'partner.example ', 'partner.example\n', 'partner.example\u0000.evil.example', '*.example', 'a@example',
    'a/b', 'a,b', '[2001:db8::1]', '2001:db8::1', '-a.example', 'a-.example', 'a\u200D.example', 'a\u00AD.example', 'a\u202E.example', 'a。example', 'a．example', '\u0301a.example',
    `${'a'.repeat(64)}.example`, Array.from({ length: 64 }, () => 'abcd').join('.'), 'ü'.repeat(63), 'a'.repeat(100_000), '\uD800.example',
  ]) it(JSON.stringify(text.slice(0, 40)), () => expect(canonicalDomain(text)).toBeUndefined())
})

it('takes the domain of a JID as RFC 7622 cuts it: at the first slash, then at the first at', () => {
  expect(domainOf('romeo@Partner.example/orchard')).toBe('partner.example')
  expect(domainOf('partner.example')).toBe('partner.example')
  expect(domainOf('evil.example/romeo@partner.example')).toBe('evil.example')
  expect(domainOf('a@b@partner.example')).toBeUndefined()
  expect(domainOf('')).toBeUndefined()
})

it('agrees with the IDNA of Node on letters of many scripts', () => {
  const label = string({ unit: constantFrom('a', 'b', 'z', 'A', 'Z', '0', '9', '-', 'ü', 'Ü', 'ß', 'é', 'ñ', 'ж', 'Ж', '東'), minLength: 1, maxLength: 8 }).filter(text => !/^-|-$|^..--/.test(text))
  assert(property(label, text => { expect(canonicalDomain(`${text}.example`)).toBe(domainToASCII(`${text}.example`)) }), { numRuns: 1000 })
})

it('gives a form that is its own form, for any text', () => {
  assert(property(string({ unit: 'binary', maxLength: 80 }), text => {
    const canonical = canonicalDomain(text)
    if (canonical !== undefined) expect(canonicalDomain(canonical)).toBe(canonical)
    expect(canonical ?? 'a').toMatch(/^[a-z0-9_.-]+$/)
  }), { numRuns: 2000 })
})
