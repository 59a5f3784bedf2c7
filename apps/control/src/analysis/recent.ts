/** What was last used, at most so many. */
export type Recent<T> = { get: (key: string) => T | undefined, set: <V extends T | undefined>(key: string, value: V) => V, clear: () => void }

export function recent<T> (most: number): Recent<T> {
  const kept = new Map<string, T>()
  return {
    get: key => {
      const value = kept.get(key)
      if (value === undefined) return undefined
      kept.delete(key)
      kept.set(key, value)
      return value
    },
    set: (key, value) => {
      if (value === undefined) return value
      kept.delete(key)
      kept.set(key, value)
      if (kept.size > most) kept.delete(kept.keys().next().value ?? '')
      return value
    },
    clear: () => kept.clear(),
  }
}
