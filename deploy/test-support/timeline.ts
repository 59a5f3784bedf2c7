// Series for promtool that have one value before, while and after something is broken, a value a minute.

/** Minutes of each part. */
export type Parts = { before: number, broken: number, after: number }
type Value = number | undefined

/** Undefined: the series is not there. */
export function line (parts: Parts, before: Value, broken: Value, after: Value): string {
  const values = [...fill(parts.before, before), ...fill(parts.broken, broken), ...fill(parts.after, after)]
  return values.map((value, at) => value ?? (at > 0 && values[at - 1] !== undefined ? 'stale' : '_')).join(' ')
}

function fill (count: number, value: Value): Value[] {
  return Array.from({ length: count }, () => value)
}
