import { describe, expect, it } from 'vitest'
import { canBeAsked, isAddress, targetProblem } from './host-name.ts'

describe('an SRV target', () => {
  for (const [target, problem] of [
    ['xmpp.example.com', undefined], ['xn--mnchen-3ya.example', undefined], ['_x.example', undefined], ['a', undefined], ['1.example', undefined],
    ['192.0.2.1', 'address'], ['2001:db8::1', 'address'], ['::ffff:192.0.2.1', 'address'],
    ['localhost', 'localhost'], ['x.localhost', 'localhost'], ['localhost.localdomain', 'localhost'], ['localhost6.localdomain6', 'localhost'],
    ['m\u00FCnchen.example', 'unicode'], ['\uFFFD.example', 'unicode'],
    ['', 'not-a-name'], ['a..example', 'not-a-name'], ['-a.example', 'not-a-name'], ['a b.example', 'not-a-name'], ['\u001B[2J.example', 'not-a-name'], ['a/b', 'not-a-name'],
    ['host:5269', 'not-a-name'], [`${'a'.repeat(64)}.example`, 'not-a-name'], [`${'a.'.repeat(127)}a`, 'not-a-name'],
  ] as const) it(`${JSON.stringify(target.slice(0, 30))} is ${problem ?? 'a host name'}`, () => expect(targetProblem(target)).toBe(problem))
})

it('asks for what a resolver could answer, and for nothing else', () => {
  expect(['x.example', 'localhost', '192.0.2.1', '2001:db8::1', 'a b', '\u00FC.example', 'host:5269'].filter(canBeAsked)).toEqual(['x.example', 'localhost', '192.0.2.1'])
})

it('takes only literal addresses for addresses', () => {
  expect(['192.0.2.1', '2001:db8::1', 'fe80::1%eth0', 'x.example', 'host:5269', '192.0.2'].filter(isAddress)).toEqual(['192.0.2.1', '2001:db8::1', 'fe80::1%eth0'])
})
