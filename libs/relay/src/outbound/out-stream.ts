/**
 * An authenticated stream to a peer, from its first stanza to its end: bytes are collected and leave in one write, what the peer says is heard, and one shared
 * wheel looks after keep-alive, idleness and a peer that takes nothing (gateways.md 5.3 step 10, 5.8; RFC 6120 §4.4, §4.6; XEP-0198, XEP-0288, XEP-0478).
 */
import type { Failure, StreamCondition, StreamView } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import {
  ACKNOWLEDGEMENT_REQUEST, AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, DIALBACK, ENABLE, FOOTER, acknowledgementText, advance, canonicalDomain, dialbackAnswerText, dialbackKeyText, domainOf, readEvent, readHeader, streamErrorText, type Command,
  type DialbackAnswer, type ElementFrame, type Event, type Keys, type Pair, type State,
} from '@dialtone/stream'
import { partedOf } from '../parted.ts'
import type { CertificateSeen, Intake, Lane, OutStream } from '../seams.ts'
import { Acks, MODULUS, REQUEST_BYTES } from './acks.ts'
import { Batch } from './batch.ts'
import type { OutboundLimits, Weakened } from './limits.ts'
import type { Established, Seen } from './negotiate.ts'
import type { Turning, Wheel } from './wheel.ts'
import type { Wire } from './wire.ts'

export type StreamOptions = {
  id: string
  zone: string
  pair: Pair
  lang: string | undefined
  /** Of the zone, for the keys of further pairs. */
  keys: Keys
  /** `address:port`. */
  remote: string
  seen: Seen
  /** Where stanzas of the reversed pair go, on a bidirectional stream. */
  intake: Intake | undefined
  /** Whether a key is ours, which the peer of a bidirectional stream may ask (XEP-0220 §2.2.2). */
  asked: (question: { pair: Pair, id: string, key: string }) => DialbackAnswer
  /** Of one stanza that the peer sends on a bidirectional stream. */
  stanzaBytes: number
  idleMs: number
  /** Of this stream, within the limits. */
  keepAliveMs: number
  limits: OutboundLimits
  weakened: Weakened
  clock: Clock
  wheel: Wheel
  closed: (how: How, because: Failure | undefined) => void
  /** Counts and logs a mistake of ours, and says it as what ended the stream. */
  fault: (error: unknown) => Failure
}

const MOST_ANSWERS_BYTES = 65_536
/** Pairs in a view, as the contract bounds them. */
const MOST_SHOWN = 64
/** Keys of further pairs that wait for their answers at once: more than these a receiving server may refuse. */
const ASKED_AT_ONCE = 4
type Asked = { pair: Pair, settle: (valid: boolean) => void }

/** How a stream ended, as the metric has it. */
export type How = 'clean' | 'idle' | 'stuck' | 'stream-error' | 'broke-protocol' | 'broken'

/** Takes over the wire in the moment of authentication. `ready` is to be awaited before the first stanza. */
export class Stream implements OutStream, Turning {
  readonly id: string
  readonly pair: Pair
  readonly by: 'external' | 'dialback'
  readonly lang: string | undefined
  readonly maxBytes: number | undefined
  readonly ended: Promise<{ clean: boolean, because?: Failure }>
  drained: (() => void) | undefined
  acked: (() => void) | undefined
  ending: (() => void) | undefined

  private readonly options: StreamOptions
  private readonly wire: Wire
  private readonly batch = new Batch()
  private readonly since: number
  private state: State
  private settle: (how: { clean: boolean, because?: Failure }) => void = () => undefined
  private done = false
  private idle = false
  private footerHeard = false
  /** While acknowledgements are being agreed on. */
  private agreed: (() => void) | undefined
  private acks: Acks | undefined
  /** Stanzas of the peer before its acknowledgements began. */
  private before = 0
  private lane: Lane | undefined
  private pauses = 0
  /** Further pairs (XEP-0220 §2.6.1): those whose keys wait, in order, the domains that were ever asked about, and those that were found good. */
  private asking: Asked[] = []
  private readonly askedAbout = new Set<string>()
  private readonly more: Pair[] = []
  private readonly counts = { in: 0, out: 0, bytesIn: 0, bytesOut: 0 }
  /** On the clock's `elapsed`: the last stanza, the last word of ours, since when the peer takes nothing, when we said goodbye. */
  private lastStanza: number
  private lastSaid: number
  private stuckSince: number
  /** Bytes that were handed to the connection, and those of them that the peer had taken at the last tick. */
  private said = 0
  private taken = 0
  private saidGoodbye: number | undefined

