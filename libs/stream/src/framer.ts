/**
 * The framer: the only reader of XML that comes from the network. Bytes in; a stream header, complete first-level elements and the end of
 * the stream out, or one error and then nothing more. It accepts what RFC 6120 §11 leaves of XML 1.0 (5th edition) with namespaces, and
 * nothing else: UTF-8, no comment, processing instruction, document type or entity, every limit counted on raw bytes as they arrive.
 *
 * A state machine over single bytes: the result is the same for every way in which the bytes are cut into chunks, and no byte is looked at
 * twice because of a cut. What is kept between chunks is the item that is being read: at most its limit, and one chunk.
 */
import type { StreamCondition, XmlLimit } from '@dialtone/contracts'
import { NAME_BYTE, NAME_START_BYTE, TEXT_BYTE, Utf8, VALUE_BYTE, isNameCharacter, isNameStart, isSpace, isXmlCharacter } from './characters.ts'
import { characterOf, decodeUtf8, decodeValue } from './decode.ts'
import type { ElementFrame, FramerSink } from './frame.ts'
import type { Limits } from './limits.ts'
import { Tag, type KeyPositions, type TagProblem } from './tag.ts'
import { declarationProblem } from './xml-declaration.ts'

export type Framer = {
  /**
   * Reads on. Returns how many bytes of the chunk were consumed: all of them, or those up to `stop`, the end of the stream, or the error.
   * The chunk is not kept.
   */
  write: (chunk: Uint8Array) => number
  /** From inside a callback: nothing after the frame being delivered is consumed, now or later. */
  stop: () => void
  /** The peer is authenticated: other limits from the next byte on. */
  raise: (limits: Limits) => void
  /** `header` until one came, then `stream`; `ended` after the stream's end, `dead` after an error, `stopped` after stop(). */
  readonly phase: 'header' | 'stream' | 'ended' | 'dead' | 'stopped'
  /** Bytes consumed, and first-level elements delivered. */
  readonly counts: { bytes: number, elements: number }
  /** Bytes kept for the item that is being read. */
  readonly pending: number
}

export function createFramer ({ limits }: { limits: Limits }, sink: FramerSink): Framer {
  return new ByteFramer(limits, sink)
}

// What the byte before decided that the next one may be.
const OUTSIDE = 0
const LESS_THAN = 1
const OPEN_NAME = 2
const IN_TAG = 3
const ATTRIBUTE_NAME = 4
const BEFORE_EQUALS = 5
const BEFORE_VALUE = 6
const VALUE = 7
const AFTER_VALUE = 8
const EMPTY_TAG = 9
const TEXT = 10
const REFERENCE = 11
const CLOSE_NAME = 12
const AFTER_CLOSE_NAME = 13
const BANG = 14
const CDATA_OPEN = 15
const CDATA = 16
const DECLARATION = 17

const LT = 0x3C, GT = 0x3E, SLASH = 0x2F, EQUALS = 0x3D, QUOTE = 0x22, APOSTROPHE = 0x27, AMPERSAND = 0x26, BRACKET = 0x5D, SEMICOLON = 0x3B
const CDATA_WORD = 'CDATA['
/** `#x10FFFF` with leading zeros to spare. */
const REFERENCE_BYTES = 16
/** A buffer that grew beyond this is given back when what is left in it is small. */
const KEEP_BYTES = 65_536
const NO_NAMESPACES: ReadonlyMap<string, string> = new Map()

type FirstName = { start: number, colon: number, end: number, namespace: string }

class ByteFramer implements Framer {
  phase: Framer['phase'] = 'header'
  readonly counts = { bytes: 0, elements: 0 }
  pending = 0

