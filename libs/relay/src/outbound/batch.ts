/**
 * What is written to a stream in one go, as one piece of memory: a range that lies elsewhere and grows at its end costs nothing, everything else is copied behind
 * what was there. Blocks are shared by all streams, so that one that is idle holds none.
 */
const BLOCK = 16_384
/** Blocks that wait for the next use: 1 MiB. */
const MOST_FREE = 64
const free: Uint8Array[] = []

export class Batch {
  private lent: Uint8Array | undefined
  private from = 0
  private to = 0
  private block: Uint8Array | undefined
  private filled = 0

  get length (): number { return this.filled + this.to - this.from }

  /** `lasting`: the bytes stay as they are until `take`; else they are copied at once. */
  add (data: Uint8Array, start: number, end: number, lasting: boolean): void {
    if (!lasting) {
      this.keep()
      this.copy(data, start, end)
    } else if (this.lent === data && this.to === start) this.to = end
    else {
      this.keep()
      this.lent = data
      this.from = start
      this.to = end
    }
  }

  /** All of it. Unless `now`, when the bytes are read before the caller returns, nothing of it lies in memory of others, and it is not given back. */
  take (now: boolean): { bytes: Uint8Array, giveBack: () => void } {
    if (this.filled > 0 || !now) this.keep()
    const { lent, from, to, block, filled } = this
    this.lent = this.block = undefined
    this.from = this.to = this.filled = 0
    if (lent !== undefined) return { bytes: lent.subarray(from, to), giveBack: nothing }
    if (block === undefined) return { bytes: EMPTY, giveBack: nothing }
    return { bytes: block.subarray(0, filled), giveBack: now ? () => release(block) : nothing }
  }

  private keep (): void {
    const { lent, from, to } = this
    if (lent === undefined) return
    this.lent = undefined
    this.from = this.to = 0
    this.copy(lent, from, to)
  }

  private copy (data: Uint8Array, start: number, end: number): void {
    const needed = this.filled + end - start
    const before = this.block
    if (before === undefined || before.length < needed) {
      this.block = needed <= BLOCK ? free.pop() ?? new Uint8Array(BLOCK) : new Uint8Array(Math.max(needed, 2 * (before?.length ?? 0)))
      if (before !== undefined) {
        this.block.set(before.subarray(0, this.filled))
        release(before)
      }
    }
    (this.block as Uint8Array).set(data.subarray(start, end), this.filled)
    this.filled = needed
  }
}

const EMPTY = new Uint8Array(0)

function nothing (): void { /* whoever lent it has it still */ }

function release (block: Uint8Array): void {
  if (block.length === BLOCK && free.length < MOST_FREE) free.push(block)
}
