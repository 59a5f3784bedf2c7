// Which elements are open, so that each end tag closes the last of them. Names are compared as written (XML 1.0 §3, WFC Element Type Match).

const GT = 0x3E

/** Levels that there is room for from the start. */
const ROOM = 64

export class Nesting {
  /** Open elements below the root. */
  depth = 0
  /** Start and end of each name, relative to the item. */
  private names = new Int32Array(2 * ROOM)
  private rootName: Uint8Array = new Uint8Array(0)

  /** The root's name outlives the buffer that it came in. */
  root (name: Uint8Array): void {
    this.rootName = name
  }

  push (start: number, end: number): void {
    if (2 * this.depth === this.names.length) {
      const more = new Int32Array(4 * this.depth)
      more.set(this.names)
      this.names = more
    }
    this.names[2 * this.depth] = start
    this.names[2 * this.depth + 1] = end
    this.depth++
  }

  /** Whether an end tag with the name data[from … to) closes what is open; the item begins at `base`. */
  closes (data: Uint8Array, base: number, from: number, to: number): boolean {
    const { depth, names, rootName } = this
    if (depth === 0) return to - from === rootName.length && rootName.every((byte, k) => data[from + k] === byte)
    const name = names[2 * depth - 2] as number
    return to - from === (names[2 * depth - 1] as number) - name && same(data, from, base + name, to - from)
  }

  /** Where the end tag ends whose name begins at `from`, if it lies whole before `end` and is the one that is due below the root; else 0. */
  pastEndTag (data: Uint8Array, base: number, from: number, end: number): number {
    const { depth, names } = this
    if (depth === 0) return 0
    const name = names[2 * depth - 2] as number
    const length = (names[2 * depth - 1] as number) - name
    const past = from + length
    return past < end && data[past] === GT && same(data, from, base + name, length) ? past + 1 : 0
  }
}

function same (data: Uint8Array, at: number, other: number, length: number): boolean {
  for (let k = 0; k < length; k++) if (data[at + k] !== data[other + k]) return false
  return true
}