  constructor (wire: Wire, state: Established, commands: readonly Command[], options: StreamOptions) {
    const { id, pair, lang, seen, clock, wheel } = options
    this.options = options
    this.wire = wire
    this.state = state
    this.id = id
    this.pair = pair
    this.by = state.by
    this.lang = lang
    this.maxBytes = seen.features?.limits?.maxBytes
    this.since = clock.now()
    this.lastStanza = this.lastSaid = this.stuckSince = clock.elapsed()
    this.ended = new Promise(resolve => { this.settle = resolve })
    // White space is how the peer keeps the stream alive; elements are few, unless it is bidirectional.
    wire.raise(state.bidi ? { ...AFTER_AUTHENTICATION, elementBytes: options.stanzaBytes } : { ...BEFORE_AUTHENTICATION, whitespaceBytes: AFTER_AUTHENTICATION.whitespaceBytes })
    wire.hearing = { element: frame => this.element(frame), event: event => this.hear(event), settled: () => { if (this.lane !== undefined) options.intake?.settled() }, drained: () => this.relieved() }
    if (state.bidi) this.lane = this.openLane()
    wheel.add(this)
    this.carryOut(commands)
  }

  get open (): boolean { return !this.done && this.state.at === 'established' }
  get unsent (): number { return this.wire.connection.unsent + this.batch.length }
  get certificate (): CertificateSeen | undefined { return this.options.seen.verdict?.certificate }
  get acknowledged (): number | undefined { return this.acks?.acknowledged }

