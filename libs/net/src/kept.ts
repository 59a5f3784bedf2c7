/** What is kept of what others bring: so many entries, of so much weight, those that were used last. */
export type Kept<V> = {
  get: (key: string) => V | undefined
  /** `weight`: in bytes, roughly. One entry heavier than all that may be kept is not kept. */
  set: (key: string, value: V, weight?: number) => void
  readonly size: number
  readonly weight: number
}

/** `weight`: of all entries together; without it they are only counted. */
export function createKept<V> ({ most, weight: heaviest = Number.POSITIVE_INFINITY }: { most: number, weight?: number }): Kept<V> {
  const entries = new Map<string, { value: V, weight: number }>()
  let total = 0
  const drop = (key: string) => {
    total -= entries.get(key)?.weight ?? 0
    entries.delete(key)
  }
  return {
    get: key => {
      const found = entries.get(key)
      if (found === undefined) return undefined
      // The one that was used last is the last to be forgotten.
      entries.delete(key)
      entries.set(key, found)
      return found.value
    },
    set: (key, value, weight = 0) => {
      drop(key)
      if (weight > heaviest) return
      entries.set(key, { value, weight })
      total += weight
      for (const oldest of entries.keys()) {
        if (entries.size <= most && total <= heaviest) break
        drop(oldest)
      }
    },
    get size () { return entries.size },
    get weight () { return total },
  }
}
