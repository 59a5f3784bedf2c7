import { expect, it } from 'vitest'
import { toAscii, toHost } from './domain-name.ts'

for (const [text, ascii] of [
  ['Partner.Example.', 'partner.example'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['localhost', 'localhost'],
] as const) it(`reads ${text}`, () => expect(toAscii(text)).toBe(ascii))

for (const [text, why] of [
  ['', 'empty'], ['a..b', 'empty label'], ['.a', 'empty label'], ['192.0.2.1', 'address'], ['2001:db8::1', 'address'], ['[::1]', 'address'],
  ['user@a.example', "after the '@'"], ['a b.example', 'character'], ['_xmpp.example', 'character'], ['-a.example', 'hyphen'],
  [`${'a'.repeat(64)}.example`, '63 is the most'], [`${'a.'.repeat(126)}example`, '253 is the most'], ['a\u0000b.example', 'IDNA'], ['..', 'empty'],
  ['127。0。0。1', 'address'], ['１２７.0.0.1', 'address'], ['0x7f.1', 'address'], ['0x7f000001', 'address'], ['127.0.0.001', 'address'], ['a.example.5', 'address'], ['[::1', 'address'],
] as const) it(`refuses '${text.slice(0, 20)}' and says why`, () => expect(() => toAscii(text)).toThrow(why))

it('bears with underscores in hosts, and with nothing else', () => {
  expect(toHost('My_Host.bücher.example')).toBe('my_host.xn--bcher-kva.example')
  for (const text of ['999.1.1.1', '127.0.0.001', 'a b', 'direct:direct', '']) expect(() => toHost(text)).toThrow(/is no host/)
})
