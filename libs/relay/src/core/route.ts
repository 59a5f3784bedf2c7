/**
 * The way of one pair through one zone (gateways.md 5.3): its queue, at most one stream, at most one attempt to get one. A new attempt begins only when the old stream is
 * wholly gone, so that no stanza overtakes another; what fails is tried again after a while that grows (full jitter).
 */
import type { Failure, Refusal, RouteStep, StreamCondition } from '@dialtone/contracts'
import type { Entry, PairLimits, Queue, StanzaClass, Waiting } from '@dialtone/routing'
import type { Pair } from '@dialtone/stream'
import type { Dial, DialFailure, OutStream } from '../seams.ts'
import { reportFault } from '../faults.ts'
import { LIVED_MS, afterFailure, afterStream } from './back-off.ts'
import { settle, type Context } from './context.ts'
import type { PairCount } from './pair-count.ts'
import { queueSeconds } from './durations.ts'
import { judgeRoute, type RouteRules } from './judge.ts'
import { Line } from './line.ts'
import type { Grip } from './pressure.ts'
import { reframed, rewritten } from './stanza.ts'
import type { Way } from './way.ts'

export type RouteState = 'idle' | 'connecting' | 'ready' | 'waiting' | 'held' | 'draining' | 'blocked'
export type Attempt = { readonly abort: AbortController, readonly at: number, readonly began: number, readonly trace: string, readonly steps: RouteStep[] }
export type RouteFailure = DialFailure & { at: number, trace: string, steps: readonly RouteStep[] }

const MAX_STEPS = 40

export class Route {
  readonly zone: string
  readonly pair: Pair
  readonly count: PairCount
  readonly queue: Queue
  private readonly line: Line
  /** Of the headers of our streams, and what is queued means where it has none of its own. */
  lang: string | undefined
  /** Lanes that lead here. */
  lanes = 0
  rules: RouteRules
  /** Present while stanzas may be written at once. */
  direct: OutStream | undefined
  /** The peer takes no larger ones. */
  directMax = Infinity
  way: Way | undefined
  attempt: Attempt | undefined
  /** Waits for room among the attempts. */
  wantsRoom = false
  failure: RouteFailure | undefined
  tries = 0
  /** No attempt before, of the monotonic clock. */
  notBefore = 0
  lastUsed: number
  readyAt: number | undefined
  /** What is held goes out now. */
  flushing = false
  private readonly gripped = new Set<Grip>()
  private onStream = 0
  private readonly context: Context

  constructor (context: Context, zone: string, pair: Pair, count: PairCount) {
    this.context = context
    this.zone = zone
    this.pair = pair
    this.count = count
    this.rules = judgeRoute(context.world(), zone, pair)
    this.line = new Line(context, pair, count, () => ({ rules: this.rules, trace: this.failure?.trace }))
    this.queue = this.line.queue
    this.lastUsed = context.coarse
  }

  get limits (): PairLimits { return this.rules.limits }
  /** Written to the stream that is open, and not acknowledged. */
  get written (): number { return this.onStream }

  state (): RouteState {
    if (this.rules.refusal !== undefined) return 'blocked'
    if (this.rules.wanted === 'held') return 'held'
    if (this.rules.wanted === 'draining') return 'draining'
    if (this.way !== undefined) return 'ready'
    if (this.attempt !== undefined || this.wantsRoom) return 'connecting'
    return this.queue.stanzas > 0 || this.failing() !== undefined ? 'waiting' : 'idle'
  }

  /** Nothing needs it: a stream that many routes share, as that of a component, which stays for months, is left. */
  get idle (): boolean {
    const { way } = this
    return this.lanes === 0 && this.queue.stanzas === 0 && (way === undefined || way.mayBeLeft) && this.attempt === undefined && !this.wantsRoom && this.notBefore <= this.context.coarse
  }

  /** It is forgotten. */
  forget (): void {
    if (this.way?.leave(this, this.onStream) !== true) return
    this.way = undefined
    this.direct = undefined
    this.onStream = 0
  }

  /** Why a stanza would be refused at once. */
  failing (): RouteFailure | undefined {
    return this.failure !== undefined && !this.failure.temporary && this.notBefore > this.context.clock.elapsed() ? this.failure : undefined
  }

  /** The reason that a sender is given: from outside, nobody learns what is wrong inside (gateways.md 5.7). */
  told (reason: Refusal): Refusal {
    return this.rules.side === 'internal' && this.failure?.reason === reason ? 'inside-down' : reason
  }

