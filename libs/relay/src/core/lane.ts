/**
 * One proven pair of one source (gateways.md 5.7): what is decided is decided once for a pair and configuration, and a stanza that needs nothing is passed on as
 * the bytes that it is. The way through here is walked once for every stanza; only what is below `slowly` makes objects.
 */
import type { Refusal } from '@dialtone/contracts'
import { createBucket, owedMs, spend, type Bucket, type StanzaClass } from '@dialtone/routing'
import type { ElementFrame, Pair } from '@dialtone/stream'
import type { Lane, Source } from '../seams.ts'
import { settle, type Context } from './context.ts'
import { planLane, type LanePlan } from './judge.ts'
import { answerOf } from './own-host.ts'
import type { PairCount } from './pair-count.ts'
import { Grip } from './pressure.ts'
import { reversed } from './reversed.ts'
import type { Route } from './route.ts'
import { classOf, kindOf, rewritten } from './stanza.ts'
import { turnAway } from './turn-away.ts'

export type LaneHost = {
  routeOf: (zone: string, pair: Pair) => Route | undefined
  countOf: (ours: string, peer: string) => PairCount
  /** What is decided holds until then, milliseconds since the epoch. */
  until: (at: number) => void
  /** Asked again when so much time has passed that nothing is owed. */
  owing: (lane: PairLane) => void
}

const ENCODER = new TextEncoder()

export class PairLane implements Lane {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly source: Source
  readonly pair: Pair
  private readonly context: Context
  private readonly host: LaneHost
  private readonly grip: Grip
  private epoch = -1
  private plan: LanePlan | undefined
  private count: PairCount
  private inbound = false
  private shadow = false
  private refusal: Refusal | undefined
  private route: Route | undefined
  private maxBytes = 0
  private stanzaBucket: Bucket | undefined
  private byteBucket: Bucket | undefined
  private trace: string | undefined

  constructor (context: Context, host: LaneHost, source: Source, pair: Pair) {
    this.context = context
    this.host = host
    this.source = source
    this.pair = pair
    this.from = ENCODER.encode(pair.from)
    this.to = ENCODER.encode(pair.to)
    this.grip = new Grip(source)
    const { sides } = planLane(context.world(), source.zone, pair)
    this.count = host.countOf(sides.ours, sides.peer)
    this.count.users++
  }

  accept (frame: ElementFrame): void {
    const { context, count } = this
    context.ledger.accepted++
    if (this.epoch !== context.epoch) this.judge()
    if (this.inbound) {
      count.in++
      count.lastIn = context.coarse
      if (count.in === 1) count.news = true
    } else {
      count.out++
      if (count.out === 1) count.news = true
    }
    if (this.shadow) {
      count.shadowed++
      context.tally.shadowed++
    }
    const { data, start, end } = frame
    if (this.stanzaBucket !== undefined || this.byteBucket !== undefined) this.owe(end - start)
    const { route } = this
    if (route !== undefined && this.refusal === undefined) {
      const { direct } = route
      if (direct !== undefined && end - start <= this.maxBytes && end - start <= route.directMax && frame.canonical && direct.lang === this.source.lang && frame.kind !== undefined && frame.pairIs(this.from, this.to)) {
        context.tally.asTheyCame++
        direct.write(data, start, end, frame.lasting)
        route.wrote(data, start, end, route.way?.keeps === true ? classOf(frame, frame.kind) : 'message')
        return
      }
    }
    this.slowly(frame)
  }

  /** Forgets the pair: it is not authorised any more, or its stream is gone. */
  end (): void {
    this.leave()
    this.grip.letGo()
    this.count.users--
    this.epoch = NaN
  }

  /** Time has passed: true as long as something is owed. */
  owes (now: number): boolean {
    if ((this.stanzaBucket !== undefined && owedMs(this.stanzaBucket, now) > 0) || (this.byteBucket !== undefined && owedMs(this.byteBucket, now) > 0)) return true
    this.grip.go('rate')
    return false
  }

  private judge (): void {
    const { context, host } = this
    this.epoch = context.epoch
    this.leave()
    const plan = this.plan = planLane(context.world(), this.source.zone, this.pair)
    this.inbound = plan.goes === 'on' ? plan.direction === 'inbound' : plan.sides.ours === this.pair.to
    this.shadow = plan.goes === 'on' && plan.decision.shadow
    this.refusal = plan.goes === 'on' ? plan.refusal : plan.goes === 'nowhere' ? plan.refusal : undefined
    this.trace = undefined
    if (plan.goes !== 'on') return
    const { decision: { action, wanted, shadow } } = plan
    context.tally.decided(wanted === 'enabled' ? action : wanted, shadow)
    if (plan.decision.until !== undefined) host.until(plan.decision.until)
    this.limit(plan)
    if (plan.refusal !== undefined) return
    this.route = host.routeOf(plan.zone, this.pair)
    if (this.route === undefined) this.refusal = 'queue-full'
    else this.route.lanes++
  }

