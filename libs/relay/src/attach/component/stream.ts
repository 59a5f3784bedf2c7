/**
 * The stream of a component, once both sides have proved that they know the secret: a source of stanzas and a way for stanzas, in one (gateways.md §6.4). Where a component
 * came to us it is the server of one domain of ours; where we are the component, we are the server of one foreign domain, and the other side is an inside server.
 */
import type { Failure, StreamCondition, StreamView } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Connection } from '@dialtone/net'
import { AFTER_AUTHENTICATION, FOOTER, SERVER, STREAMS, domainOf, streamErrorText, toElement, type ElementFrame } from '@dialtone/stream'
import type { Intake, Lane, OutStream, Source, Surroundings, World } from '../../seams.ts'
import { Batch } from '../../outbound/batch.ts'
import { reportFault } from '../../faults.ts'
import { partedOf } from '../../parted.ts'
import { componentEnded, componentPaused, componentRefused, componentStreams } from './metrics.ts'
import { notServedText } from './not-served.ts'
import { forComponent, type ComponentReader } from './reader.ts'

export type Mode = 'accept' | 'connect'
export type StreamLimits = { lanes: number, closeMs: number, stuckMs: number, keepAliveMs: number }
export const STREAM_LIMITS: StreamLimits = { lanes: 2000, closeMs: 5000, stuckMs: 120_000, keepAliveMs: 60_000 }

export type ComponentStreamOptions = {
  id: string
  zone: string
  mode: Mode
  /** Of ours in mode `accept`, a foreign one in mode `connect`. */
  domain: string
  remote: string
  /** `xml:lang` of the other side's header. */
  lang: string | undefined
  connection: Connection
  reader: ComponentReader
  surroundings: Surroundings
  intake: Intake
  limits: StreamLimits
  stanzaBytes: number
}
/** Of answers about stanzas that are not carried here. */
const MOST_ANSWERS_BYTES = 65_536
type How = 'clean' | 'broken' | 'stuck' | 'replaced' | 'protocol'

export class ComponentStream implements OutStream {
  readonly id: string
  readonly zone: string
  readonly mode: Mode
  readonly domain: string
  /** One side is the domain; the other, which may be any, is ''. */
  readonly pair: { from: string, to: string }
  readonly by = 'component'
  /** Our header has none. */
  readonly lang = undefined
  readonly maxBytes = undefined
  readonly acknowledged = undefined
  acked: (() => void) | undefined
  drained: (() => void) | undefined
  ending: (() => void) | undefined
  readonly ended: Promise<{ clean: boolean, because?: Failure }>

  private readonly options: ComponentStreamOptions
  private readonly connection: Connection
  private readonly source: Source
  private readonly batch = new Batch()
  private readonly lanes = new Map<string, Lane>()
  private lane: Lane | undefined
  /** The world that the lanes are right in. */
  private proved: World
  private readonly since: number
  private readonly counts = { in: 0, out: 0, bytesIn: 0, bytesOut: 0 }
  private state: 'established' | 'closing' | 'closed' = 'established'
  private heardFooter = false
  /** How it ends, and what the other side said about it. */
  private why: How = 'clean'
  private error: Failure | undefined
  private pauses = 0
  private lastSaid: number
  private stuckSince: number
  private unsentBefore = 0
  /** It is not read, because it has not taken its answers. */
  private answering = false
  private closing: NodeJS.Timeout | undefined
  private settle: (how: { clean: boolean, because?: Failure }) => void = () => undefined

  constructor (options: ComponentStreamOptions) {
    const { id, zone, mode, domain, lang, connection, reader, surroundings: { clock, meter }, stanzaBytes } = options
    const { header } = reader
    if (header === undefined) throw new TypeError('a stream that began without a header')
    this.options = options
    this.id = id
    this.zone = zone
    this.mode = mode
    this.domain = domain
    this.pair = mode === 'accept' ? { from: '', to: domain } : { from: domain, to: '' }
    this.proved = options.surroundings.world()
    this.since = clock.now()
    this.lastSaid = this.stuckSince = clock.elapsed()
    this.ended = new Promise(resolve => { this.settle = resolve })
    meter.add(componentStreams, { zone, mode })
    reader.raise({ ...AFTER_AUTHENTICATION, elementBytes: stanzaBytes })
    reader.hearing = {
      header: () => undefined,
      element: frame => this.element(frame),
      end: () => this.footer(),
      error: ({ condition, detail }) => this.broke(condition, detail),
    }
    this.connection = connection
    this.source = {
      id, zone, lang, header,
      pause: () => {
        this.pauses++
        connection.pause()
      },
      resume: () => {
        this.pauses--
        connection.resume()
      },
      close: (condition, text) => this.close(condition, text),
    }
  }

  get open (): boolean { return this.state === 'established' }
  get unsent (): number { return this.connection.unsent + this.batch.length }

