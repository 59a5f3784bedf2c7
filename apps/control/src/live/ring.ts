/** The last live events, numbered from 1, bounded in number and bytes: what a reader who comes back is told. */

export type Kept = { readonly id: number, readonly seq: number, readonly subject: string, readonly topics: readonly string[], readonly on: string, readonly json: string }

export type Ring = {
  /** The number of the newest; 0 before the first. */
  readonly last: number
  add: (subject: string, topics: readonly string[], on: string, seq: number, json: string) => void
  /** Whether everything after that number is still kept. */
  has: (id: number) => boolean
  since: (id: number) => Iterable<Kept>
  /** The number after which everything is newer than a snapshot; undefined where that is not known any more, or never was. */
  placeOf: (seq: number, now: number) => number | undefined
}

/** `from`: the sequence number of the snapshots at this moment. */
export function createRing (limits: { events: number, bytes: number }, from: number): Ring {
  const kept: (Kept | undefined)[] = Array.from({ length: limits.events })
  // `complete`: every event after a snapshot of this number is kept.
  let [first, last, bytes, complete] = [1, 0, 0, from]
  const at = (id: number) => kept[id % limits.events]

  function forgetFirst (): void {
    const gone = at(first)
    if (gone !== undefined) {
      bytes -= gone.json.length
      complete = Math.max(complete, gone.seq)
    }
    kept[first % limits.events] = undefined
    first++
  }

  return {
    get last () { return last },
    add: (subject, topics, on, seq, json) => {
      while (first <= last && (last - first + 1 >= limits.events || bytes + json.length > limits.bytes)) forgetFirst()
      last++
      kept[last % limits.events] = { id: last, seq, subject, topics, on, json }
      bytes += json.length
    },
    has: id => id >= first - 1 && id <= last,
    since: function * (id) {
      for (let each = Math.max(id + 1, first); each <= last; each++) {
        const event = at(each)
        if (event !== undefined) yield event
      }
    },
    placeOf: (seq, now) => {
      if (seq < complete || seq > now) return undefined
      // Events are in the order of their sequence numbers, but for those that have none of their own; the first newer one decides.
      for (let each = first; each <= last; each++) if ((at(each)?.seq ?? 0) > seq) return each - 1
      return last
    },
  }
}
