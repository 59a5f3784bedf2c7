/** What a write changes, field by field. */
import { isDeepStrictEqual } from 'node:util'
import { quoted } from '@dialtone/kernel'
import type { FieldChange } from '@dialtone/contracts'
import { escapePointer } from '../resources/problem.ts'

/** More are not listed: who changes so much reads before and after. */
export const MOST_CHANGES = 100

/** Objects are compared by field, lists as a whole: their order is part of what they say. */
export function differenceOf (before: unknown, after: unknown): FieldChange[] {
  return [...changes(before, after, '')].slice(0, MOST_CHANGES)
}

function * changes (before: unknown, after: unknown, pointer: string): Generator<FieldChange> {
  if (isDeepStrictEqual(before, after)) return
  if (!isPlain(before) || !isPlain(after)) {
    yield { pointer, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
    return
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield * changes(Object.hasOwn(before, key) ? before[key] : undefined, Object.hasOwn(after, key) ? after[key] : undefined, `${pointer}/${escapePointer(quoted(key, 100))}`)
  }
}

function isPlain (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
