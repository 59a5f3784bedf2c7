/**
 * The core between the listeners and the dialing (gateways.md 5.7, 5.8): all lanes, routes and pairs, each number of them bounded, one ledger, and one clock tick for
 * everything that waits.
 */
import type { Refusal } from '@dialtone/contracts'
import { Ledger } from '@dialtone/routing'
import type { ElementFrame, Pair } from '@dialtone/stream'
import type { AwaitedComponent, Dial, Intake, OutStream, Selection, Source, Surroundings, WayInside } from '../seams.ts'
import { Tally, type Context } from './context.ts'
import { judgeRoute, planLane } from './judge.ts'
import { PairLane } from './lane.ts'
import { PairCount } from './pair-count.ts'
import { Route, type Attempt } from './route.ts'
import { turnStrayAway } from './turn-away.ts'
import { flushTouched, Way } from './way.ts'

export type CoreOptions = Surroundings & {
  dial: Dial
  /** A component or another stream that is there already and takes stanzas of the pair. */
  offered?: (zone: string, pair: Pair) => OutStream | undefined
  /** Something that was decided until a time has ended: whoever decided by it decides again. */
  ended?: () => void
  /** Such a pair waits for a component, and for nothing else. */
  expects?: (zone: string, pair: Pair) => AwaitedComponent | undefined
  /** An attempt is over, well or not. */
  attempted?: (route: Route, attempt: Attempt, result: Awaited<ReturnType<Dial>>) => void
  /** A stream to the server of ours was wanted: there is one, or none. */
  wantedInside?: (pair: Pair, result: WayInside) => void
  /** Calls when what can be read now has been read: what many sources brought for one stream then leaves in one write. Without it, each read is a turn. */
  turnEnds?: (flush: () => void) => void
  bounds?: Partial<Bounds>
}
type Bounds = { routes: number, pairs: number, attempts: number, wanting: number, stallMs: number }
const BOUNDS: Bounds = { routes: 10_000, pairs: 10_000, attempts: 256, wanting: 10_000, stallMs: 120_000 }
export const TICK_MS = 200
/** Routes and pairs that nobody uses are looked for so often. */
const SWEEP_MS = 10_000
/** A route that nobody uses is kept for so long, and with it what is known of its last failure. */
const KEPT_MS = 60_000
/** What is collected in a turn and more leaves before the turn ends. */
const TURN_BYTES = 65_536

export class Core implements Intake {
  readonly context: Context
  readonly routes = new Map<string, Route>()
  readonly pairs = new Map<string, PairCount>()
  private readonly options: CoreOptions
  private readonly bounds: Bounds
  private readonly ways = new WeakMap<OutStream, Way>()
  private readonly watched = new Set<Route>()
  private readonly owing = new Set<PairLane>()
  private readonly wanting = new Set<Route>()
  /** Streams that others have opened and that take stanzas of a pair (XEP-0288). */
  private readonly offers = new Map<string, OutStream>()
  /** By which what was told to the senders of a stream is found again. */
  private readonly strays = new WeakMap<Source, string>()
  private attempts = 0
  private traces = 0
  private readonly instance: string
  private swept = 0
  /** The end of the turn is waited for; and bytes that were written before it. */
  private flushing = false
  private flushed = 0
  private readonly strangers = new PairCount('', '')
  private ends = Infinity
  private stopped = false

  constructor (options: CoreOptions) {
    this.options = options
    this.bounds = { ...BOUNDS, ...options.bounds }
    this.instance = Array.from(options.random.bytes(4), byte => byte.toString(16).padStart(2, '0')).join('')
    const { world, clock, random, meter, logger, tell } = options
    this.context = {
      world, clock, random, meter, logger, tell,
      ledger: new Ledger(), tally: new Tally(), epoch: 0, coarse: clock.elapsed(), queuedBytes: 0, touched: [], samples: false, sampled: undefined, turn: Number.NaN,
      trace: () => `${this.instance}-${(this.traces++).toString(36)}`,
      watch: route => this.watched.add(route),
      connect: route => this.connect(route),
      attempted: (route, attempt, result) => this.attempted(route, attempt, result),
      offered: (zone, pair) => this.offered(zone, pair),
      expects: (zone, pair) => options.expects?.(zone, pair),
      wantedInside: (pair, result) => options.wantedInside?.(pair, result),
      wayOf: out => this.wayOf(out),
      sendOwn: (zone, pair, text) => this.sendOwn(zone, pair, text),
      maySend: (zone, pair) => (this.routes.get(keyOf(zone, pair))?.rules ?? judgeRoute(world(), zone, pair)).own,
    }
    this.swept = this.context.coarse
  }

  lane (source: Source, pair: Pair): PairLane {
    return new PairLane(this.context, { routeOf: (zone, of) => this.routeOf(zone, of), countOf: (ours, peer) => this.countOf(ours, peer), owing: lane => this.owing.add(lane), until: at => { this.ends = Math.min(this.ends, at) } }, source, pair)
  }

