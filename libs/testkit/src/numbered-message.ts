// Messages of a fixed size that can be counted without parsing: the body begins with a mark of fixed-width digits (which pair, which number,
// when it was sent), which a server may re-serialise but not change. Rendered once in a batch; before each write only digits change.

/** Pair and number, and microseconds of the machine's monotonic clock. */
export type Mark = { pair: number, number: number, sentAtUs: number }

/** Several messages of one pair in one buffer. */
export type Batch = {
  bytes: Buffer
  /** Messages in it, each `size` bytes long. */
  count: number
  size: number
  /** Numbers them upwards from `first`. Whoever writes the buffer fills it again only after the write is done. */
  fill: (first: number, sentAtUs?: number) => void
}

const HASH = 0x23
const ZERO = 0x30
const PAIR_DIGITS = 4
const NUMBER_DIGITS = 8
const TIME_DIGITS = 16
/** `#`, then the digits. */
export const MARK_BYTES = 1 + PAIR_DIGITS + NUMBER_DIGITS + TIME_DIGITS
/** Exclusive. */
export const MOST_PAIRS = 10 ** PAIR_DIGITS
export const MOST_NUMBERS = 10 ** NUMBER_DIGITS

/** Renders `count` messages of `size` bytes from one address to another, both without `#`. Throws where they do not fit into the size. */
export function renderBatch ({ from, to, pair, count, size }: { from: string, to: string, pair: number, count: number, size: number }): Batch {
  if (pair >= MOST_PAIRS) throw new Error(`there are at most ${MOST_PAIRS} pairs`)
  const [head, tail] = [`<message from='${from}' to='${to}' type='chat' id='bench'><body>`, '</body></message>']
  const padding = size - head.length - MARK_BYTES - tail.length
  if (padding < 0 || head.includes('#')) throw new Error(`a message from ${from} to ${to} does not fit into ${size} bytes, or holds a #`)
  const bytes = Buffer.from(`${head}#${'0'.repeat(MARK_BYTES - 1)}${' filler'.repeat(padding).slice(0, padding)}${tail}`.repeat(count), 'latin1')
  for (let at = head.length + 1; at < bytes.length; at += size) writeDigits(bytes, at, PAIR_DIGITS, pair)
  const fill = (first: number, sentAtUs?: number): void => {
    let number = first
    for (let at = head.length + 1 + PAIR_DIGITS; at < bytes.length; at += size) {
      writeDigits(bytes, at, NUMBER_DIGITS, number++)
      if (sentAtUs !== undefined) writeDigits(bytes, at + NUMBER_DIGITS, TIME_DIGITS, sentAtUs)
    }
  }
  return { bytes, count, size, fill }
}

/**
 * Finds the marks in the bytes of one stream, however they are cut. It looks first as far behind the last mark as that was behind the one
 * before, and searches only where there is none.
 */
export function createMarkScanner (tell: (pair: number, number: number, sentAtUs: number) => void): (chunk: Buffer) => void {
  /** A mark that the last chunk cut. */
  let carry: Buffer | undefined
  let stride = 0
  /** Relative to the chunk, so mostly negative when one begins. */
  let last = -MARK_BYTES
  return chunk => {
    if (carry !== undefined) {
      const missing = MARK_BYTES - carry.length
      const joined = Buffer.concat([carry, chunk.subarray(0, missing)])
      if (joined.length < MARK_BYTES) {
        carry = joined
        return
      }
      last = -carry.length
      carry = undefined
      told(joined, 0)
    }
    for (let from = Math.max(0, last + MARK_BYTES); ;) {
      let at = last + stride
      if (at < from || chunk[at] !== HASH) at = chunk.indexOf(HASH, from)
      if (at < 0) break
      if (at + MARK_BYTES > chunk.length) {
        carry = Buffer.from(chunk.subarray(at))
        break
      }
      from = at + 1
      if (!told(chunk, at)) continue
      stride = at - last
      last = at
      from = at + MARK_BYTES
    }
    last -= chunk.length
  }

  /** False where it is no mark. */
  function told (bytes: Buffer, at: number): boolean {
    const pair = readDigits(bytes, at + 1, PAIR_DIGITS)
    const number = readDigits(bytes, at + 1 + PAIR_DIGITS, NUMBER_DIGITS)
    const sentAtUs = readDigits(bytes, at + 1 + PAIR_DIGITS + NUMBER_DIGITS, TIME_DIGITS)
    if (!(pair >= 0 && number >= 0 && sentAtUs >= 0)) return false
    tell(pair, number, sentAtUs)
    return true
  }
}

/** Microseconds of the clock that all processes of a machine share. */
export function nowUs (): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.floor(nanoseconds / 1000)
}

function writeDigits (bytes: Buffer, at: number, digits: number, value: number): void {
  let rest = value
  for (let position = at + digits - 1; position >= at; position--) {
    const tenth = Math.floor(rest / 10)
    bytes[position] = ZERO + rest - tenth * 10
    rest = tenth
  }
}

/** -1 where one is no digit. */
function readDigits (bytes: Buffer, at: number, digits: number): number {
  let value = 0
  for (let position = at; position < at + digits; position++) {
    const digit = (bytes[position] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
