import { describe, expect, it } from 'vitest'
import { terminalOf, wrap } from './terminal.ts'

describe('colour', () => {
  it('is used on a terminal', () => expect(terminalOf({ isTTY: true }, { LANG: 'C.UTF-8' }).paint('red', 'x')).toBe('\u001B[31mx\u001B[0m'))
  it('is not used in a pipe', () => expect(terminalOf({}, {}).paint('red', 'x')).toBe('x'))
  it('is not used with NO_COLOR', () => expect(terminalOf({ isTTY: true }, { NO_COLOR: '1' }).paint('red', 'x')).toBe('x'))
})

it('falls back to ASCII shapes under a locale that is not UTF-8', () => {
  expect(terminalOf({}, { LANG: 'C' }).shapes.down).toBe('X')
  expect(terminalOf({}, { LANG: 'de_DE.UTF-8' }).shapes.down).toBe('✖')
})

it('wraps at spaces, indents what follows and leaves long words whole', () => {
  expect(wrap('one two three four', 9, '  ')).toBe('one two\n  three\n  four')
  expect(wrap('averyveryverylongword x', 8)).toBe('averyveryverylongword\nx')
})
