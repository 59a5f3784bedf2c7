/** No spec is nested so deep: what is below is taken as it is, and refused by its shape. */
const DEEPEST = 20

/** JSON Merge Patch (RFC 7396): an object changes fields, null removes one, anything else replaces. */
export function mergePatch (target: unknown, patch: unknown, depth = 0): unknown {
  if (!isPlain(patch) || depth > DEEPEST) return patch
  const result: Record<string, unknown> = isPlain(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    // Defined, not assigned: a field called __proto__ stays a field, and is refused as one that is not known.
    if (value === null) delete result[key]
    else Object.defineProperty(result, key, { value: mergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value, depth + 1), enumerable: true, configurable: true, writable: true })
  }
  return result
}

function isPlain (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
