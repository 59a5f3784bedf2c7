// Characters of XML 1.0 (5th edition): what may stand where, and UTF-8 one byte at a time. The framer's alphabet.

/** Bytes that go on in character data without a second look; the rest is markup, reference, control or not ASCII. */
export const TEXT_BYTE = table(c => (c >= 0x20 && c < 0x80 && c !== 0x3C && c !== 0x26 && c !== 0x3E) || isSpace(c))
/** Bytes that go on in an attribute value and stand for themselves there: quotes and white space but the blank are looked at. */
export const VALUE_BYTE = table(c => c >= 0x20 && c < 0x80 && c !== 0x3C && c !== 0x26 && c !== 0x22 && c !== 0x27)
/** Bytes that stand for themselves in text and in values, and which our serialiser writes so in both: never a quote, a `>` or white space but the blank. */
export const OWN_BYTE = table(c => VALUE_BYTE[c] === 1 && c !== 0x3E)
/** ASCII bytes of a name after its first: 1, and 2 for the colon, whose place in the whole name is checked (Namespaces in XML §4). */
export const NAME_BYTE = table(c => isLetter(c) || (c >= 0x30 && c <= 0x39) || c === 0x2D || c === 0x2E || c === 0x5F)
NAME_BYTE[0x3A] = 2
/** ASCII bytes that begin a name or its local part. */
export const NAME_START_BYTE = table(c => isLetter(c) || c === 0x5F)

export function isSpace (byte: number): boolean {
  return byte === 0x20 || byte === 0x0A || byte === 0x0D || byte === 0x09
}

/** The Char production, for code points beyond ASCII and for character references. */
export function isXmlCharacter (point: number): boolean {
  return point === 0x09 || point === 0x0A || point === 0x0D || (point >= 0x20 && point <= 0xD7FF) || (point >= 0xE000 && point <= 0xFFFD) || (point >= 0x10000 && point <= 0x10FFFF)
}

/** The NameStartChar production beyond ASCII. */
export function isNameStart (point: number): boolean {
  return inRanges(NAME_START, point)
}

/** The NameChar production beyond ASCII. */
export function isNameCharacter (point: number): boolean {
  return point === 0xB7 || inRanges(NAME_START, point) || (point >= 0x300 && point <= 0x36F) || point === 0x203F || point === 0x2040
}

const NAME_START = [
  0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x2FF, 0x370, 0x37D, 0x37F, 0x1FFF, 0x200C, 0x200D, 0x2070, 0x218F, 0x2C00, 0x2FEF, 0x3001, 0xD7FF,
  0xF900, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0xEFFFF,
]

/**
 * Where a run of complete characters beyond ASCII that may stand in text ends, or `at` itself when the character there is cut by `end`
 * or wrong: then `Utf8` and `isXmlCharacter` say which. A matter of speed alone.
 */
export function pastCharacters (data: Uint8Array, at: number, end: number): number {
  let i = at
  while (i + 1 < end) {
    const lead = data[i] as number
    const second = data[i + 1] as number
    if ((second & 0xC0) !== 0x80) return i
    if (lead >= 0xC2 && lead <= 0xDF) i += 2
    else if (lead >= 0xE0 && lead <= 0xEF) {
      // Neither overlong forms, nor surrogates, nor U+FFFE and U+FFFF.
      const third = i + 2 < end ? data[i + 2] as number : 0
      if ((third & 0xC0) !== 0x80 || (lead === 0xE0 && second < 0xA0) || (lead === 0xED && second > 0x9F) || (lead === 0xEF && second === 0xBF && third >= 0xBE)) return i
      i += 3
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      // Neither overlong forms, nor what is beyond U+10FFFF.
      if ((lead === 0xF0 && second < 0x90) || (lead === 0xF4 && second > 0x8F)) return i
      if (i + 3 >= end || ((data[i + 2] as number) & 0xC0) !== 0x80 || ((data[i + 3] as number) & 0xC0) !== 0x80) return i
      i += 4
    } else return i
  }
  return i
}

function inRanges (ranges: readonly number[], point: number): boolean {
  for (let at = 0; at < ranges.length; at += 2) {
    if (point < (ranges[at] as number)) return false
    if (point <= (ranges[at + 1] as number)) return true
  }
  return false
}

function isLetter (c: number): boolean {
  return (c >= 0x41 && c <= 0x5A) || (c >= 0x61 && c <= 0x7A)
}

function table (holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => holds(byte) ? 1 : 0)
}

/** A UTF-8 decoder that takes one byte at a time (the Encoding Standard's, so overlong forms and surrogates never pass). */
export class Utf8 {
  /** Continuation bytes that are still due; 0 between characters. */
  need = 0
  private point = 0
  private low = 0x80
  private high = 0xBF

  /** A code point when the byte completes one, -1 when more is due, -2 when no UTF-8 has this byte here. */
  take (byte: number): number {
    if (this.need === 0) return this.lead(byte)
    if (byte < this.low || byte > this.high) return -2
    this.low = 0x80
    this.high = 0xBF
    this.point = (this.point << 6) | (byte & 0x3F)
    return --this.need === 0 ? this.point : -1
  }

  private lead (byte: number): number {
    if (byte < 0x80) return byte
    if (byte >= 0xC2 && byte <= 0xDF) return this.expect(1, byte & 0x1F)
    if (byte >= 0xE0 && byte <= 0xEF) {
      if (byte === 0xE0) this.low = 0xA0
      if (byte === 0xED) this.high = 0x9F
      return this.expect(2, byte & 0x0F)
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
      if (byte === 0xF0) this.low = 0x90
      if (byte === 0xF4) this.high = 0x8F
      return this.expect(3, byte & 0x07)
    }
    return -2
  }

  private expect (count: number, bits: number): number {
    this.need = count
    this.point = bits
    return -1
  }
}
