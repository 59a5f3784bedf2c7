/**
 * The framer: the only reader of XML that comes from the network. Bytes in; a stream header, complete first-level elements and the end of
 * the stream out, or one error and then nothing more. It accepts what RFC 6120 §11 leaves of XML 1.0 with namespaces and nothing else:
 * UTF-8, no comment, processing instruction, document type or entity, every limit counted on raw bytes as they arrive.
 *
 * Reading bytes is the lexer's part; here are the phases of a stream, what a tag means, and the buffer. The result is the same for every
 * way to cut the bytes, and the time is linear in them. Between chunks the item that is being read is kept, and nothing else. Whether a
 * header or an element makes sense is not asked here: `readHeader` and `readEvent` do.
 */
import { decodeUtf8 } from './decode.ts'
import type { FramerSink } from './frame.ts'
import { HeldBytes } from './held-bytes.ts'
import { Lexer, type Listener } from './lexer.ts'
import type { Limits } from './limits.ts'
import { Runs } from './runs.ts'
import { ProvedElement } from './proved-element.ts'
import { Scope } from './scope.ts'
import { attributesOf, namespaceOf, tagProblem, type Problem } from './tag-rules.ts'
import { NO_COLON, Tag } from './tag.ts'
import { WholeReader } from './whole-reader.ts'

