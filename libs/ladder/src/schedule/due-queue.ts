/** What is due next: a binary heap that knows where each of its items is, so that a time can be changed or an item taken out in O(log n). */
export type Queued = { due: number, /** Its place in the heap; -1: not in it. Kept by the heap alone. */ place: number }

export type DueQueue<Item extends Queued> = {
  readonly size: number
  first: () => Item | undefined
  /** Puts it in, or moves it to where its time belongs. */
  put: (item: Item) => void
  remove: (item: Item) => void
}

export function createDueQueue<Item extends Queued> (): DueQueue<Item> {
  const heap: Item[] = []
  const set = (at: number, item: Item) => {
    heap[at] = item
    item.place = at
  }
  const up = (item: Item) => {
    for (let at = item.place; at > 0;) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || parent.due <= item.due) break
      set(at, parent)
      set(at = above, item)
    }
  }
  const down = (item: Item) => {
    for (let at = item.place; ;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]]
      const least = right !== undefined && left !== undefined && right.due < left.due ? right : left
      if (least === undefined || least.due >= item.due) break
      const below = least.place
      set(at, least)
      set(at = below, item)
    }
  }
  return {
    get size () { return heap.length },
    first: () => heap[0],
    put: item => {
      if (item.place < 0) set(heap.length, item)
      up(item)
      down(item)
    },
    remove: item => {
      const { place } = item
      if (place < 0) return
      const last = heap.pop()
      item.place = -1
      if (last === undefined || last === item) return
      set(place, last)
      up(last)
      down(last)
    },
  }
}
