/**
 * A component's stream, read as if it were one between servers. Its content namespace is jabber:component:accept, and a stanza that does not name it has the same bytes in both
 * worlds: so the framer is shown a header with jabber:server in its place, and all that it proves of such a stanza (`canonical`) is true where it goes, too. A stanza that names
 * it, as some libraries do on each, is read as a tree, changed there, and read once more in our own spelling. Which of the two is found out with one search in every chunk.
 */
import { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, DIALBACK, SERVER, STREAMS, createFramer, childrenOf, serialise, toElement, type Element, type ElementFrame, type Framer, type FramerError, type HeaderFrame, type Limits } from '@dialtone/stream'
import { COMPONENT } from './words.ts'

export type Hearing = {
  /** As it came. What follows is read when this has returned. */
  header: (header: HeaderFrame) => void
  /** As of a stream whose header is `reader.header`: in jabber:server. */
  element: (frame: ElementFrame) => void
  end: () => void
  error: (error: FramerError) => void
}

const NAMED = Buffer.from(COMPONENT)
const ENCODER = new TextEncoder()
/** What our headers declare. */
const DECLARED: ReadonlyMap<string, string> = new Map([['', SERVER], ['stream', STREAMS], ['db', DIALBACK]])
const OWN_HEADER = ENCODER.encode(`<stream:stream xmlns='${SERVER}' xmlns:stream='${STREAMS}' xmlns:db='${DIALBACK}'>`)
/** A character is written in at most so many bytes for one. */
const SPELLED = 6

export class ComponentReader {
  hearing: Hearing
  /** The header that elements are seen under; undefined before the header came. */
  header: HeaderFrame | undefined

  private limits: Limits = BEFORE_AUTHENTICATION
  private first: Framer | undefined
  private real: HeaderFrame | undefined
  private inner: Framer | undefined
  private own: Framer | undefined
  private stopped = false
  /** A chunk that has part of the element that is being read has named the namespace. */
  private named = false
  private tail: Buffer = Buffer.alloc(0)

  constructor (hearing: Hearing) {
    this.hearing = hearing
    this.first = createFramer({ limits: this.limits }, {
      header: header => {
        this.real = header
        this.first?.stop()
      },
      element: () => undefined,
      end: () => this.hearing.end(),
      error: error => this.fail(error),
    })
  }

  raise (limits: Limits): void {
    this.limits = limits
    this.inner?.raise(limits)
    this.own = undefined
  }

  /** From inside a callback, too: nothing more is heard. */
  stop (): void {
    this.stopped = true
    this.first?.stop()
    this.inner?.stop()
  }

  write (chunk: Uint8Array): void {
    if (this.stopped) return
    let rest = chunk
    if (this.first !== undefined) {
      const consumed = this.first.write(chunk)
      const { real } = this
      if (real === undefined) return
      this.first = undefined
      this.begin(real)
      rest = chunk.subarray(consumed)
    }
    const { inner } = this
    if (this.stopped || inner === undefined || rest.length === 0) return
    const bytes = Buffer.from(rest.buffer, rest.byteOffset, rest.length)
    this.named ||= bytes.includes(NAMED) || (this.tail.length > 0 && Buffer.concat([this.tail, bytes.subarray(0, NAMED.length)]).includes(NAMED))
    inner.write(rest)
    const { pending } = inner
    // The next chunk goes on with what is held now; only what names it there makes it slow.
    if (this.named && pending <= bytes.length) this.named = bytes.subarray(bytes.length - pending).includes(NAMED)
    this.tail = pending === 0 ? EMPTY : endOf(this.tail, bytes)
  }

  private begin (real: HeaderFrame): void {
    const name = real.prefix === '' ? real.name : `${real.prefix}:${real.name}`
    const declared = [...real.namespaces].map(([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}='${escaped(uri === COMPONENT ? SERVER : uri)}'`)
    this.inner = createFramer({ limits: { ...this.limits, headerBytes: SPELLED * this.limits.headerBytes, namespaceBytes: SPELLED * this.limits.namespaceBytes } }, {
      header: header => { this.header = header },
      element: frame => { if (!this.stopped) this.element(frame) },
      end: () => { if (!this.stopped) this.hearing.end() },
      error: error => this.fail(error),
    })
    this.inner.write(ENCODER.encode(`<${name}${declared.join('')}>`))
    this.inner.raise(this.limits)
    this.hearing.header(real)
  }

  private element (frame: ElementFrame): void {
    if (!this.named || this.header === undefined) return this.hearing.element(frame)
    const element = toElement(frame, this.header)
    toServer(element)
    this.own ??= this.reader()
    this.own.write(ENCODER.encode(serialise(element, DECLARED)))
  }

  /** For elements in our own spelling. */
  private reader (): Framer {
    const { elementBytes, attributeBytes } = this.limits
    const framer = createFramer({ limits: { ...AFTER_AUTHENTICATION, ...this.limits, elementBytes: SPELLED * elementBytes, attributeBytes: SPELLED * attributeBytes, attributes: 2 * this.limits.attributes, declarations: 2 * this.limits.declarations } }, {
      header: () => undefined,
      element: frame => { if (!this.stopped) this.hearing.element(frame) },
      end: () => undefined,
      error: error => this.fail(error),
    })
    framer.write(OWN_HEADER)
    return framer
  }

  private fail (error: FramerError): void {
    if (this.stopped) return
    this.stopped = true
    this.hearing.error(error)
  }
}

const EMPTY = Buffer.alloc(0)

/** A copy of the last bytes, in which the name may have begun. */
function endOf (before: Buffer, bytes: Buffer): Buffer {
  const most = NAMED.length - 1
  return bytes.length >= most ? Buffer.from(bytes.subarray(-most)) : Buffer.concat([before, bytes]).subarray(-most)
}

/** Wherever it is named, in the element and in what it holds. Not deeper than the framer allows. */
function toServer (element: Element): void {
  for (const [name, value] of Object.entries(element.attrs)) {
    if (value === COMPONENT && (name === 'xmlns' || name.startsWith('xmlns:'))) element.attrs[name] = SERVER
  }
  for (const child of childrenOf(element)) toServer(child)
}

function escaped (text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)
}

/** A declaration as our serialiser writes it: in its spelling an apostrophe stands nowhere else, neither in text nor in a value. */
const TO_SERVER = Buffer.from(` xmlns='${SERVER}'`)
const TO_COMPONENT = Buffer.from(` xmlns='${COMPONENT}'`)

/** Stanzas in our own spelling, of jabber:server, for a component's stream: the same bytes, unless one of them names the namespace inside. */
export function forComponent (bytes: Uint8Array): Uint8Array {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let found = whole.indexOf(TO_SERVER)
  if (found === -1) return bytes
  const pieces: Uint8Array[] = []
  let from = 0
  for (; found !== -1; found = whole.indexOf(TO_SERVER, from)) {
    pieces.push(whole.subarray(from, found), TO_COMPONENT)
    from = found + TO_SERVER.length
  }
  return Buffer.concat([...pieces, whole.subarray(from)])
}