export type Framer = {
  /**
   * Reads on. Returns how many bytes of the chunk were consumed: all of them, or those up to `stop`, the end of the stream, or the error.
   * The chunk is not kept. Not to be called from inside a callback.
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

/** How much of a chunk is copied at a time behind an item that began in an earlier one. */
const STEP = 1024
/** Chunks up to this are copied before they are read: that costs less than a view. */
const SMALL = 512
/** What is left of the data below this seldom holds a whole element, and looking would cost more than it saves. */
const SHORT = 128

class ByteFramer implements Framer, Listener {
  phase: Framer['phase'] = 'header'
  readonly counts = { bytes: 0, elements: 0 }

  private limits: Limits
  private readonly sink: FramerSink
  private readonly lexer: Lexer
  private readonly held = new HeldBytes()
  private readonly runs = new Runs()
  private readonly frame = new ProvedElement(new Tag(this.runs), () => this.isOwn())
  private scope = new Scope(new Map())
  private reader = new WholeReader(this.scope, this.runs)
  /** Elements in the first-level element, and its namespace. */
  private elements = 0
  private namespace = ''
  private writing = false

  constructor (limits: Limits, sink: FramerSink) {
    this.limits = limits
    this.sink = sink
    this.lexer = new Lexer(limits, this, this.runs)
  }

  get pending (): number { return this.held.length }

  raise (limits: Limits): void {
    this.limits = limits
    this.lexer.raise(limits)
  }

  stop (): void {
    if (this.lexer.halted) return
    this.lexer.halted = true
    this.phase = 'stopped'
  }

  write (chunk: Uint8Array): number {
    // It stays true if a callback throws: what was delivered by then nobody knows, so nothing more is read.
    if (this.writing) throw new TypeError('a framer was written to from inside its callback, or after its callback threw')
    if (this.lexer.halted) return 0
    this.writing = true
    const { lexer, held } = this
    let at = 0
    if (held.length > 0 || chunk.length <= SMALL) at = this.goOn(chunk)
    if (held.length === 0 && (at < chunk.length || lexer.start >= 0)) {
      const data = plain(chunk)
      at = this.scan(data, at, data.length)
      if (lexer.start >= 0) this.hold(data, data.length)
    }
    if (lexer.halted) held.release()
    this.runs.forget(held.data)
    this.writing = false
    const { error } = lexer
    if (error !== undefined && this.phase !== 'dead') this.die(error)
    return at
  }

  /** Reads on behind what is held; returns how much of the chunk that took. What begins in a large chunk after the item is left where it lies. */
  private goOn (chunk: Uint8Array): number {
    const { lexer, held } = this
    for (let at = 0; at < chunk.length;) {
      const before = held.length
      const to = Math.min(chunk.length, at + STEP)
      held.append(chunk, at, to)
      const offset = at - before
      // What a large chunk has behind the item is read where it lies.
      at = this.scan(held.data, before, held.length, chunk.length > SMALL) + offset
      if (lexer.halted) return at
      if (lexer.start === 0) continue
      if (lexer.start > 0) this.hold(held.data, held.length)
      else held.clear()
      return at
    }
    return chunk.length
  }

  /** Holds the item that is being read, which begins in the data and goes on at its end. */
  private hold (data: Uint8Array, end: number): void {
    this.held.replace(data, this.lexer.start, end)
    this.lexer.moveTo(0)
  }

  private scan (data: Uint8Array, from: number, to: number, one = false): number {
    this.runs.look(data, data === this.held.data)
    const stopped = this.lexer.scan(data, from, to, this.counts.bytes - from, one)
    this.counts.bytes += stopped - from
    return stopped
  }

  private die ({ condition, limit, detail }: NonNullable<Lexer['error']>): void {
    this.phase = 'dead'
    this.sink.error({ condition, ...(limit === undefined ? {} : { limit }), detail, offset: this.counts.bytes })
  }

  root (data: Uint8Array, end: number): Problem | undefined {
    const { lexer, scope } = this
    const { tag, start } = lexer
    const problem = tagProblem(tag, scope, data, start, 0, this.limits)
    if (problem !== undefined) return problem
    const namespaces = scope.all(data, start)
    const header = {
      bytes: data.slice(start, end),
      prefix: tag.colon === NO_COLON ? '' : decodeUtf8(data, start + tag.nameStart, start + tag.colon),
      name: decodeUtf8(data, start + (tag.colon === NO_COLON ? tag.nameStart : tag.colon + 1), start + tag.nameEnd),
      namespace: namespaceOf(tag, scope, data, start),
      attributes: attributesOf(tag, scope, data, start),
      namespaces,
    }
    this.scope = new Scope(namespaces)
    this.reader = new WholeReader(new Scope(namespaces), this.runs)
    this.phase = 'stream'
    this.sink.header(header)
    return undefined
  }

  opened (data: Uint8Array, end: number, empty: boolean): Problem | undefined {
    const { lexer, scope, limits } = this
    const { depth, tag, start } = lexer
    if (depth === 0) {
      scope.reset()
      this.elements = 0
    }
    if (depth >= limits.depth) return { limit: 'depth', detail: 'elements are nested too deeply' }
    if (++this.elements > limits.elements) return { limit: 'elements', detail: 'too many elements in one' }
    const problem = tagProblem(tag, scope, data, start, depth + 1, limits)
    if (problem !== undefined) return problem
    if (depth === 0) this.namespace = namespaceOf(tag, scope, data, start)
    if (empty) this.closed(data, end)
    return undefined
  }

  closed (data: Uint8Array, end: number): void {
    const { lexer, scope } = this
    if (scope.declared > 0) scope.leave(lexer.depth)
    if (lexer.depth > 0) return
    // It was cut, or has what is seldom: whether it is in our own spelling is found out when somebody asks.
    this.deliver(data, lexer.start, end, lexer.first, this.namespace, undefined)
  }

  whole (data: Uint8Array, at: number, n: number): number {
    if (n - at < SHORT) return 0
    const { reader } = this
    const end = reader.read(data, at, n, this.limits)
    if (end > 0) this.deliver(data, at, end, reader.first, reader.namespace, reader.own)
    return end
  }

  /** Whether the element that is shown, which the lexer has read, is in our own spelling: only what the whole reader takes is known to be. */
  private isOwn (): boolean {
    const { data, start, end } = this.frame
    return this.reader.read(data, start, end, this.limits) === end && this.reader.own
  }

  private deliver (data: Uint8Array, start: number, end: number, tag: Tag, namespace: string, own: boolean | undefined): void {
    const { frame } = this
    this.counts.elements++
    frame.show(data, start, end, tag, namespace, own, data !== this.held.data)
    this.sink.element(frame)
    frame.expire()
  }

  ended (): void {
    this.phase = 'ended'
    this.sink.end()
  }
}

/** The lexer is fast on one class of bytes only: a subclass (Node reads into Buffers) is looked at through a plain view. */
function plain (chunk: Uint8Array): Uint8Array {
  return chunk.constructor === Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
}
