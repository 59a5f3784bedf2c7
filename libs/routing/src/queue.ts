/**
 * Stanzas that wait for one pair, first in first out (RFC 6120 §10.1), as bytes in shared chunks: ten thousand of them are a few dozen objects. What
 * it counts and when it is due is read without walking it. It has no bounds of its own but memory: `PairLimits` are asked by whoever adds.
 */
import { STANZA_CLASSES, type StanzaClass } from './decision.ts'

/** What is known of a stanza that waits. Times in milliseconds of the monotonic clock. */
export type Waiting = {
  class: StanzaClass
  /** When it was accepted, and when it has waited long enough. */
  at: number
  due: number
  /** Not accepted from anybody, but made here: a bounce, an answer. No conservation counts it. */
  own: boolean
  /** It was written once and not acknowledged (XEP-0198): it is not written a third time. */
  retried: boolean
  /** It has no language of its own, and means that of the route. */
  inherits: boolean
  /** For whoever keeps it; 0 … 2^32 - 1. */
  tag: number
}
/** A stanza in the queue: data[start … end), valid until the queue is changed. One object for all; copy what is to be kept. */
export type Entry = Waiting & { data: Uint8Array, start: number, end: number }

type Chunk = { bytes: Uint8Array, view: DataView, read: number, written: number }

/** Length, class, flags, tag, accepted, due. */
const HEAD = 4 + 1 + 1 + 2 + 4 + 8 + 8
const CLASS_AT = 4, FLAGS_AT = 5, TAG_AT = 8, ACCEPTED_AT = 12, DUE_AT = 20
const OWN = 1, RETRIED = 2, INHERITS = 4, GONE = 8
/** The first chunk is small, for most queues hold one stanza or two; each is twice the last, up to the largest. */
const SMALLEST = 1024
const LARGEST = 65_536

export class Queue {
  private chunks: Chunk[] = []
  private stanzaCount = 0
  private ownCount = 0
  private byteCount = 0
  /** Bytes of stanzas that were taken out of the middle. */
  private gone = 0
  /** No stanza is due before. */
  private earliest = Infinity
  private readonly entry: Entry = { class: 'message', at: 0, due: 0, own: false, retried: false, inherits: false, tag: 0, data: new Uint8Array(0), start: 0, end: 0 }

