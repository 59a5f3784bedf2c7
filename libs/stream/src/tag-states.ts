// Start tags and references byte by byte: the part of the lexer that runs when a tag is cut by a chunk's end, or has what tags seldom have.
import { NAME_BYTE, VALUE_BYTE, isSpace } from './characters.ts'
import { Cursor } from './cursor.ts'
import { decodeUtf8 } from './decode.ts'
import type { Limits } from './limits.ts'
import type { Runs } from './runs.ts'
import { REFERENCE_BYTES, referenceProblem } from './reference.ts'
import { STRIDE, Tag } from './tag.ts'

// What the byte before decided that the next one may be.
export const OUTSIDE = 0, LESS_THAN = 1, OPEN_NAME = 2, IN_TAG = 3, ATTRIBUTE_NAME = 4, BEFORE_EQUALS = 5, BEFORE_VALUE = 6, VALUE = 7, AFTER_VALUE = 8, EMPTY_TAG = 9
export const TEXT = 10, REFERENCE = 11, CLOSE_NAME = 12, AFTER_CLOSE_NAME = 13, BANG = 14, CDATA = 15, DECLARATION = 16

const LT = 0x3C, EQUALS = 0x3D, QUOTE = 0x22, APOSTROPHE = 0x27, AMPERSAND = 0x26, SEMICOLON = 0x3B

export class TagStates extends Cursor {
  tag: Tag

  protected state = OUTSIDE
  /** Where the current name, reference or section began, and where the current value, text or section's content did. */
  protected mark = 0
  protected textStart = 0
  /** 1 while the current value is ASCII that stands for itself. */
  protected plainValue = 0
  private attributeName = 0
  private attributeNameEnd = 0
  private quote = 0
  private returnTo = TEXT

  constructor (limits: Limits, runs: Runs) {
    super(limits)
    this.tag = new Tag(runs)
  }

  /** A name begins at `mark`; its first character ends at `i`. */
  protected nameBegins (i: number): number {
    if (this.state === LESS_THAN) {
      this.tag.begin(this.mark)
      this.state = OPEN_NAME
    } else {
      if (this.tag.used >= STRIDE * this.limits.attributes) return this.fail(i, { detail: 'too many attributes', limit: 'attributes' })
      this.attributeName = this.mark
      this.state = ATTRIBUTE_NAME
    }
    return i + 1
  }

  protected openName (data: Uint8Array, from: number, end: number): number {
    const i = this.pastName(data, from, end)
    if (this.halted || i >= end || (data[i] as number) >= 0x80) return i
    this.tag.endName(data, this.start, i - this.start)
    this.state = AFTER_VALUE
    return i
  }

  protected attribute (data: Uint8Array, from: number, end: number): number {
    const i = this.pastName(data, from, end)
    if (this.halted || i >= end || (data[i] as number) >= 0x80) return i
    this.attributeNameEnd = i - this.start
    this.state = BEFORE_EQUALS
    return i
  }

  protected beforeEquals (i: number, c: number): number {
    if (c === EQUALS) this.state = BEFORE_VALUE
    else if (!isSpace(c)) return this.malformed(i, 'an attribute without a value')
    return i + 1
  }

  protected beforeValue (i: number, c: number): number {
    if (c === QUOTE || c === APOSTROPHE) {
      this.quote = c
      this.textStart = i + 1 - this.start
      this.plainValue = 1
      this.state = VALUE
    } else if (!isSpace(c)) return this.malformed(i, 'an attribute value without quotes')
    return i + 1
  }

  protected value (data: Uint8Array, from: number, end: number): number {
    const most = this.start + this.textStart + this.limits.attributeBytes
    const until = most + 1 < end ? most + 1 : end
    const ordinary = VALUE_BYTE
    let i = from
    while (i < until && ordinary[data[i] as number] === 1) i++
    if (i > most) return this.fail(Math.max(most, from), { detail: 'an attribute value is too long', limit: 'attribute-bytes' })
    if (i >= until) return i
    const c = data[i] as number
    if (c >= 0x80) return i
    if (c === this.quote) {
      this.tag.add(data, this.start, this.attributeName, this.attributeNameEnd, this.textStart, i - this.start, this.plainValue)
      this.state = AFTER_VALUE
      return i + 1
    }
    if (c !== QUOTE && c !== APOSTROPHE) this.plainValue = 0
    if (c === AMPERSAND) return this.referenceBegins(i, VALUE)
    if (c === LT) return this.malformed(i, "a '<' in an attribute value")
    if (c !== QUOTE && c !== APOSTROPHE && !isSpace(c)) return this.malformed(i, 'a control character')
    return i + 1
  }

  protected referenceBegins (i: number, returnTo: number): number {
    this.mark = i - this.start + 1
    this.returnTo = returnTo
    this.state = REFERENCE
    return i + 1
  }

  protected reference (data: Uint8Array, i: number, c: number): number {
    if (c === SEMICOLON) {
      const problem = referenceProblem(decodeUtf8(data, this.start + this.mark, i))
      if (problem !== undefined) return this.fail(i, { detail: problem.detail }, problem.condition)
      this.state = this.returnTo
    } else if (i - this.start - this.mark >= REFERENCE_BYTES || (NAME_BYTE[c] === 0 && c !== 0x23)) return this.malformed(i, "an '&' that begins no reference")
    return i + 1
  }

  protected pastName (data: Uint8Array, from: number, end: number): number {
    const most = this.start + this.mark + this.limits.nameBytes
    const ordinary = NAME_BYTE
    let i = from
    while (i < end && ordinary[data[i] as number] !== 0) i++
    return i > most ? this.fail(Math.max(most, from), { detail: 'over the limit of name-bytes', limit: 'name-bytes' }) : i
  }
}
