// One start tag: where its names and values are. Its rules (namespaces, duplicates) are in tag-rules.ts.
import { NAME_BYTE, NAME_START_BYTE, VALUE_BYTE, isNameStart, isSpace, pastCharacters } from './characters.ts'
import { asciiText, decodeUtf8, decodeValue } from './decode.ts'
import type { Limits } from './limits.ts'
import type { Runs } from './runs.ts'
import { isOwnReference, pastReference } from './reference.ts'

/**
 * Numbers that are kept of an attribute: where its name starts, its colon and its name's end, where its value starts and ends, a key that differs
 * for most names (`keyOf`), 1 when its value is ASCII that stands for itself, and room for a hash of its name.
 */
export const STRIDE = 8
export const NAME = 0, COLON_AT = 1, NAME_END = 2, VALUE = 3, VALUE_END = 4, KEY = 5, PLAIN = 6, HASH = 7
/** What stands for a colon's position in a name without one, and in a name that has it in the wrong place. */
export const NO_COLON = -1, MISPLACED = -2
/** What a tag has beside plain names: nothing, one declaration of the default namespace, or prefixes. */
export const NOTHING = 0, DEFAULT = 1, PREFIXES = 2

const COLON = 0x3A, GT = 0x3E, SLASH = 0x2F, EQUALS = 0x3D, QUOTE = 0x22, APOSTROPHE = 0x27, AMPERSAND = 0x26, SPACE = 0x20, LETTER_X = 0x78
/** Attributes that there is room for from the start. */
const ROOM = 16

/** The tag that is being read. Every position is relative to the item, so that it holds when the item moves to another buffer. */
export class Tag {
  nameStart = 0
  /** Position of the colon in the element's name. */
  colon = NO_COLON
  nameEnd = 0
  /** `STRIDE` numbers an attribute; `used` of them count. */
  attributes = new Int32Array(STRIDE * ROOM)
  used = 0
  empty = false
  /** NOTHING, DEFAULT (then `declaration` is the attribute's place) or PREFIXES. With NOTHING, duplicates are all that can be wrong with it. */
  special = NOTHING
  declaration = 0
  /** 0 when `readPlain` saw a spelling that is not our serialiser's. What its declarations mean is not looked at. */
  own = 1
  private readonly runs: Runs

  /** `runs` looks at the data that `readPlain` and `readAttribute` are given. */
  constructor (runs: Runs) {
    this.runs = runs
  }

  begin (nameStart: number): void {
    this.nameStart = nameStart
    this.used = 0
    this.special = NOTHING
  }

  /** The element's name ends: for a name that was read byte by byte. */
  endName (bytes: Uint8Array, base: number, nameEnd: number): void {
    this.nameEnd = nameEnd
    this.colon = colonOf(bytes, base, this.nameStart, nameEnd)
    if (this.colon !== NO_COLON) this.special = PREFIXES
  }

  /** An attribute that was read byte by byte. */
  add (bytes: Uint8Array, base: number, name: number, nameEnd: number, value: number, valueEnd: number, plain: number): void {
    const colon = colonOf(bytes, base, name, nameEnd)
    this.keep(name, colon, nameEnd, value, valueEnd, plain, keyOf(nameEnd - name, bytes[base + name] as number, bytes[base + nameEnd - 1] as number))
    if (colon !== NO_COLON || bytes[base + name] === LETTER_X) this.special = PREFIXES
  }