  private limits: Limits
  private readonly sink: FramerSink
  /** The item that is being read, when it began in an earlier chunk. */
  private own = new Uint8Array(1024)
  private state = OUTSIDE
  private start = -1
  /** The end of the stream's part that may be scanned before the item's limit is hit. */
  private stopAt = 0
  private depth = 0
  private elements = 0
  private whitespace = 0
  private rootName = new Uint8Array(0)
  private tag = new Tag(NO_NAMESPACES)
  private readonly utf8 = new Utf8()
  private quote = 0
  private returnTo = TEXT
  /** Where the current name, value, text, reference or section began, relative to the item. */
  private mark = 0
  private textStart = 0
  private attributeName = 0
  private attributeNameEnd = 0
  /** Names of the open elements inside the item: start and end of each, relative to the item. */
  private readonly open: number[] = []
  private keys: KeyPositions = { id: -1, idEnd: 0, from: -1, fromEnd: 0, to: -1, toEnd: 0, type: -1, typeEnd: 0, lang: -1, langEnd: 0 }
  private first: FirstName = { start: 0, colon: -1, end: 0, namespace: '' }
  /** The stream offset of the first byte of the data that is scanned. */
  private base = 0

  constructor (limits: Limits, sink: FramerSink) {
    this.limits = limits
    this.sink = sink
  }

  raise (limits: Limits): void {
    this.limits = limits
    if (this.start >= 0) this.stopAt = this.start + this.itemLimit()
  }

  stop (): void {
    if (this.phase === 'header' || this.phase === 'stream') this.phase = 'stopped'
  }

  write (chunk: Uint8Array): number {
    if (!this.running() || chunk.length === 0) return 0
    const kept = this.pending
    const data = kept === 0 ? chunk : this.append(chunk)
    const end = kept + chunk.length
    this.base = this.counts.bytes - kept

    const stopped = this.scan(data, kept, end)
    this.counts.bytes = this.base + stopped
    this.keep(data, stopped)
    return stopped - kept
  }

  private running (): boolean {
    return this.phase === 'header' || this.phase === 'stream'
  }