  /** Whether stanzas of the pair leave here. */
  takes ({ from, to }: { from: string, to: string }): boolean {
    return this.open && (this.mode === 'accept' ? to === this.domain : from === this.domain && this.isInside(to))
  }

  write (data: Uint8Array, start: number, end: number, lasting: boolean): void {
    if (this.state !== 'established') return
    this.batch.add(data, start, end, lasting)
    this.counts.out++
    this.counts.bytesOut += end - start
  }

  flush (): void {
    if (this.batch.length === 0 || this.state === 'closed') return
    this.lastSaid = this.options.surroundings.clock.elapsed()
    this.batch.send(this.connection, false, forComponent)
  }

  /** The other side has taken what there was. */
  taken (): void {
    if (this.answering && this.unsent <= MOST_ANSWERS_BYTES) {
      this.answering = false
      this.source.resume()
    }
    this.drained?.()
  }

  abort (): void {
    this.finish('broken', { at: 'probe', why: 'cancelled' })
    this.connection.destroy()
  }

  close (condition?: StreamCondition, text?: string): void {
    if (this.state !== 'established') return
    this.flush()
    this.state = 'closing'
    this.ending?.()
    this.connection.write((condition === undefined ? '' : streamErrorText(condition, text)) + FOOTER)
    const how: How = condition === undefined ? 'clean' : condition === 'conflict' ? 'replaced' : 'protocol'
    const because: Failure = { at: 'stream', why: 'went-silent', received: this.connection.received, detail: 'did not end its side of the stream' }
    this.why = how
    this.closing = setTimeout(() => {
      try { this.finish(how === 'clean' ? 'broken' : how, because) } catch (error) { this.fault(error) }
    }, this.options.limits.closeMs)
  }

  /** The connection is over. */
  lost (failure: Failure | undefined): void {
    if (this.state === 'closed') return
    if (this.state === 'closing' && failure === undefined && this.heardFooter) return this.finish(this.why)
    this.finish(this.state === 'closing' ? this.why === 'clean' ? 'broken' : this.why : 'broken', failure ?? { at: 'stream', why: 'closed', received: this.connection.received })
  }

  /** Looked at every few seconds: a side that takes nothing is given up, and white space keeps the stream alive. */
  tick (): void {
    const { limits, surroundings: { clock } } = this.options
    if (this.state === 'closed') return
    const now = clock.elapsed()
    const { unsent } = this.connection
    if (unsent === 0 || unsent < this.unsentBefore) this.stuckSince = now
    this.unsentBefore = unsent
    if (now - this.stuckSince > limits.stuckMs) return this.finish('stuck', { at: 'stream', why: 'went-silent', received: this.connection.received, detail: 'took nothing for too long' })
    if (this.state !== 'established' || unsent > 0 || now - this.lastSaid < limits.keepAliveMs) return
    this.lastSaid = now
    this.connection.write(' ')
  }

  /** A mistake of ours: it ends, and nothing else does. */
  fault (error: unknown): void {
    const because = reportFault(this.options.surroundings, 'component', error)
    try {
      if (this.state === 'established') this.connection.write(streamErrorText('internal-server-error') + FOOTER)
      this.finish('broken', because)
    } catch (again) {
      reportFault(this.options.surroundings, 'component', again)
      this.connection.destroy()
      this.settle({ clean: false, because })
    }
  }

  /** After a new configuration: what is not inside any more may not speak here. */
  private reprove (world: World): void {
    this.proved = world
    for (const [key, lane] of this.lanes) {
      const [from = '', to = ''] = key.split(' ')
      if (this.proves(from, to)) continue
      this.lanes.delete(key)
      if (this.lane === lane) this.lane = undefined
      lane.end()
    }
  }

  view (): StreamView {
    const { id, zone, mode, counts, options: { remote } } = this
    return {
      id, zone, direction: mode === 'accept' ? 'inbound' : 'outbound', state: this.state, remote, since: new Date(this.since).toISOString(), bidi: true, paused: this.pauses > 0,
      pairs: [...this.lanes.keys()].slice(0, 64).map(key => ({ from: key.split(' ')[0] ?? '', to: key.split(' ')[1] ?? '', by: 'component' as const })),
      stanzas: { in: counts.in, out: counts.out }, bytes: { in: counts.bytesIn, out: counts.bytesOut },
    }
  }

  private element (frame: ElementFrame): void {
    if (this.state === 'closed') return
    if (frame.kind !== undefined) return this.stanza(frame)
    if (frame.namespace === STREAMS && frame.name === 'error') {
      const condition = toElement(frame, this.source.header).children.flatMap(child => typeof child === 'object' ? [child.getName()] : [])[0] ?? 'undefined-condition'
      this.error = { at: 'stream', why: 'stream-error', condition: quoted(condition, 60) }
      return
    }
    // Some say the handshake again; it changes nothing.
    if (frame.namespace === SERVER && frame.name === 'handshake') return
    this.refused('not-a-stanza')
    this.close('unsupported-stanza-type', 'what components send are messages, presence and iqs')
  }

