/** Domain patterns: a domain, `*.suffix` (every name below it, not itself), `*`. The most exact that fits wins: a domain, then the longest suffix, then `*`. Domains are canonical. */

/** Values by pattern, to be found by the domains that they fit. `mostLabels`: of any suffix, so that a domain of a hundred labels costs no more than another. */
export type Patterns<T> = { readonly exact: Map<string, T>, readonly suffixes: Map<string, T>, mostLabels: number, any: T | undefined }

export function noPatterns<T> (): Patterns<T> {
  return { exact: new Map(), suffixes: new Map(), mostLabels: 0, any: undefined }
}

/** The value of exactly this pattern. */
export function valueAt<T> ({ exact, suffixes, any }: Patterns<T>, pattern: string): T | undefined {
  if (pattern === '*') return any
  return pattern.startsWith('*.') ? suffixes.get(pattern.slice(2)) : exact.get(pattern)
}

export function put<T> (patterns: Patterns<T>, pattern: string, value: T): void {
  if (pattern === '*') patterns.any = value
  else if (pattern.startsWith('*.')) {
    patterns.suffixes.set(pattern.slice(2), value)
    patterns.mostLabels = Math.max(patterns.mostLabels, pattern.split('.').length - 1)
  } else patterns.exact.set(pattern, value)
}

/** What `take` makes of the values that fit, the most exact first, until it makes something. One look-up for each label of the longest suffix at most. */
export function firstFitting<T, R> (patterns: Patterns<T>, domain: string, take: (value: T) => R | undefined): R | undefined {
  const exact = patterns.exact.get(domain)
  let taken = exact === undefined ? undefined : take(exact)
  for (let dot = dotBefore(domain, patterns.mostLabels); taken === undefined && dot !== -1; dot = domain.indexOf('.', dot + 1)) {
    const value = patterns.suffixes.get(domain.slice(dot + 1))
    if (value !== undefined) taken = take(value)
  }
  return taken ?? (patterns.any === undefined ? undefined : take(patterns.any))
}

/** The dot before the last `labels` labels; the first dot where there are fewer, -1 where there is none or nothing is asked for. */
function dotBefore (domain: string, labels: number): number {
  let found = -1
  for (let left = labels, dot = domain.length; left > 0 && dot > 0; left--) {
    dot = domain.lastIndexOf('.', dot - 1)
    if (dot === -1) break
    found = dot
  }
  return found
}

/** Whether every domain that `narrow` fits, `wide` fits too. */
export function covers (wide: string, narrow: string): boolean {
  if (wide === '*' || wide === narrow) return true
  return wide.startsWith('*.') && narrow !== '*' && narrow.replace(/^\*\./, '.').endsWith(wide.slice(1))
}
