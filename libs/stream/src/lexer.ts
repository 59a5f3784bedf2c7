/**
 * Bytes to tags: the part of XML 1.0 (5th edition) that RFC 6120 §11 leaves, as a state machine over single bytes. Knows what may follow
 * what, which end tag is due, and the limits that are counted on bytes; what a tag means (namespaces, depth, header or stanza) is its
 * listener's business. The result is the same for every way to cut the bytes, and no byte is looked at more than twice because of a cut.
 *
 * Tags and references that lie whole in the data are read in one go (`Tag.readPlain`); the states read the rest. An item is the XML
 * declaration, the stream header, a first-level element or the last end tag; every position but `start` and `stopAt` is relative to it.
 */
import { NAME_START_BYTE, TEXT_BYTE, Utf8, isNameCharacter, isNameStart, isSpace, isXmlCharacter, pastCharacters } from './characters.ts'
import { decodeUtf8 } from './decode.ts'
import type { Limits } from './limits.ts'
import { Nesting } from './nesting.ts'
import type { Runs } from './runs.ts'
import { pastReference } from './reference.ts'
import type { Problem } from './tag-rules.ts'
import {
  AFTER_CLOSE_NAME, AFTER_VALUE, ATTRIBUTE_NAME, BANG, BEFORE_EQUALS, BEFORE_VALUE, CDATA, CLOSE_NAME, DECLARATION, EMPTY_TAG, IN_TAG, LESS_THAN, OPEN_NAME, OUTSIDE, REFERENCE,
  TEXT, TagStates, VALUE,
} from './tag-states.ts'
import { Tag } from './tag.ts'
import { declarationProblem } from './xml-declaration.ts'

/** Who is told of tags. The item begins at `lexer.start`; what has gone wrong is returned. */
export type Listener = {
  /** The root's start tag, before `end`, is in `lexer.tag`. */
  root: (data: Uint8Array, end: number) => Problem | undefined
  /** A first-level element begins at data[at]: reads it and delivers it if it lies whole before `n`. Returns where it ends, or 0 and has done nothing. */
  whole: (data: Uint8Array, at: number, n: number) => number
  /** A start tag is in `lexer.tag`; `lexer.depth` is that of what it stands in: 0 for a first-level element. */
  opened: (data: Uint8Array, end: number, empty: boolean) => Problem | undefined
  /** An end tag; `lexer.depth` is that of what the element stood in. */
  closed: (data: Uint8Array, end: number) => void
  /** The root's end tag. */
  ended: () => void
}

const LT = 0x3C, GT = 0x3E, SLASH = 0x2F, AMPERSAND = 0x26, BRACKET = 0x5D
const CDATA_WORD = '[CDATA['

export class Lexer extends TagStates {
  /** Tags of first-level elements and of the root; kept while what is deeper is read. */
  readonly first: Tag

  private readonly listener: Listener
  private readonly inner: Tag
  private readonly nesting = new Nesting()
  private whitespace = 0
  private readonly utf8 = new Utf8()
  /** The position in the stream of the first byte of the data. */
  private base = 0

  /** `runs` looks at the data that is read. */
  constructor (limits: Limits, listener: Listener, runs: Runs) {
    super(limits, runs)
    this.listener = listener
    this.first = this.tag
    this.inner = new Tag(runs)
  }

  /** Open elements below the root. */
  get depth (): number { return this.nesting.depth }

  /**
   * Reads data[from … n), which is at `base` + from in the stream, and returns where it stopped. What came before is data[start … from). `one`:
   * stops after the item that is being read.
   */
  scan (data: Uint8Array, from: number, n: number, base: number, one = false): number {
    this.base = base
    let i = from
    while (i < n && !this.halted) {
      let end = n
      if (this.start >= 0) {
        if (this.stopAt < n) {
          if (i >= this.stopAt) return this.overLimit(i)
          end = this.stopAt
        }
      } else if (one) return i
      const c = data[i] as number
      if (c >= 0x80 || this.utf8.need > 0) {
        i = this.beyondAscii(data, i, end)
        continue
      }
      switch (this.state) {
        case OUTSIDE: i = this.outside(data, i, c, n); break
        case TEXT: i = this.text(data, i, end); break
        case LESS_THAN: i = this.lessThan(i, c); break
        case OPEN_NAME: i = this.openName(data, i, end); break
        case AFTER_VALUE:
        case IN_TAG: i = this.inTag(data, i, c, end); break
        case ATTRIBUTE_NAME: i = this.attribute(data, i, end); break
        case BEFORE_EQUALS: i = this.beforeEquals(i, c); break
        case BEFORE_VALUE: i = this.beforeValue(i, c); break
        case VALUE: i = this.value(data, i, end); break
        case EMPTY_TAG: i = c === GT ? this.openTag(data, i + 1, true) : this.malformed(i, "a '/' in a start tag"); break
        case REFERENCE: i = this.reference(data, i, c); break
        case CLOSE_NAME: i = this.closeName(data, i, end); break
        case AFTER_CLOSE_NAME: i = c === GT ? this.closeTag(data, i + 1) : isSpace(c) ? i + 1 : this.malformed(i, 'an end tag with something after its name'); break
        case BANG: i = this.bang(i, c); break
        case CDATA: i = this.section(data, i, end); break
        default: i = this.declaration(data, i, c)
      }
    }
    return i
  }