  /** All that wait. */
  get stanzas (): number { return this.stanzaCount }
  /** Those of them that were made here. */
  get own (): number { return this.ownCount }
  get bytes (): number { return this.byteCount }
  /** Of memory, taken by chunks. */
  get capacity (): number { return this.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0) }
  /** No stanza has waited long enough before this moment; Infinity when none waits. */
  get due (): number { return this.earliest }
  get oldest (): number | undefined { return this.first()?.at }

  /** At the end. The bytes are copied. */
  push (data: Uint8Array, start: number, end: number, waiting: Waiting): void {
    const length = end - start
    const chunk = this.room(HEAD + length)
    put(chunk, data, start, end, waiting)
    this.counted(length, waiting)
  }

  /** Before all others, in the order of `earlier`, which is empty afterwards. For those that were written and not acknowledged. */
  putBack (earlier: Queue): void {
    this.chunks = [...earlier.chunks, ...this.chunks]
    this.stanzaCount += earlier.stanzaCount
    this.ownCount += earlier.ownCount
    this.byteCount += earlier.byteCount
    this.gone += earlier.gone
    this.earliest = Math.min(this.earliest, earlier.earliest)
    earlier.clear()
  }

  /** The one that has waited longest, or undefined. */
  first (): Entry | undefined {
    for (let chunk = this.chunks[0]; chunk !== undefined; chunk = this.chunks[0]) {
      while (chunk.read < chunk.written) {
        const entry = this.at(chunk, chunk.read)
        if (entry !== undefined) return entry
        const length = chunk.view.getUint32(chunk.read)
        this.gone -= length
        chunk.read += HEAD + length
      }
      this.chunks.shift()
    }
    return undefined
  }

  /** Takes out the one that `first` gives. */
  shift (): void {
    const entry = this.first()
    const chunk = this.chunks[0]
    if (entry === undefined || chunk === undefined) return
    this.left(entry)
    chunk.read = entry.end
    if (chunk.read < chunk.written) return
    this.chunks.shift()
  }

  /** Takes out those that are due at `now`, at most so many, wherever they stand, and shows each. Returns how many. */
  expire (now: number, most: number, each: (entry: Entry) => void): number {
    return this.earliest > now ? 0 : this.take(most, entry => entry.due <= now, each)
  }

  /** Takes out those that `wanted` names, in order, at most so many, and shows each. Returns how many. */
  take (most: number, wanted: (entry: Entry) => boolean, each: (entry: Entry) => void): number {
    let taken = 0
    let earliest = Infinity
    // Whoever is shown one may add others to this queue; they are not looked at.
    const chunks = [...this.chunks]
    const ends = chunks.map(chunk => chunk.written)
    for (const [number, chunk] of chunks.entries()) {
      for (let at = chunk.read; at < (ends[number] as number);) {
        const entry = this.at(chunk, at)
        const length = chunk.view.getUint32(at)
        if (entry !== undefined) {
          if (taken < most && wanted(entry)) {
            taken++
            chunk.view.setUint8(at + FLAGS_AT, chunk.view.getUint8(at + FLAGS_AT) | GONE)
            this.left(entry)
            this.gone += length
            each(entry)
          } else earliest = Math.min(earliest, entry.due)
        }
        at += HEAD + length
      }
    }
    this.earliest = Math.min(earliest, this.addedSince(chunks, ends))
    this.compact()
    return taken
  }

  clear (): void {
    this.chunks = []
    this.stanzaCount = this.ownCount = this.byteCount = this.gone = 0
    this.earliest = Infinity
  }

  private addedSince (chunks: readonly Chunk[], ends: readonly number[]): number {
    let earliest = Infinity
    for (const chunk of this.chunks) {
      const number = chunks.indexOf(chunk)
      for (let at = number === -1 ? chunk.read : Math.max(chunk.read, ends[number] as number); at < chunk.written; at += HEAD + chunk.view.getUint32(at)) {
        earliest = Math.min(earliest, this.at(chunk, at)?.due ?? Infinity)
      }
    }
    return earliest
  }

  /** What was taken out of the middle must not stay for as long as the first one waits. */
  private compact (): void {
    if (this.stanzaCount === 0) return this.clear()
    if (this.gone <= this.byteCount + LARGEST) return
    const old = this.chunks
    this.chunks = []
    this.gone = 0
    for (const chunk of old) {
      for (let at = chunk.read; at < chunk.written; at += HEAD + chunk.view.getUint32(at)) {
        const entry = this.at(chunk, at)
        if (entry !== undefined) put(this.room(HEAD + entry.end - entry.start), entry.data, entry.start, entry.end, entry)
      }
    }
  }

  private room (bytes: number): Chunk {
    const last = this.chunks.at(-1)
    if (last !== undefined && last.bytes.length - last.written >= bytes) return last
    const size = Math.max(bytes, last === undefined ? SMALLEST : Math.min(LARGEST, 2 * last.bytes.length))
    const made = new Uint8Array(size)
    const chunk: Chunk = { bytes: made, view: new DataView(made.buffer), read: 0, written: 0 }
    this.chunks.push(chunk)
    return chunk
  }

  private counted (length: number, { due, own }: Waiting): void {
    this.stanzaCount++
    if (own) this.ownCount++
    this.byteCount += length
    if (due < this.earliest) this.earliest = due
  }

  private left ({ own, start, end }: Entry): void {
    this.stanzaCount--
    if (own) this.ownCount--
    this.byteCount -= end - start
    if (this.stanzaCount === 0) this.earliest = Infinity
  }

  /** Undefined where one was taken out. */
  private at ({ bytes, view }: Chunk, at: number): Entry | undefined {
    const flags = view.getUint8(at + FLAGS_AT)
    if ((flags & GONE) !== 0) return undefined
    const { entry } = this
    entry.class = STANZA_CLASSES[view.getUint8(at + CLASS_AT)] as StanzaClass
    entry.own = (flags & OWN) !== 0
    entry.retried = (flags & RETRIED) !== 0
    entry.inherits = (flags & INHERITS) !== 0
    entry.tag = view.getUint32(at + TAG_AT)
    entry.at = view.getFloat64(at + ACCEPTED_AT)
    entry.due = view.getFloat64(at + DUE_AT)
    entry.data = bytes
    entry.start = at + HEAD
    entry.end = at + HEAD + view.getUint32(at)
    return entry
  }
}

function put (chunk: Chunk, data: Uint8Array, start: number, end: number, waiting: Waiting): void {
  const { view, bytes, written } = chunk
  view.setUint32(written, end - start)
  view.setUint8(written + CLASS_AT, STANZA_CLASSES.indexOf(waiting.class))
  view.setUint8(written + FLAGS_AT, (waiting.own ? OWN : 0) | (waiting.retried ? RETRIED : 0) | (waiting.inherits ? INHERITS : 0))
  view.setUint32(written + TAG_AT, waiting.tag)
  view.setFloat64(written + ACCEPTED_AT, waiting.at)
  view.setFloat64(written + DUE_AT, waiting.due)
  bytes.set(start === 0 && end === data.length ? data : data.subarray(start, end), written + HEAD)
  chunk.written = written + HEAD + end - start
}
