import { OperatorError } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { oneOf, optionsOf, placeOf, required } from './options.ts'

const OPTIONS = { name: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const

it('reads what it knows', () => {
  expect({ ...optionsOf(['--name', 'one', '-h'], OPTIONS) }).toEqual({ name: 'one', help: true })
  expect(required('one', 'name')).toBe('one')
  expect(oneOf('warn', ['info', 'warn'], 'log-level')).toBe('warn')
})

for (const [text, place] of [['9470', { port: 9470 }], ['127.0.0.1:9470', { address: '127.0.0.1', port: 9470 }], ['[::1]:0', { address: '::1', port: 0 }]] as const) {
  it(`${text} is a place`, () => expect(placeOf(text, 'http')).toEqual(place))
}

for (const [name, read, says] of [
  ['an option that nobody knows', () => optionsOf(['--nam', 'one'], OPTIONS), /^Unknown option '--nam'.*; see --help$/],
  ['an option without what it takes', () => optionsOf(['--name'], OPTIONS), /^Option '--name <value>' argument missing; see --help$/],
  ['a word that is no option', () => optionsOf(['one'], OPTIONS), /^Unexpected argument 'one'.*; see --help$/],
  ['what has to be given and is not', () => required(undefined, 'name'), /^--name is missing; see --help$/],
  ['what has to be given and is nothing', () => required('', 'name'), /^--name is missing; see --help$/],
  ['a name for a place', () => placeOf('localhost:9470', 'http'), /^--http takes PORT, ADDRESS:PORT or \[ADDRESS\]:PORT$/],
  ['a port that is too long', () => placeOf('123456', 'http'), /^--http takes PORT/],
  ['a word of no set', () => oneOf('loud', ['info', 'warn'], 'log-level'), /^--log-level is one of info, warn$/],
] as const) {
  it(`refuses ${name} in one line`, () => {
    let error: unknown
    try { read() } catch (thrown) { error = thrown }
    expect(error).toBeInstanceOf(OperatorError)
    expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(says) as string })
    expect((error as OperatorError).message).not.toContain('\n')
  })
}
