// Series in the words of promtool (`input_series` of a rule test), as short as they can be said.

/** One value an interval; undefined: the series was not there. */
export type Values = readonly (number | undefined)[]

/**
 * '0x5 2x10 stale _x4': a run of equal steps is its first value, its step, and how many more there are. Where a series ends it is said so, for Prometheus would else hold the
 * last value for five minutes.
 */
export function notationOf (values: Values): string {
  const words: string[] = []
  let at = 0
  while (at < values.length) {
    const first = values[at]
    if (first === undefined) {
      let end = at
      while (end < values.length && values[end] === undefined) end++
      const ended = at > 0
      const missing = end - at - (ended ? 1 : 0)
      if (ended) words.push('stale')
      if (missing > 0) words.push(missing === 1 ? '_' : `_x${missing}`)
      at = end
      continue
    }
    const next = values[at + 1]
    const step = next === undefined ? 0 : difference(first, next)
    let last = at
    while (last + 1 < values.length && values[last + 1] !== undefined && difference(values[last] ?? 0, values[last + 1] ?? 0) === step) last++
    // Two values are no run, unless they are the same.
    if (step !== 0 && last - at < 2) last = at
    const more = last - at
    words.push(more === 0 ? String(first) : step === 0 ? `${first}x${more}` : `${first}${step > 0 ? '+' : ''}${step}x${more}`)
    at = last + 1
  }
  return words.join(' ')
}

/** As decimals have it: 0.3 and not 0.30000000000000004. */
function difference (one: number, other: number): number {
  return Number((other - one).toPrecision(12))
}

/** 'name{a="1",b="2"}', labels in order. */
export function seriesOf (name: string, labels: Readonly<Record<string, string>>): string {
  const inner = Object.entries(labels).filter(([label]) => label !== '__name__').toSorted(([a], [b]) => a < b ? -1 : 1).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return `${name}${inner.length === 0 ? '' : `{${inner.join(',')}}`}`
}