  private outside (data: Uint8Array, i: number, c: number, n: number): number {
    if (c === LT) {
      this.whitespace = 0
      if (this.rooted) {
        const past = this.listener.whole(data, i, n)
        if (past > 0) return past
      }
      this.begin(i)
      return this.markup(data, i, n)
    }
    if (!isSpace(c)) return this.rooted ? this.fail(i, { detail: 'text between elements' }, 'bad-format') : this.malformed(i, 'what came first is no XML')
    if (++this.whitespace > this.limits.whitespaceBytes) return this.fail(i, { detail: 'too much white space between elements', limit: 'whitespace-bytes' })
    return i + 1
  }

  /** A '<': a tag that lies whole in the data is read at once, anything else by the states. */
  private markup (data: Uint8Array, i: number, n: number): number {
    const end = this.stopAt < n ? this.stopAt : n
    const tag = this.tag = this.depth === 0 ? this.first : this.inner
    if (i + 1 < end) {
      const c = data[i + 1] as number
      if (c === SLASH) {
        const past = this.nesting.pastEndTag(data, this.start, i + 2, end)
        if (past > 0) return this.closeTag(data, past)
      } else if (NAME_START_BYTE[c] === 1) {
        const past = tag.readPlain(data, this.start, i + 1, end, this.limits)
        if (past > 0) return this.openTag(data, past, tag.empty)
      }
    }
    this.state = LESS_THAN
    return i + 1
  }

  private text (data: Uint8Array, from: number, end: number): number {
    const ordinary = TEXT_BYTE
    const last = end - 4
    let i = from
    for (;;) {
      while (i <= last && ((ordinary[data[i] as number] as number) & (ordinary[data[i + 1] as number] as number) & (ordinary[data[i + 2] as number] as number) & (ordinary[data[i + 3] as number] as number)) === 1) i += 4
      while (i < end && ordinary[data[i] as number] === 1) i++
      if (i >= end) return i
      const c = data[i] as number
      if (c === LT) return this.markup(data, i, end)
      if (c >= 0x80) {
        const past = pastCharacters(data, i, end)
        if (past === i) return i
        i = past
      } else if (c === AMPERSAND) {
        const past = pastReference(data, i, end)
        if (past === i) return this.referenceBegins(i, TEXT)
        i = past
      } else if (c === GT) {
        if (this.afterBrackets(data, i)) return this.malformed(i, "']]>' in text")
        i++
      } else return this.malformed(i, 'a control character')
    }
  }

  private lessThan (i: number, c: number): number {
    this.mark = i - this.start
    if (NAME_START_BYTE[c] === 1) return this.nameBegins(i)
    if (c === SLASH) {
      if (!this.rooted) return this.malformed(i, 'an end tag before the stream header')
      this.mark++
      this.state = CLOSE_NAME
    } else if (c === 0x21) {
      this.mark++
      this.state = BANG
    } else if (c === 0x3F) {
      if (this.base + this.start !== 0) return this.fail(i, { detail: 'a processing instruction' }, 'restricted-xml')
      this.state = DECLARATION
    } else return this.malformed(i, 'a tag without a name')
    return i + 1
  }

  private inTag (data: Uint8Array, i: number, c: number, end: number): number {
    if (isSpace(c)) this.state = IN_TAG
    else if (c === GT) return this.openTag(data, i + 1, false)
    else if (c === SLASH) this.state = EMPTY_TAG
    else if (this.state === IN_TAG && NAME_START_BYTE[c] === 1) {
      const past = this.tag.readAttribute(data, this.start, i, end, this.limits)
      if (past > 0) {
        this.state = AFTER_VALUE
        return past
      }
      this.mark = i - this.start
      return this.nameBegins(i)
    } else return this.malformed(i, 'a start tag with something that is no attribute')
    return i + 1
  }

