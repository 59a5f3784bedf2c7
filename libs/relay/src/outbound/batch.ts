/**
 * What is written to a stream in one go, as one piece of memory: a range that lies elsewhere and grows at its end costs nothing, everything else is copied behind
 * what was there. Blocks are shared by all streams, so that one that is idle holds none, and one that is busy makes none.
 */
import type { Connection } from '@dialtone/net'

const BLOCK = 16_384
/** For what one turn brings to a busy stream. */
const LARGE = 131_072
/** Blocks that wait for the next use: a MiB, half of it of each size. */
const MOST_FREE = 32
const MOST_LARGE = 4
const free: Uint8Array[] = []
const freeLarge: Uint8Array[] = []

export class Batch {
  private lent: Uint8Array | undefined
  private from = 0
  private to = 0
  private block: Uint8Array | undefined
  private filled = 0
  /** Of what was sent, the blocks that are still to be read. */
  private away: Uint8Array[] = []

  get length (): number { return this.filled + this.to - this.from }

  /** `lasting`: the bytes stay as they are until `send`; else they are copied at once. */
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

  /** All of it in one write; returns how many bytes. `secured`: through TLS. `put` may put other bytes in their place. */
  send (connection: Pick<Connection, 'send' | 'unsent'>, secured: boolean, put?: (bytes: Uint8Array) => Uint8Array): number {
    if (connection.unsent === 0) this.reclaim()
    // TLS that has nothing of ours left encrypts before `send` returns. A socket keeps what the kernel does not take: then nothing may lie in memory of others.
    const read = secured && connection.unsent === 0
    if (this.filled > 0 || !read) this.keep()
    const { lent, from, to, block, filled } = this
    this.lent = this.block = undefined
    this.from = this.to = this.filled = 0
    const bytes = lent === undefined ? block === undefined ? EMPTY : block.subarray(0, filled) : lent.subarray(from, to)
    const said = put === undefined ? bytes : put(bytes)
    connection.send(said)
    if (block !== undefined) {
      if (read || connection.unsent === 0 || said !== bytes) release(block)
      else if (isPooled(block)) this.away.push(block)
    }
    return said.length
  }

  /** The connection has nothing of ours left. */
  reclaim (): void {
    if (this.away.length === 0) return
    for (const block of this.away) release(block)
    this.away = []
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
      this.block = blockOf(needed, before?.length ?? 0)
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

function blockOf (needed: number, before: number): Uint8Array {
  if (needed <= BLOCK) return free.pop() ?? made(BLOCK)
  return needed <= LARGE ? freeLarge.pop() ?? made(LARGE) : made(Math.max(needed, 2 * before))
}

/** Not cleared: only what was copied into it is ever read. */
function made (bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes)
}

function isPooled ({ length }: Uint8Array): boolean {
  return length === BLOCK || length === LARGE
}

function release (block: Uint8Array): void {
  if (block.length === BLOCK && free.length < MOST_FREE) free.push(block)
  else if (block.length === LARGE && freeLarge.length < MOST_LARGE) freeLarge.push(block)
}
