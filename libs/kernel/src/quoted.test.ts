import { expect, it } from 'vitest'
import { quoted } from './quoted.ts'

it('escapes line breaks, so that a peer cannot forge a log line', () => {
  expect(quoted('a\r\n[ok] all is well')).toBe('a\\r\\n[ok] all is well')
})

it('escapes terminal control sequences and bidirectional overrides', () => {
  expect(quoted('\u001B[2J\u202Eevil')).toBe('\\u{1b}[2J\\u{202e}evil')
})

it('cuts what is long', () => {
  expect(quoted('x'.repeat(300), 10)).toBe('xxxxxxxxxx…')
})