  private closeName (data: Uint8Array, from: number, end: number): number {
    const i = this.pastName(data, from, end)
    if (this.halted || i >= end || (data[i] as number) >= 0x80) return i
    if (!this.nesting.closes(data, this.start, this.start + this.mark, i)) return this.malformed(i, 'an end tag that closes something else')
    this.state = AFTER_CLOSE_NAME
    return i
  }

  /** After '<!': a CDATA section inside an element, and nothing else. */
  private bang (i: number, c: number): number {
    const at = i - this.start - this.mark
    if (at === 0) {
      if (c === 0x2D) return this.fail(i, { detail: 'a comment' }, 'restricted-xml')
      if (c === 0x44) return this.fail(i, { detail: 'a document type declaration' }, 'restricted-xml')
      if (c !== 0x5B || this.depth === 0) return this.malformed(i, "a '<!' that begins nothing known")
    }
    if (c !== CDATA_WORD.charCodeAt(at)) return this.malformed(i, "a '<![' that begins no CDATA section")
    if (at + 1 === CDATA_WORD.length) {
      this.textStart = i + 1 - this.start
      this.state = CDATA
    }
    return i + 1
  }

  private section (data: Uint8Array, from: number, end: number): number {
    const ordinary = TEXT_BYTE
    let i = from
    while (i < end && ordinary[data[i] as number] === 1) i++
    if (i >= end || (data[i] as number) >= 0x80) return i
    const c = data[i] as number
    if (c < 0x20) return this.malformed(i, 'a control character')
    if (c === GT && this.afterBrackets(data, i)) {
      this.state = TEXT
      this.textStart = i + 1 - this.start
    }
    return i + 1
  }

  private declaration (data: Uint8Array, i: number, c: number): number {
    if (c === GT && data[i - 1] === 0x3F) {
      const problem = declarationProblem(decodeUtf8(data, this.start, i + 1))
      if (problem !== undefined) return this.fail(i, { detail: problem.detail }, problem.condition)
      this.start = -1
      this.state = OUTSIDE
    }
    return i + 1
  }

  /** Characters beyond ASCII, judged by what may stand here: a run of whole ones in text at once, others byte by byte. */
  private beyondAscii (data: Uint8Array, i: number, end: number): number {
    const { state, utf8 } = this
    const inText = state === TEXT || state === VALUE || state === CDATA
    this.plainValue = 0
    if (inText && utf8.need === 0) {
      const past = pastCharacters(data, i, end)
      if (past > i) return past
    }
    const starts = state === LESS_THAN || state === IN_TAG
    const inName = state === OPEN_NAME || state === ATTRIBUTE_NAME || state === CLOSE_NAME
    if (utf8.need === 0 && starts) this.mark = i - this.start
    const point = inText || inName || starts ? utf8.take(data[i] as number) : -2
    if (point === -1) return i + 1
    if (point === -2 || !(inText ? isXmlCharacter(point) : inName ? isNameCharacter(point) : isNameStart(point))) {
      return this.malformed(i, 'a byte that is no UTF-8, or a character that may not stand there')
    }
    return starts ? this.nameBegins(i) : i + 1
  }

  /** Whether the '>' at `i` ends a ']]>' that lies whole in the current text or section. */
  private afterBrackets (data: Uint8Array, i: number): boolean {
    return i - this.start - this.textStart >= 2 && data[i - 1] === BRACKET && data[i - 2] === BRACKET
  }

  private openTag (data: Uint8Array, i: number, empty: boolean): number {
    if (!this.rooted) return this.openRoot(data, i, empty)
    const problem = this.listener.opened(data, i, empty)
    if (problem !== undefined) return this.fail(i - 1, problem)
    if (!empty) this.nesting.push(this.tag.nameStart, this.tag.nameEnd)
    return this.goOn(i)
  }

  private openRoot (data: Uint8Array, i: number, empty: boolean): number {
    const { tag, start } = this
    const problem = this.listener.root(data, i)
    if (problem !== undefined) return this.fail(i - 1, problem)
    this.nesting.root(data.slice(start + tag.nameStart, start + tag.nameEnd))
    this.rooted = true
    if (empty && !this.halted) this.end()
    return this.goOn(i)
  }

  private closeTag (data: Uint8Array, i: number): number {
    if (this.depth === 0) this.end()
    else {
      this.nesting.depth--
      this.listener.closed(data, i)
    }
    return this.goOn(i)
  }

  private end (): void {
    this.halted = true
    this.listener.ended()
  }

  private goOn (i: number): number {
    if (this.depth === 0) {
      this.start = -1
      this.state = OUTSIDE
    } else {
      this.state = TEXT
      this.textStart = i - this.start
    }
    return i
  }
}