  /**
   * A start tag that lies whole before `end` and has only what tags usually have, in one go; its name begins at `at`. Returns the position
   * after its `>`, or 0 when it is to be read byte by byte. A matter of speed alone: it accepts nothing that the states do not.
   */
  readPlain (data: Uint8Array, base: number, at: number, end: number, limits: Limits): number {
    const kinds = NAME_BYTE
    this.begin(at - base)
    this.own = 1
    let colon = NO_COLON
    let i = at + 1
    while (i < end && kinds[data[i] as number] === 1) i++
    if (i + 1 < end && data[i] === COLON) {
      if (NAME_START_BYTE[data[i + 1] as number] === 0) return 0
      colon = i - base
      this.special = PREFIXES
      do i++
      while (i < end && kinds[data[i] as number] === 1)
    }
    if (i - at > limits.nameBytes) return 0
    this.colon = colon
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
      i++
      if (c !== SPACE) {
        if (!isSpace(c)) return 0
        this.own = 0
      }
      if (i < end && NAME_START_BYTE[data[i] as number] === 0) {
        this.own = 0
        while (i < end && isSpace(data[i] as number)) i++
      }
      if (i >= end) return 0
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
    let colon = NO_COLON
    let i = at + 1
    while (i < end && kinds[data[i] as number] === 1) i++
    if (i + 1 < end && data[i] === COLON) {
      if (NAME_START_BYTE[data[i + 1] as number] === 0) return 0
      colon = i - base
      do i++
      while (i < end && kinds[data[i] as number] === 1)
    }
    if (i + 1 >= end || data[i] !== EQUALS || i - at > limits.nameBytes) return 0
    const nameEnd = i
    const quote = data[i + 1] as number
    const value = i + 2
    i = quote === APOSTROPHE ? this.runs.past(data, value, end) : value
    let plain = 1
    if (i >= end) return 0
    if (quote !== APOSTROPHE || data[i] !== APOSTROPHE) {
      if (quote !== APOSTROPHE && quote !== QUOTE) return 0
      // From here on with what is seldom in a value.
      const ordinary = VALUE_BYTE
      for (;;) {
        while (i < end && ordinary[data[i] as number] === 1) i++
        if (i >= end) return 0
        const c = data[i] as number
        if (c === quote) break
        if (c === QUOTE || c === APOSTROPHE) {
          this.own = 0
          i++
        } else {
          const past = c >= 0x80 ? pastCharacters(data, i, end) : c === AMPERSAND ? pastReference(data, i, end) : isSpace(c) ? i + 1 : i
          if (past === i) return 0
          if (c < 0x80 && (c !== AMPERSAND || !isOwnReference(data, i, past, true))) this.own = 0
          plain = 0
          i = past
        }
      }
      // A '>' is an ordinary byte of a value, but our serialiser spells it as a reference.
      if (quote === QUOTE || holds(data, value, i, GT)) this.own = 0
    }
    if (i - value > limits.attributeBytes) return 0
    if (data[at] === LETTER_X || colon !== NO_COLON) {
      const length = nameEnd - at
      if (length === 5 && colon === NO_COLON && spells(data, at, 'xmlns')) {
        this.special = this.special === NOTHING ? DEFAULT : PREFIXES
        this.declaration = this.used
      } else if (colon === NO_COLON || (length === 8 && spells(data, at, 'xml:lang'))) {
        // xml:lang needs no look at what is declared, and comes with every other stanza.
        if (colon !== NO_COLON && i - value > limits.langBytes) return 0
      } else this.special = PREFIXES
    }
    this.keep(at - base, colon, nameEnd - base, value - base, i - base, plain, keyOf(nameEnd - at, data[at] as number, data[nameEnd - 1] as number))
    return i + 1
  }

  /** The place of the attribute without a prefix, or of `xml:lang`; -1 for none. */
  find (bytes: Uint8Array, base: number, name: string): number {
    const { attributes, used } = this
    const { length } = name
    const key = keyOf(length, name.charCodeAt(0), name.charCodeAt(length - 1))
    for (let at = 0; at < used; at += STRIDE) {
      if (attributes[at + KEY] !== key) continue
      const start = attributes[at + NAME] as number
      if ((attributes[at + NAME_END] as number) - start === length && spells(bytes, base + start, name)) return at
    }
    return -1
  }

  /** The value of the attribute without a prefix, or of `xml:lang`. */
  value (bytes: Uint8Array, base: number, name: string): string | undefined {
    const at = this.find(bytes, base, name)
    if (at === -1) return undefined
    const from = base + (this.attributes[at + VALUE] as number)
    const to = base + (this.attributes[at + VALUE_END] as number)
    return this.attributes[at + PLAIN] === 1 ? asciiText(bytes, from, to) : decodeValue(bytes, from, to)
  }

  private keep (name: number, colon: number, nameEnd: number, value: number, valueEnd: number, plain: number, key: number): void {
    const { used } = this
    if (used === this.attributes.length) {
      const more = new Int32Array(2 * used)
      more.set(this.attributes)
      this.attributes = more
    }
    const { attributes } = this
    attributes[used + NAME] = name
    attributes[used + COLON_AT] = colon
    attributes[used + NAME_END] = nameEnd
    attributes[used + VALUE] = value
    attributes[used + VALUE_END] = valueEnd
    attributes[used + KEY] = key
    attributes[used + PLAIN] = plain
    this.used = used + STRIDE
  }
}

function holds (data: Uint8Array, from: number, to: number, byte: number): boolean {
  for (let i = from; i < to; i++) if (data[i] === byte) return true
  return false
}

function keyOf (length: number, first: number, last: number): number {
  return (length << 16) | (first << 8) | last
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
