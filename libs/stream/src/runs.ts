/**
 * Runs of bytes that stand for themselves and are spelled as our serialiser spells them, in text as in a value, eight bytes at a time: a table of
 * 65,536 pairs says of two bytes with one look how many of them still belong to the run, which makes the framer about twice as fast.
 */
import { OWN_BYTE } from './characters.ts'

/** By the first byte and, above it, the second: how many of the two are at the beginning of the pair without a gap. */
const LEADING = Uint8Array.from({ length: 65_536 }, (_, pair) => OWN_BYTE[pair & 0xFF] === 0 ? 0 : OWN_BYTE[pair >> 8] === 0 ? 1 : 2)

const NONE = new Uint8Array(0)
const NO_VIEW = new DataView(NONE.buffer)

export class Runs {
  private data: Uint8Array = NONE
  private view = NO_VIEW

  /** From here on it is asked about this data. */
  look (data: Uint8Array): void {
    if (data === this.data) return
    this.data = data
    this.view = new DataView(data.buffer as ArrayBuffer, data.byteOffset, data.length)
  }

  /** So that the data is not kept alive. */
  forget (): void {
    this.data = NONE
    this.view = NO_VIEW
  }

  /** The position of the first other byte at or after `from`, or `end`. */
  past (data: Uint8Array, from: number, end: number): number {
    const { view } = this
    const last = end - 8
    let i = from
    while (i <= last) {
      const four = view.getInt32(i, true)
      const more = view.getInt32(i + 4, true)
      const a = LEADING[four & 0xFFFF] as number
      const b = LEADING[four >>> 16] as number
      const c = LEADING[more & 0xFFFF] as number
      const d = LEADING[more >>> 16] as number
      if (a + b + c + d !== 8) {
        if (a !== 2) return i + a
        if (b !== 2) return i + 2 + b
        return c === 2 ? i + 6 + d : i + 4 + c
      }
      i += 8
    }
    while (i < end && OWN_BYTE[data[i] as number] === 1) i++
    return i
  }
}