  /** Resolves when it is settled whether the peer acknowledges, or the stream has ended: after five seconds it is settled that it does not. */
  ready (): Promise<void> {
    if (this.state.at !== 'established' || this.state.managed !== 'asked') return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(() => this.agreed?.(), this.options.limits.closeMs)
      this.agreed = () => {
        clearTimeout(timer)
        this.agreed = undefined
        resolve()
      }
    })
  }

  /** Whether further pairs may be authenticated on it: the peer can refuse one and keep the stream, and nothing comes back on it. */
  get carriesMore (): boolean {
    return !this.done && this.state.at === 'established' && this.by === 'dialback' && this.lane === undefined && this.options.seen.features?.dialbackErrors === true
  }

  /** Authenticates one more pair to the same server, by its key; false when the peer does not want it here, or does not answer in time. Never rejects. */
  authorise (pair: Pair, signal: AbortSignal): Promise<boolean> {
    if (!this.carriesMore || pair.to !== this.pair.to || signal.aborted) return Promise.resolve(false)
    return new Promise(resolve => {
      const late = () => asked.settle(false)
      const timer = setTimeout(late, this.options.limits.targetMs)
      const asked: Asked = {
        pair,
        settle: valid => {
          clearTimeout(timer)
          signal.removeEventListener('abort', late)
          const at = this.asking.indexOf(asked)
          if (at !== -1) this.asking.splice(at, 1)
          if (valid) this.more.push(pair)
          resolve(valid)
          const next = this.asking[ASKED_AT_ONCE - 1]
          if (at !== -1 && at < ASKED_AT_ONCE && next !== undefined) this.ask(next)
        },
      }
      signal.addEventListener('abort', late, { once: true })
      if (this.asking.push(asked) <= ASKED_AT_ONCE) this.ask(asked)
    })
  }

  private ask ({ pair: { from, to } }: Asked): void {
    const { wire: { header }, options: { keys, clock } } = this
    if (header === undefined || !this.carriesMore) return
    const read = readHeader(header)
    this.askedAbout.add(from)
    this.speak(dialbackKeyText(from, to, keys.keyFor({ receiving: to, originating: from, streamId: 'header' in read ? read.header.id ?? '' : '' })), clock.elapsed())
  }

  /** The answer to such a key, even one that nobody waits for any more. What was never asked about is for the table (row D1). */
  private answered (frame: ElementFrame): boolean {
    const event = frame.namespace === DIALBACK && frame.name === 'result' && this.wire.header !== undefined ? readEvent(frame, this.wire.header) : undefined
    if (event?.on !== 'dialback-result' || canonicalDomain(event.from) !== this.pair.to) return false
    const from = canonicalDomain(event.to) ?? ''
    if (!this.askedAbout.has(from)) return false
    this.asking.slice(0, ASKED_AT_ONCE).find(({ pair }) => pair.from === from)?.settle(event.answer.type === 'valid')
    return true
  }

  write (data: Uint8Array, start: number, end: number, lasting: boolean): void {
    if (!this.open) return
    if (this.wire.traced) this.wire.wrote(data, start, end)
    this.batch.add(data, start, end, lasting)
    this.counts.out++
    this.counts.bytesOut += end - start
    if (this.acks !== undefined) this.acks.sent++
  }

  flush (): void {
    const { batch, acks, wire: { connection }, options: { clock, limits, seen } } = this
    if (batch.length === 0 || this.done) return
    const now = clock.elapsed()
    this.lastStanza = this.lastSaid = now
    if (acks?.due(limits.ackEvery) === true) {
      batch.add(REQUEST_BYTES, 0, REQUEST_BYTES.length, false)
      acks.ask(now)
    }
    this.said += batch.send(connection, seen.tls !== undefined)
  }

  close (condition?: StreamCondition, text?: string): void {
    if (this.done || this.state.at !== 'established') return
    const asked = this.acks !== undefined && this.acks.sent > this.acks.acknowledged ? ACKNOWLEDGEMENT_REQUEST : ''
    this.speak(asked + (condition === undefined ? '' : streamErrorText(condition, text)), this.options.clock.elapsed())
    this.hear({ on: 'draining' })
  }

  abort (): void {
    this.finish({ at: 'probe', why: 'cancelled' }, 'broken')
    this.wire.connection.destroy()
  }

  /** A mistake of ours: it ends, and nothing else does. */
  fault (error: unknown): void {
    this.finish(this.options.fault(error), 'broken')
  }

  /** Why it takes nothing any more, as far as that is known. */
  get because (): Failure | undefined {
    return this.state.at === 'closed' ? this.state.because : undefined
  }

  view (): StreamView {
    const { id, pair, by, counts, state, options: { zone, remote, seen } } = this
    return {
      id, zone, direction: 'outbound', state: state.at, remote, since: new Date(this.since).toISOString(), bidi: this.lane !== undefined, paused: this.pauses > 0,
      pairs: [{ ...pair, by }, ...(this.lane === undefined ? [] : [{ from: pair.to, to: pair.from, by: 'bidi' as const }]), ...this.more.map(each => ({ ...each, by }))].slice(0, MOST_SHOWN),
      ...(seen.tls === undefined ? {} : { tls: seen.tls.protocol.slice(0, 40), cipher: seen.tls.cipher.slice(0, 80) }), ...(seen.verdict === undefined ? {} : { certificate: seen.verdict.is }),
      stanzas: { in: counts.in, out: counts.out }, bytes: { in: counts.bytesIn, out: counts.bytesOut },
    }
  }

  /** Once a tick of the wheel. */
  tick (): void {
    const { wire: { connection }, acks, options: { clock, limits, idleMs, keepAliveMs, weakened } } = this
    const now = clock.elapsed()
    const { unsent } = connection
    const taken = this.said - unsent
    if (unsent === 0 || taken !== this.taken) {
      this.taken = taken
      this.stuckSince = now
    }
    const unanswered = acks?.askedAt !== undefined && now - acks.askedAt > limits.stuckMs
    if ((now - this.stuckSince > limits.stuckMs || unanswered) && weakened.patient !== true) return this.giveUp()
    if (this.saidGoodbye !== undefined) {
      // As long as it takes something it is waited for, and then for its footer.
      if (unsent > 0 && now - Math.max(this.saidGoodbye, this.stuckSince) >= limits.closeMs) return this.giveUp()
      if (unsent > 0) this.saidGoodbye = Math.max(this.saidGoodbye, this.stuckSince)
      else if (now - this.saidGoodbye >= limits.closeMs) this.hear({ on: 'silence', received: connection.received })
      return
    }
    if (acks !== undefined && acks.due(1) && now - this.lastSaid >= limits.tickMs) {
      acks.ask(now)
      this.speak(ACKNOWLEDGEMENT_REQUEST, now)
    }
    if (now - this.lastStanza >= idleMs && unsent === 0) {
      this.idle = true
      this.close()
    } else if (now - this.lastSaid >= keepAliveMs && unsent === 0) this.speak(' ', now)
  }

  private relieved (): void {
    if (this.wire.connection.unsent === 0) this.batch.reclaim()
    this.drained?.()
  }

  private speak (text: string, now: number): void {
    this.flush()
    this.wire.say(text)
    this.said += text.length
    this.lastSaid = now
  }

  /** Row R10. What could be said would not be taken either. */
  private giveUp (): void {
    this.wire.say(streamErrorText('connection-timeout') + FOOTER)
    this.finish({ at: 'stream', why: 'went-silent', received: this.wire.connection.received, detail: 'took or acknowledged nothing for too long' }, 'stuck')
  }

  /** Stanzas of the reversed pair do not go through the table: a bidirectional stream is as fast as any other. What is of another pair does, and ends it. */
  private element (frame: ElementFrame): boolean {
    const { lane } = this
    if (this.askedAbout.size > 0 && frame.kind === undefined && !this.done && this.answered(frame)) return true
    if (lane === undefined || frame.kind === undefined) return this.done
    if (!frame.pairIs(lane.from, lane.to) && (domainOf(frame.from ?? '') !== this.pair.to || domainOf(frame.to ?? '') !== this.pair.from)) return this.done
    this.counts.in++
    this.counts.bytesIn += frame.end - frame.start
    this.lastStanza = this.options.clock.elapsed()
    lane.accept(frame)
    return true
  }

  private hear (event: Event): void {
    if (this.done) return
    if (event.on === 'footer') this.footerHeard = true
    const before = this.state
    const [next, ...commands] = advance(before, event)
    this.state = next
    if (before.at === 'established' && before.managed === 'asked' && (next.at !== 'established' || next.managed !== 'asked')) this.settleAgreement(next)
    if (before.at === 'established' && next.at !== 'established') this.ending?.()
    if (before.at === 'established' && next.at === 'closing') this.saidGoodbye = this.options.clock.elapsed()
    this.carryOut(commands)
    if (this.state.at === 'closed') this.finish(this.state.because, this.idle ? 'idle' : this.state.because === undefined ? 'clean' : howOf(this.state.because))
  }

  private settleAgreement (next: State): void {
    if (next.at === 'established' && next.managed === 'yes') {
      // The peer counts from here on, even where it agreed too late for us to count on it.
      this.before = this.counts.in
      if (this.agreed !== undefined) this.acks = new Acks()
    }
    this.agreed?.()
  }

  private carryOut (commands: readonly Command[]): void {
    const now = this.options.clock.elapsed()
    for (const command of commands) {
      if (command.do === 'send-error') this.speak(streamErrorText(command.condition, command.text), now)
      else if (command.do === 'send-footer') this.speak(FOOTER, now)
      else if (command.do === 'send-enable') this.speak(ENABLE, now)
      else if (command.do === 'send-acknowledgement') this.speak(acknowledgementText((this.counts.in - this.before) % MODULUS), now)
      else if (command.do === 'answer-question') this.answer('verify', command.pair, this.options.asked({ pair: command.pair, id: command.id, key: command.key }), command.id)
      else if (command.do === 'send-dialback-result') this.answer('result', command.pair, command.answer)
      else if (command.do === 'acknowledged') this.takeAcknowledgement(command.handled)
    }
  }

  /** Nothing for a peer that does not take its answers. */
  private answer (kind: 'verify' | 'result', { from, to }: Pair, answer: DialbackAnswer, id?: string): void {
    if (this.unsent <= MOST_ANSWERS_BYTES) this.speak(dialbackAnswerText(kind, to, from, answer, id), this.options.clock.elapsed())
  }

  private takeAcknowledgement (handled: number): void {
    const { acks } = this
    if (acks === undefined) return
    const before = acks.acknowledged
    if (!acks.heard(handled)) this.hear({ on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'undefined-condition', detail: 'acknowledged what was not sent' } })
    else if (acks.acknowledged > before) this.acked?.()
  }

  private finish (because: Failure | undefined, how: How): void {
    const { wire: { connection }, options: { wheel, limits, closed } } = this
    if (this.done) return
    this.done = true
    this.ending?.()
    wheel.remove(this)
    this.wire.close()
    this.lane?.end()
    this.agreed?.()
    for (const { settle } of this.asking.splice(0)) settle(false)
    closed(how, because)
    if (because === undefined && this.footerHeard) {
      void connection.end(limits.closeMs).then(last => this.settle(partedOf(last, connection.received)))
      return
    }
    if (how === 'stuck') connection.destroy()
    else void connection.end(limits.closeMs)
    this.settle({ clean: false, ...(because === undefined ? {} : { because }) })
  }

  /** XEP-0288: stanzas of the reversed pair come in here, and nobody else's. */
  private openLane (): Lane | undefined {
    const { wire, options: { intake, zone, seen } } = this
    const { header } = wire
    if (intake === undefined || header === undefined) return undefined
    return intake.lane({
      id: this.id, zone, lang: seen.lang, header,
      pause: () => { if (this.pauses++ === 0) wire.connection.pause() },
      resume: () => { if (--this.pauses === 0) wire.connection.resume() },
      close: (condition, text) => this.close(condition, text),
    }, { from: this.pair.to, to: this.pair.from })
  }
}

function howOf (because: Failure): How {
  return because.at !== 'stream' ? 'broken' : because.why === 'stream-error' || because.why === 'broke-protocol' ? because.why : 'broken'
}