  /** Scans from `i` to `n`; returns where it stopped. Names, references and cuts are single steps, runs of ordinary bytes are loops. */
  private scan (data: Uint8Array, i: number, n: number): number {
    while (i < n) {
      if (this.start >= 0 && i >= this.stopAt) return this.overLimit(i)
      const c = data[i] as number
      if (this.utf8.need > 0 || c >= 0x80) {
        if (!this.beyondAscii(c, i)) return this.broken(i)
        i++
        continue
      }
      const end = this.start >= 0 && this.stopAt < n ? this.stopAt : n
      switch (this.state) {
        case OUTSIDE:
          if (c === LT) {
            this.start = i
            this.stopAt = i + this.itemLimit()
            this.whitespace = 0
            this.state = LESS_THAN
          } else if (isSpace(c)) {
            if (++this.whitespace > this.limits.whitespaceBytes) return this.fail(i, 'policy-violation', 'too much white space between elements', 'whitespace-bytes')
          } else return this.fail(i, this.phase === 'header' ? 'not-well-formed' : 'bad-format', this.phase === 'header' ? 'what came first is no XML' : 'text between elements')
          i++
          continue
        case LESS_THAN:
          this.mark = i - this.start
          if (NAME_START_BYTE[c] === 1) this.nameBegins()
          else if (c === SLASH) {
            if (this.phase === 'header') return this.fail(i, 'not-well-formed', 'an end tag before the stream header')
            this.mark++
            this.state = CLOSE_NAME
          } else if (c === 0x21) this.state = BANG
          else if (c === 0x3F) {
            if (this.base + this.start !== 0) return this.fail(i, 'restricted-xml', 'a processing instruction')
            this.state = DECLARATION
          } else return this.fail(i, 'not-well-formed', 'a tag without a name')
          i++
          continue
        case OPEN_NAME:
          while (i < end && NAME_BYTE[data[i] as number] === 1) i++
          if (i === end) continue
          if ((data[i] as number) >= 0x80) continue
          this.tag.nameEnd = i - this.start
          this.state = AFTER_VALUE
          continue
        case AFTER_VALUE:
        case IN_TAG:
          if (isSpace(c)) {
            this.state = IN_TAG
            i++
          } else if (c === GT) {
            i = this.openTag(data, i + 1, false)
            if (!this.running()) return i
          } else if (c === SLASH) {
            this.state = EMPTY_TAG
            i++
          } else if (this.state === IN_TAG && NAME_START_BYTE[c] === 1) {
            const plain = this.plainAttribute(data, i, end)
            if (plain > i) {
              i = plain
              this.state = AFTER_VALUE
              continue
            }
            this.mark = i - this.start
            if (!this.nameBegins()) return i
            i++
          } else return this.fail(i, 'not-well-formed', 'a start tag with something that is no attribute')
          continue
        case ATTRIBUTE_NAME:
          while (i < end && NAME_BYTE[data[i] as number] === 1) i++
          if (i === end || (data[i] as number) >= 0x80) continue
          this.attributeNameEnd = i - this.start
          this.state = BEFORE_EQUALS
          continue
        case BEFORE_EQUALS:
          if (c === EQUALS) this.state = BEFORE_VALUE
          else if (!isSpace(c)) return this.fail(i, 'not-well-formed', 'an attribute without a value')
          i++
          continue
        case BEFORE_VALUE:
          if (c === QUOTE || c === APOSTROPHE) {
            this.quote = c
            this.mark = i + 1 - this.start
            this.textStart = this.mark
            this.state = VALUE
          } else if (!isSpace(c)) return this.fail(i, 'not-well-formed', 'an attribute value without quotes')
          i++
          continue
        case VALUE: {
          const most = this.start + this.textStart + this.limits.attributeBytes
          const until = most + 1 < end ? most + 1 : end
          while (i < until && VALUE_BYTE[data[i] as number] === 1) i++
          if (i > most) return this.fail(most, 'policy-violation', 'an attribute value is too long', 'attribute-bytes')
          if (i === until) continue
          const d = data[i] as number
          if (d === this.quote) {
            this.tag.attributes.push(this.attributeName, this.attributeNameEnd, this.textStart, i - this.start)
            this.state = AFTER_VALUE
          } else if (d === AMPERSAND) {
            this.mark = i - this.start + 1
            this.returnTo = VALUE
            this.state = REFERENCE
          } else if (d >= 0x80) continue
          else if (d === LT) return this.fail(i, 'not-well-formed', "a '<' in an attribute value")
          else if (d !== QUOTE && d !== APOSTROPHE && d !== GT) return this.control(i)
          i++
          continue
        }
        case EMPTY_TAG:
          if (c !== GT) return this.fail(i, 'not-well-formed', "a '/' in a start tag")
          i = this.openTag(data, i + 1, true)
          if (!this.running()) return i
          continue
        case TEXT: {
          while (i < end && TEXT_BYTE[data[i] as number] === 1) i++
          if (i === end) continue
          const d = data[i] as number
          if (d === LT) this.state = LESS_THAN
          else if (d === AMPERSAND) {
            this.mark = i - this.start + 1
            this.returnTo = TEXT
            this.state = REFERENCE
          } else if (d === GT) {
            if (i - this.start - this.textStart >= 2 && data[i - 1] === BRACKET && data[i - 2] === BRACKET) return this.fail(i, 'not-well-formed', "']]>' in text")
          } else if (d >= 0x80) continue
          else return this.control(i)
          i++
          continue
        }
        case REFERENCE:
          if (c === SEMICOLON) {
            const problem = this.referenceProblem(data, i)
            if (problem !== undefined) return this.fail(i, problem, problem === 'restricted-xml' ? 'a reference to an entity that is not predefined' : 'a malformed reference')
            this.state = this.returnTo
          } else if (i - this.start - this.mark >= REFERENCE_BYTES || (NAME_BYTE[c] === 0 && c !== 0x23)) return this.fail(i, 'not-well-formed', "an '&' that begins no reference")
          i++
          continue
        case CLOSE_NAME:
          while (i < end && NAME_BYTE[data[i] as number] === 1) i++
          if (i === end || (data[i] as number) >= 0x80) continue
          if (!this.closes(data, i)) return this.fail(i, 'not-well-formed', 'an end tag that closes something else')
          this.state = AFTER_CLOSE_NAME
          continue
        case AFTER_CLOSE_NAME:
          if (c === GT) {
            i = this.closeTag(data, i + 1)
            if (!this.running()) return i
          } else if (isSpace(c)) i++
          else return this.fail(i, 'not-well-formed', 'an end tag with something after its name')
          continue
        case BANG:
          if (c === 0x2D) return this.fail(i, 'restricted-xml', 'a comment')
          if (c === 0x44) return this.fail(i, 'restricted-xml', 'a document type declaration')
          if (c !== 0x5B || this.depth === 0) return this.fail(i, 'not-well-formed', "a '<!' that begins nothing known")
          this.mark = i + 1 - this.start
          this.state = CDATA_OPEN
          i++
          continue
        case CDATA_OPEN:
          if (c !== CDATA_WORD.charCodeAt(i - this.start - this.mark)) return this.fail(i, 'not-well-formed', "a '<![' that begins no CDATA section")
          i++
          if (i - this.start - this.mark === CDATA_WORD.length) {
            this.textStart = i - this.start
            this.state = CDATA
          }
          continue
        case CDATA:
          while (i < end && TEXT_BYTE[data[i] as number] === 1) i++
          if (i === end || (data[i] as number) >= 0x80) continue
          if ((data[i] as number) < 0x20) return this.control(i)
          if (data[i] === GT && i - this.start - this.textStart >= 2 && data[i - 1] === BRACKET && data[i - 2] === BRACKET) {
            this.state = TEXT
            this.textStart = i + 1 - this.start
          }
          i++
          continue
        default: // DECLARATION
          i++
          if (c === GT && data[i - 2] === 0x3F) {
            const problem = declarationProblem(decodeUtf8(data, this.start, i))
            if (problem !== undefined) return this.fail(i - 1, problem.condition, problem.detail)
            this.start = -1
            this.state = OUTSIDE
          }
      }
    }
    return i
  }

