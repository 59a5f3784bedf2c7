/**
 * Runs of bytes that stand for themselves and are spelled as our serialiser spells them, in text as in a value, eight bytes at a time: a table of
 * 65,536 pairs says of two bytes with one look how many of them still belong to the run, which makes the framer about twice as fast.
 */
import { OWN_BYTE } from './characters.ts'

/** By the first byte and, above it, the second: how many of the two are at the beginning of the pair without a gap. */
const LEADING = Uint8Array.from({ length: 65_536 }, (_, pair) => OWN_BYTE[pair & 0xFF] === 0 ? 0 : OWN_BYTE[pair >> 8] === 0 ? 1 : 2)

const NONE = new Uint8Array(0)
const NO_VIEW: DataView = new DataView(NONE.buffer)

export class Runs {
  private view = NO_VIEW
  private kept: Uint8Array = NONE
  private keptView = NO_VIEW

  /** From here on it is asked about this data. `keep`: it will be looked at again and again, and may be kept alive. */
  look (data: Uint8Array, keep: boolean): void {
    if (!keep) this.view = viewOf(data)
    else {
      if (data !== this.kept) {
        this.kept = data
        this.keptView = viewOf(data)
      }
      this.view = this.keptView
    }
  }

  /** So that no data is kept alive but this, which will be looked at again. */
  forget (but: Uint8Array): void {
    this.view = NO_VIEW
    if (this.kept === but) return
    this.kept = NONE
    this.keptView = NO_VIEW
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

function viewOf (data: Uint8Array): DataView {
  return new DataView(data.buffer as ArrayBuffer, data.byteOffset, data.length)
}
