/**
 * What of a body that another release wrote is understood? Bodies only grow, and any service may be older than the one that it hears: a field that our schema
 * does not know is no reason to refuse the whole. What we write ourselves stays strict.
 */
import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

type Schema = TSchema & {
  type?: unknown
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  additionalProperties?: unknown
  items?: Schema | Schema[]
  anyOf?: Schema[]
}

const opened = new WeakMap<TSchema, TSchema>()
const checkers = new WeakMap<TSchema, Validator>()

/** Compiled once. */
export function checkerOf (schema: TSchema): Validator {
  const known = checkers.get(schema)
  if (known !== undefined) return known
  const made = Compile<TSchema, Validator>(schema)
  checkers.set(schema, made)
  return made
}

/** The same schema, made once, but that its objects may have fields that it does not name. */
export function openOf (schema: TSchema): TSchema {
  const known = opened.get(schema)
  if (known !== undefined) return known
  const { properties, patternProperties, additionalProperties, items, anyOf, ...rest } = schema as Schema
  const each = (of: Record<string, Schema>) => Object.fromEntries(Object.entries(of).map(([name, value]) => [name, openOf(value)]))
  const made = {
    ...rest,
    ...(properties === undefined ? {} : { properties: each(properties) }),
    ...(patternProperties === undefined ? {} : { patternProperties: each(patternProperties) }),
    ...(additionalProperties === undefined || additionalProperties === false ? {} : { additionalProperties: typeof additionalProperties === 'object' ? openOf(additionalProperties as Schema) : additionalProperties }),
    ...(items === undefined ? {} : { items: Array.isArray(items) ? items.map(openOf) : openOf(items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(openOf) }),
  } as TSchema
  opened.set(schema, made)
  return made
}

/** Takes out of `value`, which is as `openOf(schema)` says and nobody's yet, what `schema` does not know. Of several possible shapes it has the first that fits. */
export function dropUnknown (schema: TSchema, value: unknown): void {
  const { properties, patternProperties, additionalProperties, items, anyOf } = schema as Schema
  if (anyOf !== undefined) {
    const fits = anyOf.find(member => checkerOf(openOf(member)).Check(value))
    return fits === undefined ? undefined : dropUnknown(fits, value)
  }
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      const of = Array.isArray(items) ? items[at] : items
      if (of !== undefined) dropUnknown(of, item)
    }
    return
  }
  const patterns = Object.entries(patternProperties ?? {}).map(([pattern, of]) => ({ pattern: new RegExp(pattern, 'u'), of }))
  const object = value as Record<string, unknown>
  for (const name of Object.keys(object)) {
    const of = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : patterns.find(({ pattern }) => pattern.test(name))?.of
    if (of !== undefined) dropUnknown(of, object[name])
    else if (additionalProperties === false) delete object[name]
  }
}