  /**
   * An attribute of ordinary bytes that lies whole before `end`, in one go: returns the position after its closing quote, or `i` when the
   * state machine must take it byte by byte. A matter of speed alone: it accepts nothing that the states do not.
   */
  private plainAttribute (data: Uint8Array, i: number, end: number): number {
    const { tag, start, limits } = this
    if (tag.attributes.length >= 4 * limits.attributes) return i
    let at = i + 1
    while (at < end && NAME_BYTE[data[at] as number] === 1) at++
    if (at + 2 >= end || data[at] !== EQUALS) return i
    const quote = data[at + 1] as number
    if (quote !== QUOTE && quote !== APOSTROPHE) return i
    const value = at + 2
    const most = value + limits.attributeBytes
    let to = value
    while (to < end && VALUE_BYTE[data[to] as number] === 1) to++
    if (to >= end || data[to] !== quote || to > most) return i
    tag.attributes.push(i - start, at - start, value - start, to - start)
    return to + 1
  }

  /** A byte of a character beyond ASCII: judged by what may stand here. False when it may not. */
  private beyondAscii (byte: number, at: number): boolean {
    const { state } = this
    if (this.utf8.need === 0) {
      if (state === LESS_THAN || state === IN_TAG) this.mark = at - this.start
      else if (state !== OPEN_NAME && state !== ATTRIBUTE_NAME && state !== CLOSE_NAME && state !== VALUE && state !== TEXT && state !== CDATA) return false
    }
    const point = this.utf8.take(byte)
    if (point < 0) return point === -1
    if (state === VALUE || state === TEXT || state === CDATA) return isXmlCharacter(point)
    if (state !== LESS_THAN && state !== IN_TAG) return isNameCharacter(point)
    if (!isNameStart(point)) return false
    return this.nameBegins()
  }

