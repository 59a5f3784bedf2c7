/** Where the bodies of a segment are, in few bytes each: a full spool has a million of them. */

/** 'missing': there was one of this number, and it cannot be read. */
export type State = 'missing' | 'waiting' | 'delivered'
export type Place = { offset: number, length: number, packed: boolean }

export type Places = {
  readonly count: number
  /** Of a number that was not given yet; those between are missing. */
  put: (number: number, place: Place) => void
  state: (number: number) => State | undefined
  deliver: (number: number) => void
  at: (number: number) => Place | undefined
}

const FIRST = 64
const [WAITING, DELIVERED, PACKED] = [1, 2, 4]

export function createPlaces (): Places {
  let count = 0
  let where = new Uint32Array(2 * FIRST)
  let flags = new Uint8Array(FIRST)
  const grow = (most: number) => {
    if (most <= flags.length) return
    const size = Math.max(most, 2 * flags.length)
    const [oldWhere, oldFlags] = [where, flags]
    where = new Uint32Array(2 * size)
    flags = new Uint8Array(size)
    where.set(oldWhere)
    flags.set(oldFlags)
  }
  const flag = (number: number) => flags[number] ?? 0
  return {
    get count () { return count },
    put: (number, { offset, length, packed }) => {
      grow(number + 1)
      where[2 * number] = offset
      where[2 * number + 1] = length
      flags[number] = WAITING | (packed ? PACKED : 0)
      count = Math.max(count, number + 1)
    },
    state: number => number >= count ? undefined : (flag(number) & DELIVERED) !== 0 ? 'delivered' : (flag(number) & WAITING) !== 0 ? 'waiting' : 'missing',
    deliver: number => { if (number < count) flags[number] = flag(number) | DELIVERED },
    at: number => number >= count || (flag(number) & WAITING) === 0 ? undefined : { offset: where[2 * number] ?? 0, length: where[2 * number + 1] ?? 0, packed: (flag(number) & PACKED) !== 0 },
  }
}
