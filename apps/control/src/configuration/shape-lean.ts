/**
 * What of a value that was refused is worth explaining: as much as its schema knows, so that the explanation costs no more than the schema is large. What is
 * cheap to see, lists that are too long and fields that nobody knows, is told from here.
 */
import type { TSchema } from 'typebox'

/** In the order in which they are met: too many items at `pointer`, or fields of it that are not among `known`. */
export type Excess = { pointer: string, most: number } | { pointer: string, unknown: string[], known: string[] }

/** Of what has no bound of its own in the schema. */
const MOST_ENTRIES = 200

/** `lean`: the value without what is in excess, valid or not as it was before otherwise. At most about `most` excesses are told. */
export function leanOf (schema: TSchema, value: unknown, most: number): { lean: unknown, excess: Excess[] } {
  const excess: Excess[] = []
  let left = most
  const told = (one: Excess): void => {
    excess.push(one)
    left -= 'unknown' in one ? one.unknown.length : 1
  }

  const look = (of: Schema, given: unknown, pointer: string): unknown => {
    if (typeof given !== 'object' || given === null) return given
    if (Array.isArray(given)) return of.type === 'array' ? items(of, given, pointer) : of.type === undefined ? given.slice(0, MOST_ENTRIES).map(hollow) : []
    return of.type === 'object' ? fields(of, given as Record<string, unknown>, pointer) : {}
  }
  const items = ({ items: each = {}, maxItems = MOST_ENTRIES, minItems = 0 }: Schema, given: readonly unknown[], pointer: string): unknown[] => {
    if (given.length > maxItems) {
      told({ pointer, most: maxItems })
      return given.slice(0, minItems).map(hollow)
    }
    return given.map((one, i) => left > 0 ? look(each, one, `${pointer}/${i}`) : hollow(one))
  }
  const fields = ({ properties, patternProperties, additionalProperties }: Schema, given: Readonly<Record<string, unknown>>, pointer: string): object => {
    if (patternProperties !== undefined) return Object.fromEntries(Object.keys(given).slice(0, MOST_ENTRIES).map(key => [key, hollow(given[key])]))
    const known = Object.keys(properties ?? {})
    if (additionalProperties === false && left > 0) {
      const unknown = Object.keys(given).filter(key => properties?.[key] === undefined || !Object.hasOwn(properties, key)).slice(0, left)
      if (unknown.length > 0) told({ pointer, unknown, known })
    }
    return Object.fromEntries(known.filter(key => Object.hasOwn(given, key)).map(key => [key, look(properties?.[key] ?? {}, given[key], `${pointer}/${key}`)]))
  }
  return { lean: look(schema, value, ''), excess }
}

type Schema = { type?: string, items?: Schema, maxItems?: number, minItems?: number, properties?: Record<string, Schema>, patternProperties?: object, additionalProperties?: unknown }

/** What kind of thing it is, and nothing of what is in it. */
function hollow (value: unknown): unknown {
  return typeof value !== 'object' || value === null ? value : Array.isArray(value) ? [] : {}
}