  private stanza (frame: ElementFrame): void {
    const world = this.options.surroundings.world()
    if (world !== this.proved) this.reprove(world)
    // What comes while we say goodbye is still taken: its sender could not know.
    let { lane } = this
    if (lane === undefined || !frame.pairIs(lane.from, lane.to)) {
      lane = this.laneOf(frame)
      if (lane === undefined) return
      this.lane = lane
    }
    this.counts.in++
    this.counts.bytesIn += frame.end - frame.start
    lane.accept(frame)
  }

  private laneOf (frame: ElementFrame): Lane | undefined {
    const [from, to] = [domainOf(frame.from ?? ''), domainOf(frame.to ?? '')]
    if (this.mode === 'accept' && from !== this.domain) {
      this.refused('invalid-from')
      this.close('invalid-from', `this stream may speak for ${this.domain} alone`)
      return undefined
    }
    if (from === undefined || to === undefined) {
      this.refused('improper-addressing')
      this.close('improper-addressing', 'a stanza needs the addresses from and to')
      return undefined
    }
    if (!this.proves(from, to)) {
      // An inside server may have domains that are none of ours; one user of those does not end the stream of all.
      this.refused('not-ours')
      const answer = notServedText(frame, this.domain)
      if (answer !== undefined) this.answer(answer)
      return undefined
    }
    const key = `${from} ${to}`
    const known = this.lanes.get(key)
    if (known !== undefined) return known
    for (const [oldest, lane] of this.lanes) {
      if (this.lanes.size < this.options.limits.lanes) break
      this.lanes.delete(oldest)
      lane.end()
    }
    const lane = this.options.intake.lane(this.source, { from, to })
    this.lanes.set(key, lane)
    return lane
  }

  /** Behind what was collected. A side that asks and does not listen is not read until it has taken its answers. */
  private answer (text: string): void {
    if (this.state !== 'established') return
    const bytes = new TextEncoder().encode(text)
    this.batch.add(bytes, 0, bytes.length, true)
    this.flush()
    if (this.answering || this.unsent <= MOST_ANSWERS_BYTES) return
    this.answering = true
    this.options.surroundings.meter.add(componentPaused, { zone: this.zone, mode: this.mode })
    this.source.pause()
  }

  private proves (from: string, to: string): boolean {
    return this.mode === 'accept' ? from === this.domain : to === this.domain && this.isInside(from)
  }

  private isInside (domain: string): boolean {
    return this.options.surroundings.world().zoneOf(domain)?.name === this.zone
  }

  private refused (why: 'invalid-from' | 'improper-addressing' | 'not-ours' | 'not-a-stanza'): void {
    this.options.surroundings.meter.add(componentRefused, { zone: this.zone, mode: this.mode, why })
  }

  private footer (): void {
    this.heardFooter = true
    if (this.state === 'closing') return this.finish(this.why, this.error)
    if (this.state === 'closed') return
    this.flush()
    this.state = 'closing'
    this.ending?.()
    this.connection.write(FOOTER)
    this.finish(this.error === undefined ? 'clean' : 'protocol', this.error)
  }

  private broke (condition: StreamCondition, detail: string): void {
    const failure: Failure = { at: 'stream', why: 'broke-protocol', condition, detail: quoted(detail, 200) }
    if (this.state === 'established') {
      this.flush()
      this.connection.write(streamErrorText(condition) + FOOTER)
    }
    this.finish('protocol', failure)
  }

  private finish (how: How, because?: Failure): void {
    const { reader, surroundings: { meter, logger }, limits } = this.options
    if (this.state === 'closed') return
    const clean = this.heardFooter && because === undefined
    this.state = 'closed'
    this.ending?.()
    clearTimeout(this.closing)
    reader.stop()
    meter.add(componentStreams, { zone: this.zone, mode: this.mode }, -1)
    meter.add(componentEnded, { zone: this.zone, mode: this.mode, how })
    for (const lane of this.lanes.values()) lane.end()
    this.lanes.clear()
    this.lane = undefined
    logger.info({ zone: this.zone, mode: this.mode, domain: this.domain, stream: this.id, how, in: this.counts.in, out: this.counts.out }, 'the stream of a component has ended')
    // What it would take to be read is not waited for where it takes nothing, and nothing is written behind it.
    if (this.answering) this.source.resume()
    this.answering = false
    if (how === 'stuck') this.connection.destroy()
    else {
      const last = this.connection.end(limits.closeMs)
      if (clean) return void last.then(how => this.settle(partedOf(how, this.connection.received)))
    }
    this.settle({ clean, ...(because === undefined ? {} : { because }) })
  }
}