  refuse (source: Source, as: Pair | undefined, pair: Pair, frame: ElementFrame, reason: Refusal): void {
    const { context } = this
    const { sides } = planLane(context.world(), source.zone, pair)
    const trace = this.strays.get(source) ?? context.trace()
    if (!this.strays.has(source)) {
      // Once for a stream, so that what its senders are told can be found.
      this.strays.set(source, trace)
      context.logger.info({ trace, zone: source.zone, from: pair.from, to: pair.to, reason }, 'stanzas are refused')
    }
    // Whom it names is the sender's choice: what is no pair that is known is counted together.
    const count = this.pairs.get(`${sides.ours} ${sides.peer}`) ?? this.strangers
    turnStrayAway(context, count, source, { as, pair, frame, reason, trace })
  }

  settled (): void {
    const { context, options: { turnEnds } } = this
    if (turnEnds === undefined || context.touched.length === 0 || context.tally.bytes - this.flushed > TURN_BYTES) return this.flush()
    if (this.flushing) return
    this.flushing = true
    turnEnds(this.flushLater)
  }

  private readonly flushLater = (): void => {
    this.flushing = false
    this.flush()
  }

  private flush (): void {
    const { context } = this
    context.turn = Number.NaN
    this.flushed = context.tally.bytes
    flushTouched(context)
  }

  /** A stream that was opened by its peer takes stanzas of `out.pair`, too. It is used until it ends. */
  offer (zone: string, out: OutStream): void {
    const key = keyOf(zone, out.pair)
    this.offers.set(key, out)
    void this.withdraw(key, out)
    const route = this.routes.get(key)
    if (route === undefined) return
    route.take(out)
    this.settled()
  }

  /** A component has come: what waits for it leaves. */
  came (zone: string, out: OutStream, takes: (pair: Pair) => boolean): void {
    for (const route of this.routes.values()) if (route.zone === zone && route.queue.stanzas > 0 && takes(route.pair)) route.take(out)
    this.settled()
  }

  /** The configuration has changed, or what it says has: everything is decided again. */
  judge (): void {
    const { context } = this
    context.epoch++
    this.ends = Infinity
    for (const route of this.routes.values()) {
      route.judge()
      this.ends = Math.min(this.ends, route.rules.decision?.until ?? Infinity)
    }
    this.settled()
  }

  /** To be called every `TICK_MS`. */
  tick (): void {
    const { context, bounds } = this
    const now = context.coarse = context.clock.elapsed()
    context.samples = true
    // What ends by itself is in the table of the world, and lanes keep what they were told.
    if (context.clock.now() >= this.ends) {
      this.judge()
      this.options.ended?.()
    }
    for (const lane of this.owing) if (!lane.owes(now)) this.owing.delete(lane)
    for (const route of this.watched) if (!route.tick(now, bounds.stallMs)) this.watched.delete(route)
    this.beginNext()
    if (now - this.swept >= SWEEP_MS) this.sweep(now)
    this.settled()
  }

  /** What of it a command is about. */
  selected (selection: Selection): Route[] {
    const { world } = this.context
    return [...this.routes.values()].filter(({ zone, pair, way }) => {
      const outside = world().zones.get(zone)?.side === 'external'
      const [ours, peer] = outside ? [pair.from, pair.to] : [pair.to, pair.from]
      return (selection.zone === undefined || selection.zone === zone) && (selection.ours === undefined || selection.ours === ours) && (selection.peer === undefined || selection.peer === peer) &&
        (selection.stream === undefined || selection.stream === way?.out.id)
    })
  }

  /** What waits, in stanzas that were accepted and in those that were made here. */
  get waiting (): number {
    let waiting = 0
    for (const route of this.watched) waiting += route.queue.stanzas
    return waiting
  }

  get dialing (): number { return this.attempts }

  /** Nothing new is dialed; what waits ends. Streams are closed, at once when `at` aborts, and this resolves when all are gone. */
  async stop (reason: 'draining', at?: AbortSignal): Promise<void> {
    this.stopped = true
    for (let round = 0; round < 2; round++) {
      // What ends may leave errors for senders behind, which leave by streams that are still open.
      for (const route of this.routes.values()) route.refuseAll(reason)
      this.settled()
    }
    const ways = new Set<Way>()
    for (const route of this.routes.values()) {
      route.attempt?.abort.abort()
      if (route.way !== undefined) ways.add(route.way)
    }
    for (const way of ways) way.close()
    const abort = () => { for (const { out } of ways) out.abort() }
    at?.addEventListener('abort', abort, { once: true })
    if (at?.aborted === true) abort()
    await Promise.all([...ways].map(({ out }) => out.ended))
    at?.removeEventListener('abort', abort)
    // Behind the routes' own callbacks.
    await Promise.resolve()
    for (const route of this.routes.values()) route.refuseAll(reason, false)
  }