  /** More is offered than leaves. */
  get pressed (): boolean {
    const { queue, limits } = this
    return this.way?.blocked === true || queue.stanzas * 2 > limits.queueStanzas || queue.bytes * 2 > limits.queueBytes || (queue.stanzas > 0 && this.context.queuedBytes * 2 > this.rules.allBytes)
  }

  grip (grip: Grip): void {
    grip.stop('route')
    this.gripped.add(grip)
    this.context.watch(this)
  }

  ungrip (grip: Grip): void {
    grip.go('route')
    this.gripped.delete(grip)
  }

  /** Those who feed it go on when a quarter is left. */
  relieve (): void {
    if (this.gripped.size === 0) return
    const { queue, limits } = this
    if (this.way?.blocked === true || queue.stanzas * 4 > limits.queueStanzas || queue.bytes * 4 > limits.queueBytes || (queue.stanzas > 0 && this.context.queuedBytes * 2 > this.rules.allBytes)) return
    for (const grip of this.gripped) this.ungrip(grip)
  }

  /** A stanza was written to `direct`. Its bytes are still those of the caller. */
  wrote (data: Uint8Array, start: number, end: number, kind: StanzaClass): void {
    const { context, way } = this
    context.ledger.onStream++
    this.onStream++
    this.lastUsed = context.coarse
    context.tally.bytes += end - start
    if (way === undefined) return
    way.touch()
    if (!way.keeps) return
    SCRATCH.class = kind
    SCRATCH.at = SCRATCH.due = context.coarse
    way.keep(this, data, start, end, SCRATCH)
  }

  waiting (kind: StanzaClass, own: boolean, inherits = true): Waiting {
    const at = this.context.clock.elapsed()
    return { class: kind, at, due: at + this.limits.waitMs[kind], own, retried: false, inherits, tag: 0 }
  }

  /** Takes a stanza that cannot be written at once, or says why not. The bytes are copied. */
  enqueue (data: Uint8Array, start: number, end: number, waiting: Waiting): Refusal | undefined {
    const refusal = this.line.add(data, start, end, waiting)
    if (refusal !== undefined) return refusal
    this.direct = undefined
    this.lastUsed = this.context.coarse
    this.want()
    return undefined
  }

  /** Does what can be done for what is queued. */
  want (): void {
    const { context, queue } = this
    if (queue.stanzas === 0) return
    context.watch(this)
    if (!this.rules.own) return void this.refuseAll(this.rules.refusal ?? 'internal-fault')
    // What a peer has to do with is held; what we say ourselves is not.
    if (this.rules.wanted === 'held' && !this.flushing && queue.own < queue.stanzas) return
    if (this.way !== undefined) return this.pump()
    if (this.attempt !== undefined || this.wantsRoom) return
    const offered = context.offered(this.zone, this.pair)
    if (offered !== undefined) return this.welcome(offered)
    const failing = this.failing()
    if (failing !== undefined) return void this.refuseAll(this.told(failing.reason))
    if (this.notBefore <= context.clock.elapsed() && !this.rules.unplaced && context.expects(this.zone, this.pair) === undefined) context.connect(this)
  }

  /** Writes what is queued, in order, as long as the peer takes it. */
  pump (): void {
    const { queue, way } = this
    if (way === undefined || !way.open) return
    let bytes = 0
    const oldest = queue.first()
    if (oldest !== undefined && !way.blocked && this.maySend(oldest)) this.context.meter.observe(queueSeconds, {}, Math.max(0, this.context.clock.elapsed() - oldest.at) / 1000)
    for (let entry = queue.first(); entry !== undefined && !way.blocked && this.maySend(entry); entry = queue.first()) {
      const size = entry.end - entry.start
      if (!this.writeEntry(way, entry)) continue
      bytes += size
      if (bytes < FLUSH_EVERY) continue
      bytes = 0
      way.flush()
    }
    if (queue.stanzas === 0) this.flushing = false
    this.update()
    this.relieve()
  }

  /** After any change: whether stanzas may be written without waiting. */
  update (): void {
    const { way, rules } = this
    const may = way !== undefined && way.open && !way.blocked && this.queue.stanzas === 0 && rules.refusal === undefined && rules.wanted !== 'held'
    this.direct = may ? way.out : undefined
    this.directMax = way?.out.maxBytes ?? Infinity
  }

