/** What a write changes, field by field. */
import { isDeepStrictEqual } from 'node:util'
import { quoted } from '@dialtone/kernel'
import type { FieldChange } from '@dialtone/contracts'
import { escapePointer } from '../resources/problem.ts'

/** More are not listed: who changes so much reads before and after. */
export const MOST_CHANGES = 100

/**
 * Objects are compared by field, and so are lists of the same named objects in the same order (zones), by name. Other lists are compared as a whole: their order is part of
 * what they say.
 */
export function differenceOf (before: unknown, after: unknown): FieldChange[] {
  return [...changes(before, after, '')].slice(0, MOST_CHANGES)
}

function * changes (before: unknown, after: unknown, pointer: string): Generator<FieldChange> {
  if (isDeepStrictEqual(before, after)) return
  const [was, is] = [byName(before), byName(after)]
  if (was !== undefined && is !== undefined && inSameOrder([...was.keys()], [...is.keys()])) {
    for (const name of new Set([...was.keys(), ...is.keys()])) yield * changes(was.get(name), is.get(name), `${pointer}/${escapePointer(quoted(name, 100))}`)
    return
  }
  if (!isPlain(before) || !isPlain(after)) {
    yield { pointer, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
    return
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield * changes(Object.hasOwn(before, key) ? before[key] : undefined, Object.hasOwn(after, key) ? after[key] : undefined, `${pointer}/${escapePointer(quoted(key, 100))}`)
  }
}

/** The objects of a list, each with a name of its own; undefined of any other value. */
function byName (value: unknown): Map<string, object> | undefined {
  if (!Array.isArray(value)) return undefined
  const named = new Map(value.flatMap((one: unknown): [string, object][] => isPlain(one) && typeof one['name'] === 'string' ? [[one['name'], one]] : []))
  return named.size === value.length ? named : undefined
}

/** What both have stands in one order. */
function inSameOrder (before: readonly string[], after: readonly string[]): boolean {
  return isDeepStrictEqual(before.filter(name => after.includes(name)), after.filter(name => before.includes(name)))
}

function isPlain (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
