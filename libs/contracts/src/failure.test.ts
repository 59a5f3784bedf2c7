import { expectTypeOf, expect, it } from 'vitest'
import { Check } from 'typebox/value'
import type { Failure } from './index.ts'
import { Failure as schema } from './schemas.ts'

it('is a closed union: each reason is a literal, not a string', () => {
  expectTypeOf<Extract<Failure, { at: 'tcp' }>['why']>().toEqualTypeOf<'refused' | 'reset' | 'timeout' | 'unreachable'>()
  expectTypeOf<Extract<Failure, { why: 'stream-error' }>['condition']>().toEqualTypeOf<string>()
  expectTypeOf<Failure['at']>().toEqualTypeOf<'guard' | 'tcp' | 'starttls' | 'tls' | 'stream' | 'probe'>()
})

it('refuses a reason that is not in the table, and an unknown field', () => {
  expect(Check(schema, { at: 'tcp', why: 'refused' })).toBe(true)
  expect(Check(schema, { at: 'tcp', why: 'boom' })).toBe(false)
  expect(Check(schema, { at: 'tcp', why: 'refused', whose: 'theirs' })).toBe(false)
})
