/** Domain patterns: a domain, `*.suffix` (every name below it, not itself), `*`. The most exact that fits wins: a domain, then the longest suffix, then `*`. Domains are canonical. */

/** Values by pattern, to be found by the domains that they fit. */
export type Patterns<T> = { readonly exact: Map<string, T>, readonly suffixes: Map<string, T>, any: T | undefined }

export function noPatterns<T> (): Patterns<T> {
  return { exact: new Map(), suffixes: new Map(), any: undefined }
}

/** The value of exactly this pattern. */
export function valueAt<T> ({ exact, suffixes, any }: Patterns<T>, pattern: string): T | undefined {
  if (pattern === '*') return any
  return pattern.startsWith('*.') ? suffixes.get(pattern.slice(2)) : exact.get(pattern)
}

export function put<T> (patterns: Patterns<T>, pattern: string, value: T): void {
  if (pattern === '*') patterns.any = value
  else if (pattern.startsWith('*.')) patterns.suffixes.set(pattern.slice(2), value)
  else patterns.exact.set(pattern, value)
}

/** What `take` makes of the values that fit, the most exact first, until it makes something. One look-up for each label of the domain at most. */
export function firstFitting<T, R> (patterns: Patterns<T>, domain: string, take: (value: T) => R | undefined): R | undefined {
  const exact = patterns.exact.get(domain)
  let taken = exact === undefined ? undefined : take(exact)
  if (patterns.suffixes.size > 0) {
    for (let dot = domain.indexOf('.'); taken === undefined && dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      const value = patterns.suffixes.get(domain.slice(dot + 1))
      if (value !== undefined) taken = take(value)
    }
  }
  return taken ?? (patterns.any === undefined ? undefined : take(patterns.any))
}

/** Whether every domain that `narrow` fits, `wide` fits too. */
export function covers (wide: string, narrow: string): boolean {
  if (wide === '*' || wide === narrow) return true
  return wide.startsWith('*.') && narrow !== '*' && narrow.replace(/^\*\./, '.').endsWith(wide.slice(1))
}