  /** A name begins at `mark`. False when the tag has too many attributes already: `fail` was called. */
  private nameBegins (): boolean {
    if (this.state === LESS_THAN) {
      this.tag.begin(this.mark)
      this.state = OPEN_NAME
    } else {
      if (this.tag.attributes.length >= 4 * this.limits.attributes) {
        this.fail(this.start + this.mark, 'policy-violation', 'too many attributes', 'attributes')
        return false
      }
      this.attributeName = this.mark
      this.state = ATTRIBUTE_NAME
    }
    return true
  }

  /** The start tag that ends before `i` opens an element; a first-level one that is empty is delivered at once. */
  private openTag (data: Uint8Array, i: number, empty: boolean): number {
    if (this.phase === 'header') return this.openRoot(data, i, empty)
    const { tag, start, depth, limits } = this
    if (depth === 0) {
      tag.reset()
      this.elements = 0
    }
    if (depth + 1 > limits.depth) return this.fail(i - 1, 'policy-violation', 'elements are nested too deeply', 'depth')
    if (++this.elements > limits.elements) return this.fail(i - 1, 'policy-violation', 'too many elements in one', 'elements')
    const problem = tag.check(data, start, depth + 1, limits)
    if (problem !== undefined) return this.failTag(i - 1, problem)
    if (depth === 0) {
      this.keys = tag.keys(data, start)
      this.first = { start: tag.nameStart, colon: tag.colon, end: tag.nameEnd, namespace: tag.namespace(data, start) }
    }
    if (!empty) {
      this.open.push(tag.nameStart, tag.nameEnd)
      this.depth = depth + 1
    } else {
      tag.leave(depth)
      if (depth === 0) return this.deliver(data, i)
    }
    this.state = TEXT
    this.textStart = i - start
    return i
  }

  private openRoot (data: Uint8Array, i: number, empty: boolean): number {
    const { tag, start } = this
    const problem = tag.check(data, start, 0, this.limits)
    if (problem !== undefined) return this.failTag(i - 1, problem)
    const nameStart = start + tag.nameStart
    const nameEnd = start + tag.nameEnd
    const namespaces = tag.declarations(data, start)
    const header = {
      bytes: data.slice(start, i),
      prefix: tag.colon === -1 ? '' : decodeUtf8(data, nameStart, start + tag.colon),
      name: decodeUtf8(data, tag.colon === -1 ? nameStart : start + tag.colon + 1, nameEnd),
      namespace: tag.namespace(data, start),
      attributes: tag.decoded(data, start),
      namespaces,
    }
    this.rootName = data.slice(nameStart, nameEnd)
    this.tag = new Tag(namespaces)
    this.start = -1
    this.state = OUTSIDE
    this.phase = 'stream'
    this.sink.header(header)
    if (empty && this.running()) this.finish()
    return i
  }

  /** Whether the end tag whose name ends before `i` closes what is open. */
  private closes (data: Uint8Array, i: number): boolean {
    const from = this.start + this.mark
    const { open, start, rootName } = this
    const length = i - from
    if (this.depth === 0) return length === rootName.length && rootName.every((byte, at) => data[from + at] === byte)
    const nameEnd = open[open.length - 1] as number
    const name = start + (open[open.length - 2] as number)
    if (length !== start + nameEnd - name) return false
    for (let at = 0; at < length; at++) if (data[from + at] !== data[name + at]) return false
    return true
  }

  private closeTag (data: Uint8Array, i: number): number {
    if (this.depth === 0) {
      this.start = -1
      this.finish()
      return i
    }
    this.open.length -= 2
    this.depth--
    this.tag.leave(this.depth)
    if (this.depth === 0) return this.deliver(data, i)
    this.state = TEXT
    this.textStart = i - this.start
    return i
  }

  private deliver (data: Uint8Array, i: number): number {
    const frame = new ProvedElement(data.subarray(this.start, i), this.first, this.keys)
    this.start = -1
    this.state = OUTSIDE
    this.counts.elements++
    this.sink.element(frame)
    return i
  }

  private finish (): void {
    this.phase = 'ended'
    this.sink.end()
  }