  private limit ({ decision: { limits }, direction }: LanePlan & { goes: 'on' }): void {
    this.maxBytes = limits.stanzaBytes
    const now = this.context.clock.elapsed()
    const shared = this.count
    const bucket = (had: Bucket | undefined, perSecond: number | undefined) => perSecond === undefined || direction !== 'inbound' ? undefined : had?.perSecond === perSecond ? had : createBucket(perSecond, now)
    this.stanzaBucket = shared.stanzaBucket = bucket(shared.stanzaBucket, limits.stanzasPerSecond)
    this.byteBucket = shared.byteBucket = bucket(shared.byteBucket, limits.bytesPerSecond)
  }

  private leave (): void {
    if (this.route === undefined) return
    this.route.lanes--
    this.route.ungrip(this.grip)
    this.route = undefined
  }

  /** What it sends too fast is taken, and then it is not read for a while. */
  private owe (bytes: number): void {
    const { context } = this
    // One look at the clock for all that came together.
    const now = Number.isNaN(context.turn) ? context.turn = context.clock.elapsed() : context.turn
    if (this.stanzaBucket !== undefined) spend(this.stanzaBucket, 1, now)
    if (this.byteBucket !== undefined) spend(this.byteBucket, bytes, now)
    if ((this.stanzaBucket === undefined || this.stanzaBucket.level >= 0) && (this.byteBucket === undefined || this.byteBucket.level >= 0)) return
    context.tally.pausedByRate++
    this.grip.stop('rate')
    this.host.owing(this)
  }

  private slowly (frame: ElementFrame): void {
    const { context } = this
    const kind = kindOf(frame)
    let settled = false
    try {
      if (kind === undefined) {
        settled = true
        settle(context, this.count, 'dropped-by-rule')
        this.source.close('unsupported-stanza-type', 'what a stream carries between servers are messages, presence and iqs')
        return
      }
      if (this.plan?.goes === 'host') {
        settled = true
        settle(context, this.count, 'written')
        const answer = answerOf(frame, this.source.header, this.pair)
        context.tally.own++
        if (answer !== undefined && !context.sendOwn(this.source.zone, reversed(this.pair), answer)) context.tally.bouncesLost++
        return
      }
      const of = classOf(frame, kind)
      const refusal = this.refusal ?? this.passOn(frame, of)
      if (refusal === undefined) return
      settled = true
      this.refuse(frame, of, refusal)
    } catch (error) {
      context.tally.faults++
      if (!settled) settle(context, this.count, 'dropped-by-rule')
      context.logger.error({ zone: this.source.zone, from: this.pair.from, to: this.pair.to, error: String(error) }, 'a stanza could not be handled, which is a fault of the gateway')
    }
  }

  /** Puts it into our spelling where it is not, and writes or queues it; or says why not. */
  private passOn (frame: ElementFrame, of: StanzaClass): Refusal | undefined {
    const { context, source, pair } = this
    const route = this.route as Route
    if (frame.end - frame.start > this.maxBytes) return 'too-large'
    const failing = route.failing()
    if (failing !== undefined && route.queue.stanzas === 0) return route.told(failing.reason)
    const { direct } = route
    if (direct === undefined && route.way === undefined && route.queue.stanzas === 0 && route.attempt === undefined) route.lang = source.lang
    const outgoing = direct === undefined ? route.lang : direct.lang
    const same = (outgoing ?? '') === (source.lang ?? '')
    const asItIs = same && frame.canonical && frame.kind !== undefined && frame.pairIs(this.from, this.to)
    const data = asItIs ? frame.data : rewritten(frame, source.header, pair, source.lang, outgoing)
    const [start, end] = asItIs ? [frame.start, frame.end] : [0, data.length]
    if (direct !== undefined) {
      if (end - start > route.directMax) return 'too-large'
      if (asItIs) context.tally.asTheyCame++
      else context.tally.rewritten++
      direct.write(data, start, end, asItIs ? frame.lasting : true)
      route.wrote(data, start, end, of)
      return undefined
    }
    const refusal = route.enqueue(data, start, end, route.waiting(of, false))
    if (route.pressed) {
      context.tally.pausedByRoute++
      route.grip(this.grip)
    }
    if (refusal !== undefined) return refusal
    if (asItIs) context.tally.asTheyCame++
    else context.tally.rewritten++
    return undefined
  }

  private refuse (frame: ElementFrame, of: StanzaClass, reason: Refusal): void {
    const { context, count, source, pair } = this
    if (this.trace === undefined && of !== 'error') {
      // Once for a pair, a stream and a configuration, so that what its senders are told can be found.
      this.trace = this.route?.failing()?.trace ?? context.trace()
      context.logger.info({ trace: this.trace, zone: source.zone, from: pair.from, to: pair.to, reason }, 'stanzas are refused')
    }
    turnAway(context, count, { frame, source, of, reason, trace: this.trace ?? '' }, text => context.sendOwn(source.zone, reversed(pair), text))
  }
}