  /** Begins an attempt; `connect` has made room for it. */
  begin (dial: Dial): void {
    const { context, pair } = this
    this.wantsRoom = false
    const world = context.world()
    const zone = world.zones.get(this.zone)
    if (zone === undefined || !this.rules.own || this.way !== undefined || this.queue.stanzas === 0) return context.attempted(this, undefined, undefined)
    const attempt: Attempt = { abort: new AbortController(), at: context.clock.now(), began: context.clock.elapsed(), trace: context.trace(), steps: [] }
    this.attempt = attempt
    const step = (made: Omit<RouteStep, 'at' | 'ms'>) => {
      if (attempt.steps.length < MAX_STEPS) attempt.steps.push({ at: new Date(context.clock.now()).toISOString(), ms: Math.round(context.clock.elapsed() - attempt.began), ...made })
    }
    const { hops, allowNets, leg } = this.rules
    void this.through(attempt, () => dial({ zone, pair, leg, ...(hops === undefined ? {} : { hops }), allowNets, ...(this.lang === undefined ? {} : { lang: this.lang }), step, signal: attempt.abort.signal }))
  }

  /** Whatever goes wrong here, the attempt is over when it is over: its room is for others. */
  private async through (attempt: Attempt, dial: () => ReturnType<Dial>): Promise<void> {
    const { context } = this
    const result = await dial().catch((error: unknown): Awaited<ReturnType<Dial>> => ({
      failed: { reason: 'internal-fault', says: 'The attempt ended by a fault of the gateway.', temporary: true, failure: reportFault(context, 'dialing', error) },
    }))
    try {
      this.dialed(attempt, result)
    } catch (error) {
      reportFault(context, 'dialed', error)
      if ('stream' in result) result.stream.abort()
    }
    context.attempted(this, attempt, result)
  }

  /** A stream that may carry the pair: one of its own, or one that was there. */
  adopt (out: OutStream): void {
    const { context } = this
    this.way = context.wayOf(out)
    this.way.join(this)
    this.readyAt = context.clock.now()
    this.failure = undefined
    this.count.news = true
    this.pump()
    if (this.queue.stanzas === 0) this.update()
  }

  /** One that is there now, instead of one that is still to be had. */
  take (out: OutStream): void {
    if (this.way !== undefined || !this.rules.own) return
    this.attempt?.abort.abort()
    this.attempt = undefined
    this.welcome(out)
  }

  /** One that nobody dialed. */
  private welcome (out: OutStream): void {
    // What leaves on a component that we are in the name of the peer says nothing of the way that others go.
    if (this.rules.side === 'internal' && this.context.expects(this.zone, this.pair) !== 'peer') this.context.wantedInside(this.pair, { stream: out })
    this.adopt(out)
  }

  /** Ends its stream, if it has one of its own: that of a component is for others, too. Returns whether it did. */
  release (condition?: StreamCondition, text?: string): boolean {
    const { way } = this
    if (way === undefined || !way.open || way.out.by === 'component') return false
    way.close(condition, text)
    return true
  }

  acknowledged (): void {
    this.onStream--
    this.context.ledger.onStream--
    settle(this.context, this.count, 'acknowledged')
  }

  /** The stream has ended. `again`: what was not acknowledged, in order. */
  lost (way: Way, clean: boolean, because: Failure | undefined, lived: number, again: Queue | undefined): void {
    if (this.way !== way) return
    const { context } = this
    this.way = undefined
    this.direct = undefined
    if (again !== undefined) this.onStream -= this.line.putBack(again, this.told('stream-failed'))
    context.ledger.onStream -= this.onStream
    if (this.onStream > 0) settle(context, this.count, clean ? 'written' : 'unknown-fate', this.onStream)
    this.onStream = 0
    this.tries = lived >= LIVED_MS ? 0 : this.tries + 1
    this.notBefore = context.clock.elapsed() + afterStream(this.tries, clean, context.random)
    if (because !== undefined) this.count.news = true
    this.relieve()
    this.want()
  }

  /** Its rules may have changed. */
  judge (): void {
    const { context } = this
    const before = this.rules
    const rules = this.rules = judgeRoute(context.world(), this.zone, this.pair)
    if (rules.refusal !== undefined && rules.own) this.line.endOthers(rules.refusal)
    else if (rules.refusal !== undefined) {
      this.attempt?.abort.abort()
      // A stream that carries others, too, ends with the last that is refused.
      if (this.way?.routes.some(other => other.rules.own) === true) this.update()
      else if (rules.refusal === 'draining') this.release('system-shutdown', 'the service is going down')
      else this.release('policy-violation', 'the policy of this gateway does not allow it any more')
      return void this.refuseAll(rules.refusal)
    }
    if (this.way !== undefined && this.way.open && !rules.fits(this.way.out, before)) this.release('policy-violation', 'the rules of this gateway have changed')
    if (rules.wanted === 'enabled' && before.wanted !== 'enabled') this.again()
    this.update()
    this.want()
    this.relieve()
  }

