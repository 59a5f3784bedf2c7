// The bytes of the item that is being read, when it began in an earlier chunk: a buffer that doubles up to what an item may have.

const FIRST = 1024
/** A buffer beyond this is given back when little is left in it. */
const KEPT = 65_536

export class HeldBytes {
  data = new Uint8Array(FIRST)
  length = 0

  /** Puts chunk[from … to) behind what is held. */
  append (chunk: Uint8Array, from: number, to: number): void {
    const needed = this.length + to - from
    if (needed > this.data.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.data.length))
      larger.set(this.data.subarray(0, this.length))
      this.data = larger
    }
    this.data.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), this.length)
    this.length = needed
  }

  /** Holds chunk[from … to) and nothing else; the chunk may be what is held. */
  replace (chunk: Uint8Array, from: number, to: number): void {
    if (chunk === this.data) {
      chunk.copyWithin(0, from, to)
      this.length = to - from
    } else {
      this.clear()
      this.append(chunk, from, to)
    }
  }

  clear (): void {
    this.length = 0
    if (this.data.length > KEPT) this.data = new Uint8Array(FIRST)
  }

  /** Nothing will be held again. */
  release (): void {
    this.length = 0
    this.data = new Uint8Array(0)
  }
}