  private referenceProblem (data: Uint8Array, i: number): StreamCondition | undefined {
    const name = decodeUtf8(data, this.start + this.mark, i)
    const character = characterOf(name)
    if (character !== undefined) return isXmlCharacter(character.codePointAt(0) ?? 0) ? undefined : 'not-well-formed'
    return /^[A-Za-z_][\w.-]*$/.test(name) ? 'restricted-xml' : 'not-well-formed'
  }

  private itemLimit (): number {
    return this.phase === 'header' ? this.limits.headerBytes : this.limits.elementBytes
  }

  private overLimit (i: number): number {
    return this.phase === 'header'
      ? this.fail(i, 'policy-violation', 'the stream header is too long', 'header-bytes')
      : this.fail(i, 'policy-violation', 'an element is too long', 'element-bytes')
  }

  private broken (i: number): number {
    return this.running() ? this.fail(i, 'not-well-formed', 'a byte that is no UTF-8, or a character that may not stand there') : i
  }

  private control (i: number): number {
    return this.fail(i, 'not-well-formed', 'a control character')
  }

  private failTag (i: number, problem: TagProblem): number {
    return 'limit' in problem ? this.fail(i, 'policy-violation', `over the limit of ${problem.limit}`, problem.limit) : this.fail(i, 'not-well-formed', problem.rule)
  }

  private fail (i: number, condition: StreamCondition, detail: string, limit?: XmlLimit): number {
    this.phase = 'dead'
    this.start = -1
    this.sink.error({ condition, ...(limit === undefined ? {} : { limit }), detail, offset: this.base + i })
    return i
  }

  /** The chunk behind what is kept of the item, in one piece. Each byte is copied a bounded number of times: the buffer doubles. */
  private append (chunk: Uint8Array): Uint8Array {
    const length = this.pending + chunk.length
    if (length > this.own.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.own.length))
      larger.set(this.own.subarray(0, this.pending))
      this.own = larger
    }
    this.own.set(chunk, this.pending)
    return this.own
  }

  /** Keeps the unfinished item, and nothing else, for the next chunk. */
  private keep (data: Uint8Array, at: number): void {
    if (this.start < 0 || !this.running()) {
      this.pending = 0
      if (this.own.length > KEEP_BYTES || !this.running()) this.own = new Uint8Array(this.running() ? 1024 : 0)
      return
    }
    const length = at - this.start
    if (data === this.own) {
      if (this.start > 0) this.own.copyWithin(0, this.start, at)
    } else {
      if (length > this.own.length) this.own = new Uint8Array(Math.max(length, 2 * this.own.length))
      this.own.set(data.subarray(this.start, at))
    }
    this.pending = length
    this.start = 0
    this.stopAt = this.itemLimit()
  }
}

/** A view of proved bytes; what routing needs is decoded when it is read. */
class ProvedElement implements ElementFrame {
  readonly bytes: Uint8Array
  readonly namespace: string
  private readonly first: FirstName
  private readonly keys: KeyPositions

  constructor (bytes: Uint8Array, first: FirstName, keys: KeyPositions) {
    this.bytes = bytes
    this.namespace = first.namespace
    this.first = first
    this.keys = keys
  }

  get prefix (): string { return this.first.colon === -1 ? '' : decodeUtf8(this.bytes, this.first.start, this.first.colon) }
  get name (): string { return decodeUtf8(this.bytes, this.first.colon === -1 ? this.first.start : this.first.colon + 1, this.first.end) }
  get id (): string | undefined { return this.value(this.keys.id, this.keys.idEnd) }
  get from (): string | undefined { return this.value(this.keys.from, this.keys.fromEnd) }
  get to (): string | undefined { return this.value(this.keys.to, this.keys.toEnd) }
  get type (): string | undefined { return this.value(this.keys.type, this.keys.typeEnd) }
  get lang (): string | undefined { return this.value(this.keys.lang, this.keys.langEnd) }

  private value (start: number, end: number): string | undefined {
    return start === -1 ? undefined : decodeValue(this.bytes, start, end)
  }
}
