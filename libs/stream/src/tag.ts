// One start tag: where its names and values are. Its rules (namespaces, duplicates) are in tag-rules.ts.
import { NAME_BYTE, NAME_START_BYTE, VALUE_BYTE, isNameStart, isSpace, pastCharacters } from './characters.ts'
import { asciiText, decodeUtf8, decodeValue } from './decode.ts'
import type { Limits } from './limits.ts'
import { pastReference } from './reference.ts'

/**
 * Numbers that are kept of an attribute: where its name starts, its colon and its name's end, where its value starts and ends, a hash of its
 * name, and 1 when its value is ASCII that stands for itself.
 */
export const STRIDE = 7
export const NAME = 0, COLON_AT = 1, NAME_END = 2, VALUE = 3, VALUE_END = 4, HASH = 5, PLAIN = 6
/** What stands for a colon's position in a name without one, and in a name that has it in the wrong place. */
export const NO_COLON = -1, MISPLACED = -2

const COLON = 0x3A, GT = 0x3E, SLASH = 0x2F, EQUALS = 0x3D, QUOTE = 0x22, APOSTROPHE = 0x27, AMPERSAND = 0x26, LETTER_X = 0x78
const HASH_BITS = 0x3FFFFFFF

/** The tag that is being read. Every position is relative to the item, so that it holds when the item moves to another buffer. */
export class Tag {
  nameStart = 0
  /** Position of the colon in the element's name. */
  colon = NO_COLON
  nameEnd = 0
  /** `STRIDE` numbers an attribute; `used` of them count. */
  readonly attributes: number[] = []
  used = 0
  empty = false
  /** False when neither a prefix nor a declaration is in it: then duplicates are all that can be wrong with it. */
  special = false

  begin (nameStart: number): void {
    this.nameStart = nameStart
    this.used = 0
    this.special = false
  }

  /** The element's name ends: for a name that was read byte by byte. */
  endName (bytes: Uint8Array, base: number, nameEnd: number): void {
    this.nameEnd = nameEnd
    this.colon = colonOf(bytes, base, this.nameStart, nameEnd)
    if (this.colon !== NO_COLON) this.special = true
  }

  /** An attribute that was read byte by byte. */
  add (bytes: Uint8Array, base: number, name: number, nameEnd: number, value: number, valueEnd: number, plain: number): void {
    let hash = 0
    for (let at = base + name; at < base + nameEnd; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) & HASH_BITS
    const colon = colonOf(bytes, base, name, nameEnd)
    this.keep(name, colon, nameEnd, value, valueEnd, hash, plain)
    if (colon !== NO_COLON || bytes[base + name] === LETTER_X) this.special = true
  }

  /**
   * A start tag that lies whole before `end` and has only what tags usually have, in one go; its name begins at `at`. Returns the position
   * after its `>`, or 0 when it is to be read byte by byte. A matter of speed alone: it accepts nothing that the states do not.
   */
  readPlain (data: Uint8Array, base: number, at: number, end: number, limits: Limits): number {
    const kinds = NAME_BYTE
    this.begin(at - base)
    let i = at + 1
    let colon = NO_COLON
    for (; i < end; i++) {
      const kind = kinds[data[i] as number] as number
      if (kind === 1) continue
      if (kind === 0 || colon !== NO_COLON) break
      if (i + 1 === end || NAME_START_BYTE[data[i + 1] as number] === 0) return 0
      colon = i - base
    }
    if (i - at > limits.nameBytes) return 0
    this.colon = colon
    if (colon !== NO_COLON) this.special = true
    this.nameEnd = i - base

    while (i < end) {
      const c = data[i] as number
      if (c === GT) {
        this.empty = false
        return i + 1
      }
      if (c === SLASH) {
        if (i + 1 === end || data[i + 1] !== GT) return 0
        this.empty = true
        return i + 2
      }
      if (!isSpace(c)) return 0
      do i++
      while (i < end && isSpace(data[i] as number))
      if (i === end) return 0
      if (NAME_START_BYTE[data[i] as number] === 1) {
        i = this.readAttribute(data, base, i, end, limits)
        if (i === 0) return 0
      }
    }
    return 0
  }