  /** Without waiting any longer. */
  again (): void {
    this.notBefore = 0
    this.tries = 0
    if (this.failure !== undefined && !this.failure.temporary) this.failure = undefined
    this.want()
  }

  /** What waits goes out now, held or not. */
  flush (): void {
    this.flushing = true
    this.notBefore = 0
    this.want()
  }

  /** A fifth of a second has passed. True while there is something to be looked at. */
  tick (now: number, stallMs: number): boolean {
    const { queue, way } = this
    if (queue.due <= now) {
      const awaited = this.way === undefined && this.rules.wanted !== 'held' ? this.context.expects(this.zone, this.pair) : undefined
      const reason: Refusal = this.rules.wanted === 'held' ? 'held' : awaited !== undefined ? 'inside-down' : this.failure?.reason ?? (this.rules.side === 'internal' ? 'inside-down' : 'expired')
      if (awaited === 'server') this.context.wantedInside(this.pair, { failed: { reason } })
      this.line.expire(now, this.told(reason))
      this.emptied()
    }
    if (way?.blockedSince !== undefined && way.open && now - way.blockedSince > stallMs) way.close('connection-timeout', 'nothing was read for too long')
    if (queue.stanzas > 0) this.want()
    this.relieve()
    return queue.stanzas > 0 || this.gripped.size > 0 || way?.blocked === true
  }

  /** All that waits ends, for this reason. `silent`: nobody is told. Returns how many. */
  refuseAll (reason: Refusal, silent = false): number {
    const ended = this.line.endAll(reason, silent)
    this.emptied()
    return ended
  }

  private emptied (): void {
    if (this.queue.stanzas === 0) this.flushing = false
    this.update()
    this.relieve()
  }

  private maySend ({ own }: Entry): boolean {
    return own ? this.rules.own : this.rules.refusal === undefined && (this.rules.wanted !== 'held' || this.flushing)
  }

  /** Moves the first of the queue to the stream, or ends it when the peer takes none so large. */
  private writeEntry (way: Way, entry: Entry): boolean {
    const { line } = this
    const { data, start, end } = entry
    const { out } = way
    if (end - start > (out.maxBytes ?? Infinity)) {
      line.shiftEnded(entry, 'too-large')
      return false
    }
    if (entry.inherits && (out.lang ?? '') !== (this.lang ?? '')) {
      const text = this.inTheLanguageOf(out, entry)
      if (text === undefined) {
        line.shiftEnded(entry, 'internal-fault')
        return false
      }
      out.write(text, 0, text.length, true)
    } else out.write(data, start, end, true)
    if (way.keeps) way.keep(this, data, start, end, entry)
    way.touch()
    if (line.shiftWritten(entry)) this.onStream++
    return true
  }

  private inTheLanguageOf (out: OutStream, { data, start, end }: Entry): Uint8Array | undefined {
    try {
      return reframed(data, start, end, (frame, header) => rewritten(frame, header, this.pair, this.lang, out.lang))
    } catch {
      this.context.tally.faults++
      return undefined
    }
  }

  private dialed (attempt: Attempt, result: Awaited<ReturnType<Dial>>): void {
    const { context } = this
    if (this.attempt === attempt) this.attempt = undefined
    if (attempt.abort.signal.aborted || !this.rules.own || this.way !== undefined) {
      // One that others use, too, goes on.
      if ('stream' in result && context.wayOf(result.stream).routes.length === 0) result.stream.close()
      return this.want()
    }
    if ('stream' in result) {
      this.adopt(result.stream)
      return
    }
    const { failed } = result
    this.failure = { ...failed, at: context.clock.now(), trace: attempt.trace, steps: attempt.steps }
    this.tries++
    this.count.news = true
    this.notBefore = context.clock.elapsed() + afterFailure(this.tries, failed.temporary, context.random)
    // XEP-0220 §2.1.1 and §2.5: what waited for an answer about a key is bounced with it.
    if (!failed.temporary || failed.reason === 'dialback-error' || failed.reason === 'dialback-invalid') this.refuseAll(this.told(failed.reason))
    else this.want()
  }
}

/** So that a stanza that is kept until it is acknowledged makes no object. */
const SCRATCH: Waiting = { class: 'message', at: 0, due: 0, own: false, retried: false, inherits: true, tag: 0 }

/** Written in one go at most, before the peer is asked whether it takes more. */
const FLUSH_EVERY = 262_144
