import { describe, expect, it } from 'vitest'
import { hostOf } from './network-words.ts'
import { COMMON, addressOf, countOf, formatOf, overrideOf, parse, profileOf, resolverOf } from './options.ts'

it('names an unknown option and where to read on', () => {
  expect(() => parse('check', COMMON, ['--resolvr', '192.0.2.1'])).toThrow(/--resolvr.*dialtone check --help/)
})

it('names an option without its value', () => {
  expect(() => parse('check', COMMON, ['--format'])).toThrow(/--format/)
})

describe('--resolver', () => {
  for (const [text, address, port] of [
    ['192.0.2.53', '192.0.2.53', 53],
    ['192.0.2.53:5353', '192.0.2.53', 5353],
    ['2001:db8::53', '2001:db8::53', 53],
    ['[2001:db8::53]:5353', '2001:db8::53', 5353],
  ] as const) it(`reads ${text}`, () => expect(resolverOf(text)).toEqual({ address, port }))

  for (const text of ['dns.example', 'dns.example:53', '192.0.2.53:', '192.0.2.53:0', '192.0.2.53:70000', '[192.0.2.53]:53', '', ':53', 'x'])
    it(`refuses '${text}' and says so`, () => expect(() => resolverOf(text)).toThrow(/--resolver/))
})

describe('--endpoint', () => {
  it('is STARTTLS unless told', () => expect(overrideOf('XMPP.example:5269')).toEqual({ host: 'xmpp.example', port: 5269, kind: 'starttls' }))
  it('can be direct TLS', () => expect(overrideOf('direct:192.0.2.1:5270')).toEqual({ host: '192.0.2.1', port: 5270, kind: 'direct' }))
  it('is a name in A-labels, or an address as it is written', () => {
    expect(hostOf('xmpp.pärtner.example')).toBe('xmpp.xn--prtner-bua.example')
    expect(hostOf('2001:DB8::1')).toBe('2001:db8::1')
    for (const text of ['foo..bar', '127.050.0.1', '1.2.3', 'x y']) expect(() => hostOf(text)).toThrow(/is no host/)
  })
  it('needs a port', () => expect(() => overrideOf('xmpp.example')).toThrow(/--endpoint 'xmpp.example' is no HOST:PORT/))
})

it('takes known formats, profiles, addresses and counts only', () => {
  expect(formatOf({ json: true })).toBe('json')
  expect(() => formatOf({ format: 'xml' })).toThrow("--format is 'text' or 'json', not 'xml'")
  expect(profileOf('webex')).toBe('webex')
  expect(() => profileOf('hal')).toThrow(/one of standard, googletalk/)
  expect(() => addressOf('--expect', '192.0.2')).toThrow(/--expect takes an IP address, not '192.0.2'/)
  expect(() => countOf('--parallel', '1e3', 1, 100)).toThrow(/--parallel/)
})

it('shows what a hostile argument contains without letting it speak to the terminal', () => {
  expect(() => formatOf({ format: '\u001B[2J' })).toThrow('\\u{1b}[2J')
})
