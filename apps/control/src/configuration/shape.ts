/** Whether a value has the shape of a schema; if not, every problem by JSON Pointer, in words for the person who wrote the value. */
import { SecretRef } from '@dialtone/contracts/schemas'
import { quoted } from '@dialtone/kernel'
import { Settings } from 'typebox/system'
import { Errors } from 'typebox/value'
import type { TSchema } from 'typebox'
import { escapePointer, type FieldProblem } from '../resources/problem.ts'
import { leanOf, type Excess } from './shape-lean.ts'

/** More are not looked for: who has so many reads them in turns. */
export const MOST_FIELD_PROBLEMS = 64

const SECRET = SecretRef as { pattern?: string, description?: string }

/** Other words for the same, which no slip of the hand explains. */
const SAME: ReadonlyMap<string, readonly string[]> = new Map([['host', ['address', 'name']], ['hostname', ['host', 'address', 'name']], ['ip', ['address', 'host']], ['address', ['host', 'addresses']]])

type Found = { keyword: string, schemaPath: string, instancePath: string, params: object, message: string }

/**
 * Of a value that is not valid, which the caller has found by `Check`: at least one problem, always. `prefix`: pointer of the value in the request.
 * `what`: 'a Domain'. Takes as long as the schema is large, however large the value.
 */
export function shapeProblems (schema: TSchema, value: unknown, prefix: string, what: string): FieldProblem[] {
  const { lean, excess } = leanOf(schema, value, MOST_FIELD_PROBLEMS)
  const problems = [...excess.flatMap(one => excessProblems(one, prefix, what)), ...errorsOf(schema, lean).flatMap(found => problemsOf(schema, value, found, prefix))]
  return problems.length === 0 ? [{ pointer: prefix, says: 'does not have the shape that /openapi.json describes' }] : problems.slice(0, MOST_FIELD_PROBLEMS)
}

/** The nearest of the words, where it is near enough to be a slip of the hand. */
export function nearest (word: string, words: readonly string[]): string | undefined {
  if (word.length > 60) return undefined
  const folded = fold(word)
  const [best] = words.map(one => ({ one, far: distance(folded, fold(one)) })).filter(({ one, far }) => far <= Math.min(2, one.length / 2)).toSorted((a, b) => a.far - b.far)
  return best?.one
}

function errorsOf (schema: TSchema, value: unknown): Found[] {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: MOST_FIELD_PROBLEMS })
  try {
    return Errors(schema, value)
  } finally {
    Settings.Set({ maxErrors })
  }
}

function excessProblems (found: Excess, prefix: string, what: string): FieldProblem[] {
  const { pointer } = found
  if ('most' in found) return [{ pointer: prefix + pointer, says: `must have at most ${found.most} items` }]
  const { known } = found
  return found.unknown.map(name => {
    const meant = SAME.get(fold(name))?.find(word => known.includes(word)) ?? nearest(name, known)
    const instead = meant !== undefined ? `; is '${meant}' meant?` : known.length === 0 ? ', which has none' : `; known are ${known.slice(0, 40).join(', ')}`
    return { pointer: `${prefix}${pointer}/${escapePointer(quoted(name, 100))}`, says: `is not a field of ${pointer === '' ? what : `'${pointer.slice(1)}'`}${instead}` }
  })
}

function problemsOf (schema: TSchema, value: unknown, found: Found, prefix: string): FieldProblem[] {
  const params = found.params as Record<string, unknown>
  const at = prefix + found.instancePath
  const inner = follow(schema, found.schemaPath.slice(1))
  const given = follow(value, found.instancePath)
  switch (found.keyword) {
    case 'required': return (params['requiredProperties'] as string[]).map(name => ({ pointer: `${at}/${escapePointer(name)}`, says: 'is missing' }))
    case 'enum': {
      const allowed = (params['allowedValues'] as unknown[]).map(String)
      const meant = typeof given === 'string' ? nearest(given, allowed) : undefined
      return [{ pointer: at, says: `must be one of ${list(allowed)}, not ${shown(given)}${meant === undefined ? '' : `; is '${meant}' meant?`}` }]
    }
    // Who writes the secret itself in its place is not told it again: what is answered is shown, logged and kept.
    case 'pattern': return inner?.['pattern'] === SECRET.pattern ? [{ pointer: at, says: `must say where the secret is found, and not be the secret: ${SECRET.description}` }] : [{ pointer: at, says: `must be ${lowerFirst(typeof inner?.['description'] === 'string' ? inner['description'] : 'of another form')}, not ${shown(given)}` }]
    case 'format': return [{ pointer: at, says: `must be a time in UTC such as 2026-11-26T12:00:00Z, not ${shown(given)}` }]
    case 'type': return [{ pointer: at, says: `must be ${article(String(params['type']))}, not ${params['type'] === 'integer' && typeof given === 'number' ? given : kindOf(given)}` }]
    case 'const': return [{ pointer: at, says: `must be ${shown(params['allowedValue'])}, not ${shown(given)}` }]
    case 'minLength': return [{ pointer: at, says: params['limit'] === 1 ? 'must not be empty' : `must have at least ${String(params['limit'])} characters` }]
    case 'maxLength': return [{ pointer: at, says: `must have at most ${String(params['limit'])} characters` }]
    case 'minItems': return [{ pointer: at, says: `must have at least ${String(params['limit'])} items` }]
    case 'maxItems': return [{ pointer: at, says: `must have at most ${String(params['limit'])} items` }]
    case 'maxProperties': return [{ pointer: at, says: `must have at most ${String(params['limit'])} fields` }]
    case 'uniqueItems': return [{ pointer: at, says: 'has an item twice' }]
    case 'minimum': return [{ pointer: at, says: `must be at least ${String(params['limit'])}, not ${shown(given)}` }]
    case 'maximum': return [{ pointer: at, says: `must be at most ${String(params['limit'])}, not ${shown(given)}` }]
    default: return [{ pointer: at, says: found.message }]
  }
}

/** What a JSON Pointer leads to. */
function follow (from: unknown, pointer: string): Record<string, unknown> | undefined {
  let here = from
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    here = (here as Record<string, unknown>)[key]
  }
  return here as Record<string, unknown> | undefined
}

function shown (value: unknown): string {
  return typeof value === 'string' ? `'${quoted(value, 80)}'` : typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value)
}

function kindOf (value: unknown): string {
  return value === null ? 'null' : value === undefined ? 'nothing' : Array.isArray(value) ? 'a list' : article(typeof value)
}

function article (word: string): string {
  return word === 'array' ? 'a list' : /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`
}

function list (words: readonly string[]): string {
  const few = words.slice(0, 60).map(word => `'${word}'`)
  return few.length < 2 ? few.join('') : `${few.slice(0, -1).join(', ')} or ${few.at(-1)}`
}

function lowerFirst (text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

function fold (word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** Of Levenshtein. Both are short. */
function distance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length] ?? 0
}