  /** An attribute that lies whole before `end`, in one go: the position after its closing quote, or 0 when it is to be read byte by byte. */
  readAttribute (data: Uint8Array, base: number, at: number, end: number, limits: Limits): number {
    if (this.used >= STRIDE * limits.attributes) return 0
    const kinds = NAME_BYTE
    const ordinary = VALUE_BYTE
    let colon = NO_COLON
    let hash = data[at] as number
    let i = at + 1
    for (; i < end; i++) {
      const c = data[i] as number
      const kind = kinds[c] as number
      if (kind === 2) {
        if (colon !== NO_COLON || i + 1 === end || NAME_START_BYTE[data[i + 1] as number] === 0) return 0
        colon = i - base
      } else if (kind === 0) break
      hash = (Math.imul(hash, 31) + c) & HASH_BITS
    }
    if (i + 1 >= end || data[i] !== EQUALS || i - at > limits.nameBytes) return 0
    const nameEnd = i - base
    const quote = data[i + 1] as number
    if (quote !== QUOTE && quote !== APOSTROPHE) return 0
    const value = i + 2
    let plain = 1
    i = value
    for (;;) {
      while (i < end && ordinary[data[i] as number] === 1) i++
      if (i >= end) return 0
      const c = data[i] as number
      if (c === quote) break
      if (c === QUOTE || c === APOSTROPHE) i++
      else {
        const past = c >= 0x80 ? pastCharacters(data, i, end) : c === AMPERSAND ? pastReference(data, i, end) : isSpace(c) ? i + 1 : i
        if (past === i) return 0
        plain = 0
        i = past
      }
    }
    if (i - value > limits.attributeBytes) return 0
    if (data[at] === LETTER_X || colon !== NO_COLON) {
      // xml:lang needs no look at what is declared, and comes with every other stanza.
      if (nameEnd - (at - base) !== 8 || !spells(data, at, 'xml:lang')) this.special = true
      else if (i - value > limits.langBytes) return 0
    }
    this.keep(at - base, colon, nameEnd, value - base, i - base, hash, plain)
    return i + 1
  }

  /** The value of the attribute without a prefix, or of `xml:lang`. */
  value (bytes: Uint8Array, base: number, name: string): string | undefined {
    const { attributes, used } = this
    for (let at = 0; at < used; at += STRIDE) {
      const start = attributes[at + NAME] as number
      if ((attributes[at + NAME_END] as number) - start !== name.length || !spells(bytes, base + start, name)) continue
      const from = base + (attributes[at + VALUE] as number)
      const to = base + (attributes[at + VALUE_END] as number)
      return attributes[at + PLAIN] === 1 ? asciiText(bytes, from, to) : decodeValue(bytes, from, to)
    }
    return undefined
  }

  private keep (name: number, colon: number, nameEnd: number, value: number, valueEnd: number, hash: number, plain: number): void {
    const { attributes, used } = this
    attributes[used + NAME] = name
    attributes[used + COLON_AT] = colon
    attributes[used + NAME_END] = nameEnd
    attributes[used + VALUE] = value
    attributes[used + VALUE_END] = valueEnd
    attributes[used + HASH] = hash
    attributes[used + PLAIN] = plain
    this.used = used + STRIDE
  }
}

/** Whether the bytes at `at` spell the word, which is ASCII. */
export function spells (bytes: Uint8Array, at: number, word: string): boolean {
  for (let k = 0; k < word.length; k++) if (bytes[at + k] !== word.charCodeAt(k)) return false
  return true
}

/** Where the colon of a qualified name is: NO_COLON, MISPLACED when the name is none (Namespaces in XML §4). */
function colonOf (bytes: Uint8Array, base: number, start: number, end: number): number {
  let colon = NO_COLON
  for (let at = start; at < end; at++) {
    if (bytes[base + at] !== COLON) continue
    if (colon !== NO_COLON || at === start || at === end - 1) return MISPLACED
    colon = at
  }
  if (colon === NO_COLON) return NO_COLON
  const first = bytes[base + colon + 1] as number
  if (first < 0x80 ? NAME_START_BYTE[first] === 0 : !isNameStart(decodeUtf8(bytes, base + colon + 1, base + end).codePointAt(0) ?? 0)) return MISPLACED
  return colon
}
