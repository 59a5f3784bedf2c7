/**
 * One connection that we opened, as a stream: bytes become elements and events, at once and in order, and what is said goes out. Whoever hears may change in the
 * middle of a chunk: who negotiates hands over to who carries, and no stanza between the two is lost.
 */
import type { Failure } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Connection, Flow, Secured, SecureOptions } from '@dialtone/net'
import { BEFORE_AUTHENTICATION, createFramer, readEvent, readHeader, type ElementFrame, type Event, type Framer, type HeaderFrame, type Limits } from '@dialtone/stream'
import type { Trace, Traced } from '../trace/trace.ts'

export type Hearing = {
  /** A first-level element, before it is read as an event; true when it was dealt with. */
  element?: (frame: ElementFrame) => boolean
  event: (event: Event) => void
  /** A whole chunk was read. */
  settled?: () => void
  drained?: () => void
}

export class Wire {
  readonly connection: Connection
  hearing: Hearing
  /** Of the peer, the last that came. */
  header: HeaderFrame | undefined
  /** Bytes in clear that came before the handshake and belong to nothing. */
  stray = 0

  private framer: Framer | undefined
  private limits: Limits = BEFORE_AUTHENTICATION
  private readonly of: Traced | undefined
  private readonly trace: Trace | undefined
  /** After the end nothing is heard. */
  private over = false
  private securing: SecureOptions | undefined
  private handshaking = false
  private endedInHandshake: { failure?: Failure } | undefined
  private secured: ((secured: Secured) => Event) | undefined

  private readonly fault: (error: unknown) => Failure

  /** `fault` counts and logs a mistake of ours, and says it as what ends the stream. `traced`: whose stream it is, and who may want to know what is said on it. */
  constructor (connection: Connection, hearing: Hearing, fault: (error: unknown) => Failure, traced?: { of: Traced, trace: Trace | undefined }) {
    this.of = traced?.of
    this.trace = traced?.trace
    this.connection = connection
    this.hearing = hearing
    this.fault = fault
  }

  /** From now on bytes are taken. */
  begin (): void {
    const flow: Flow = { bytes: chunk => this.safely(() => this.bytes(chunk)), ended: failure => this.safely(() => this.ended(failure)), drained: () => this.safely(() => this.drained()) }
    this.connection.flow(flow)
  }

  /** The stream begins again: whatever the old reader holds is none of the new one. */
  restart (): void {
    this.framer?.stop()
    this.framer = undefined
    this.header = undefined
  }

  raise (limits: Limits): void {
    this.limits = limits
    this.framer?.raise(limits)
  }

  say (text: string): void {
    if (this.trace?.on === true && this.of !== undefined) this.trace.said(this.of, text)
    this.connection.write(text)
  }

  /** A stanza that leaves with others. */
  wrote (data: Uint8Array, start: number, end: number): void {
    if (this.trace?.on === true && this.of !== undefined) this.trace.wrote(this.of, data, start, end)
  }

  get traced (): boolean { return this.trace?.on === true }

  /** TLS, as soon as the chunk that is being read is done with. `secured` says what the handshake is as an event. */
  secure (options: SecureOptions, secured: (secured: Secured) => Event): void {
    this.restart()
    this.securing = options
    this.secured = secured
    if (!this.reading) this.upgrade().catch((error: unknown) => this.broke(error))
  }

  /** Nothing more is heard. */
  close (): void {
    this.over = true
    this.framer?.stop()
    this.framer = undefined
  }

  private reading = false

  private safely (act: () => void): void {
    try { act() } catch (error) { this.broke(error) }
  }

  /** It ends as after any failure; and if even that fails, without a word. */
  private broke (error: unknown): void {
    this.reading = this.handshaking = false
    try {
      this.tell({ on: 'stopped', failure: this.fault(error) })
    } catch (again) {
      this.fault(again)
      this.close()
      this.connection.destroy()
    }
  }

  private bytes (chunk: Uint8Array): void {
    if (this.over) return
    this.framer ??= this.reader()
    const { framer } = this
    this.reading = true
    const consumed = framer.write(chunk)
    this.reading = false
    if (this.securing !== undefined) {
      this.stray += chunk.length - consumed
      this.upgrade().catch((error: unknown) => this.broke(error))
    }
    this.hearing.settled?.()
  }

  private ended (failure?: Failure): void {
    if (this.handshaking) this.endedInHandshake = failure === undefined ? {} : { failure }
    else this.tell({ on: 'stopped', failure: failure ?? { at: 'stream', why: 'closed', received: this.connection.received } })
  }

  private drained (): void {
    if (!this.over) this.hearing.drained?.()
  }

  private tell (event: Event): void {
    if (!this.over) this.hearing.event(event)
  }

  private async upgrade (): Promise<void> {
    const { securing, secured } = this
    this.securing = this.secured = undefined
    if (securing === undefined || secured === undefined || this.over) return
    this.handshaking = true
    const result = await this.connection.secure(securing)
    this.handshaking = false
    this.stray += result.stray
    if ('failure' in result) return this.tell({ on: 'stopped', failure: result.failure })
    if (!this.over) this.tell(secured(result.secured))
    if (this.endedInHandshake !== undefined) this.ended(this.endedInHandshake.failure)
  }

  private reader (): Framer {
    let headed = false
    const framer: Framer = createFramer({ limits: this.limits }, {
      header: frame => {
        headed = true
        this.header = frame
        if (this.trace?.on === true && this.of !== undefined) this.trace.header(this.of, frame)
        const read = readHeader(frame)
        if ('header' in read) return this.tell({ on: 'header', header: read.header })
        framer.stop()
        this.tell({ on: 'stopped', failure: read.refused === 'bad-format'
          ? { at: 'stream', why: 'not-xmpp', received: this.connection.received, detail: `the root is <${quoted(frame.name, 60)}>` }
          : { at: 'stream', why: 'broke-protocol', condition: read.refused, detail: `the header is in the namespace ${quoted(frame.namespace, 160)}` } })
      },
      element: frame => {
        if (this.trace?.on === true && this.of !== undefined && this.header !== undefined) this.trace.element(this.of, frame, this.header)
        if (this.over || this.hearing.element?.(frame) === true) return
        const event = readEvent(frame, this.header as HeaderFrame)
        // What follows in clear is no XML of ours (RFC 6120 §5.4.3.3).
        if (event.on === 'proceed') framer.stop()
        this.tell(event)
      },
      end: () => this.tell({ on: 'footer', received: this.connection.received }),
      error: ({ condition, limit, detail, offset }) => {
        const said = `${detail} (byte ${offset})`
        this.tell({ on: 'stopped', failure: !headed && condition === 'not-well-formed'
          ? { at: 'stream', why: 'not-xmpp', received: this.connection.received, detail: said }
          : { at: 'stream', why: 'broke-protocol', condition, ...(limit === undefined ? {} : { limit }), detail: said } })
      },
    })
    return framer
  }
}
