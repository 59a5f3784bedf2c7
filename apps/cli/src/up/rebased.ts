// A value that somebody changed, after what it was made from has changed as well: what they left as it was follows, what they wrote stays.
import { isDeepStrictEqual } from 'node:util'

/** `mine` was made from `was`, which is `is` now. */
export function rebased (mine: unknown, was: unknown, is: unknown): unknown {
  if (isDeepStrictEqual(mine, was)) return is
  if (Array.isArray(mine) && Array.isArray(was) && Array.isArray(is)) {
    // Whatever place they stand in now.
    return was.length === is.length ? mine.map((one: unknown) => replaced(one, was, is)) : mine
  }
  if (!isPlain(mine) || !isPlain(was) || !isPlain(is)) return mine
  const merged = Object.entries(mine).flatMap(([key, value]) => {
    if (!Object.hasOwn(was, key)) return [[key, value]]
    if (Object.hasOwn(is, key)) return [[key, rebased(value, was[key], is[key])]]
    return isDeepStrictEqual(value, was[key]) ? [] : [[key, value]]
  })
  const fresh = Object.entries(is).filter(([key]) => !Object.hasOwn(was, key) && !Object.hasOwn(mine, key))
  return Object.fromEntries([...merged, ...fresh]) as unknown
}

function replaced (one: unknown, was: readonly unknown[], is: readonly unknown[]): unknown {
  const at = was.findIndex(other => isDeepStrictEqual(one, other))
  return at < 0 ? one : is[at]
}

function isPlain (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