  start (): void {
    this.stopped = false
  }

  routeOf (zone: string, pair: Pair): Route | undefined {
    const key = keyOf(zone, pair)
    const known = this.routes.get(key)
    if (known !== undefined) return known
    if (this.routes.size >= this.bounds.routes && !this.forgetOne()) {
      this.context.tally.routesFull++
      return undefined
    }
    const outside = this.context.world().zones.get(zone)?.side === 'external'
    const count = outside ? this.countOf(pair.from, pair.to) : this.countOf(pair.to, pair.from)
    const route = new Route(this.context, zone, pair, count)
    count.users++
    this.routes.set(key, route)
    this.ends = Math.min(this.ends, route.rules.decision?.until ?? Infinity)
    return route
  }

  countOf (ours: string, peer: string): PairCount {
    const key = `${ours} ${peer}`
    const known = this.pairs.get(key)
    if (known !== undefined) return known
    if (this.pairs.size >= this.bounds.pairs && !this.forgetPair()) {
      this.context.tally.pairsFull++
      // For whoever asks alone: nobody's rate is spent by another.
      return new PairCount(ours, peer)
    }
    const count = new PairCount(ours, peer)
    this.pairs.set(key, count)
    return count
  }

  private offered (zone: string, pair: Pair): OutStream | undefined {
    const out = this.options.offered?.(zone, pair) ?? this.offers.get(keyOf(zone, pair))
    return out !== undefined && this.wayOf(out).open ? out : undefined
  }

  private async withdraw (key: string, out: OutStream): Promise<void> {
    await out.ended
    if (this.offers.get(key) === out) this.offers.delete(key)
  }

  private wayOf (out: OutStream): Way {
    const known = this.ways.get(out)
    if (known !== undefined) return known
    const way = new Way(this.context, out)
    this.ways.set(out, way)
    return way
  }

  private sendOwn (zone: string, pair: Pair, text: Uint8Array): boolean {
    const route = this.routeOf(zone, pair)
    if (route === undefined || !route.rules.own || route.failing() !== undefined) return false
    return route.enqueue(text, 0, text.length, route.waiting('error', true, false)) === undefined
  }

  private connect (route: Route): void {
    if (route.wantsRoom || this.stopped) return
    if (this.wanting.size >= this.bounds.wanting) return
    route.wantsRoom = true
    this.wanting.add(route)
    this.beginNext()
  }

  private beginNext (): void {
    for (const route of this.wanting) {
      if (this.attempts >= this.bounds.attempts || this.stopped) return
      this.wanting.delete(route)
      this.attempts++
      route.begin(this.options.dial)
    }
  }

  private attempted (route: Route, attempt: Attempt | undefined, result: Awaited<ReturnType<Dial>> | undefined): void {
    this.attempts--
    if (attempt !== undefined && result !== undefined) {
      const { tally } = this.context
      const how = 'stream' in result ? 'ready' : result.failed.reason
      tally.attempts.set(how, (tally.attempts.get(how) ?? 0) + 1)
      this.options.attempted?.(route, attempt, result)
      if (route.rules.side === 'internal') this.options.wantedInside?.(route.pair, result)
    }
    // Not from inside of `beginNext`, which goes on by itself.
    queueMicrotask(() => {
      this.beginNext()
      this.settled()
    })
  }

  private sweep (now: number): void {
    this.swept = now
    for (const [key, route] of this.routes) {
      const { way } = route
      if (way !== undefined && !way.isShared) route.lastUsed = Math.max(route.lastUsed, way.lastUsed)
      if (route.idle && now - route.lastUsed >= KEPT_MS) this.forget(key, route)
    }
    // Numbers of a pair that nobody uses are kept as long as there is room.
    if (this.pairs.size * 2 <= this.bounds.pairs) return
    for (const [key, { users }] of this.pairs) if (users <= 0) this.pairs.delete(key)
  }

  private forgetOne (): boolean {
    let looked = 0
    for (const [key, route] of this.routes) {
      if (route.idle) {
        this.forget(key, route)
        return true
      }
      // The first ones are the oldest; a look at all of them for each stanza would be an attack of its own.
      if (++looked >= 64) break
    }
    return false
  }

  private forget (key: string, route: Route): void {
    route.forget()
    this.routes.delete(key)
    this.watched.delete(route)
    route.count.users--
  }

  private forgetPair (): boolean {
    let looked = 0
    for (const [key, count] of this.pairs) {
      this.pairs.delete(key)
      if (count.users <= 0) return true
      // Behind the others, so that those come to be looked at, too.
      this.pairs.set(key, count)
      if (++looked >= 1000) break
    }
    return false
  }
}

export function keyOf (zone: string, { from, to }: Pair): string {
  return `${zone} ${from} ${to}`
}
