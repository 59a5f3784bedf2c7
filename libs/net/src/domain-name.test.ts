import { expect, it } from 'vitest'
import { toAscii } from './domain-name.ts'

for (const [text, ascii] of [
  ['Partner.Example.', 'partner.example'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['localhost', 'localhost'],
] as const) it(`reads ${text}`, () => expect(toAscii(text)).toBe(ascii))

for (const [text, why] of [
  ['', 'empty'], ['a..b', 'empty label'], ['.a', 'empty label'], ['192.0.2.1', 'address'], ['2001:db8::1', 'address'], ['[::1]', 'address'],
  ['user@a.example', "after the '@'"], ['a b.example', 'character'], ['_xmpp.example', 'character'], ['-a.example', 'hyphen'],
  [`${'a'.repeat(64)}.example`, '63 is the most'], [`${'a.'.repeat(126)}example`, '253 is the most'], ['a\u0000b.example', 'IDNA'],
] as const) it(`refuses '${text.slice(0, 20)}' and says why`, () => expect(() => toAscii(text)).toThrow(why))
