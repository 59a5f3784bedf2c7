/** One stream out, as the routes that use it share it: what was written to it and is not known to have arrived, and whether the peer takes more. */
import type { StreamCondition } from '@dialtone/contracts'
import { Queue, type Waiting } from '@dialtone/routing'
import type { OutStream } from '../seams.ts'
import { reportFault } from '../faults.ts'
import { settle, type Context } from './context.ts'
import { relaySeconds } from './durations.ts'
import { PairCount } from './pair-count.ts'
import type { Route } from './route.ts'

/** More than that is not written to a stream whose peer does not read (gateways.md 5.8). */
export const UNSENT = 1_048_576
/** Nor more than that waits for acknowledgement. */
const UNACKNOWLEDGED = 1_048_576
/** Pairs whose routes have left. */
const MOST_LEFT = 1000

export class Way {
  readonly out: OutStream
  readonly since: number
  /** In this order, for the tags of what is not acknowledged. */
  readonly routes: Route[] = []
  /** Takes stanzas. */
  open: boolean
  /** Since when the peer has not taken what it was sent. */
  blockedSince: number | undefined
  /** XEP-0198: copies of what was written and not acknowledged. */
  private readonly unacknowledged: Queue | undefined
  private acknowledged: number
  lastUsed: number
  /** Stanzas of routes that have left; their pairs beyond the first thousand as one. */
  private readonly left = new Map<PairCount, number>()
  private readonly others = new PairCount('', '')
  private readonly context: Context
  private isTouched = false

  constructor (context: Context, out: OutStream) {
    this.context = context
    this.out = out
    this.open = out.open
    this.since = this.lastUsed = context.clock.elapsed()
    this.acknowledged = out.acknowledged ?? 0
    this.unacknowledged = out.acknowledged === undefined ? undefined : new Queue()
    out.drained = () => this.unblock()
    out.ending = () => this.shut()
    if (this.unacknowledged !== undefined) out.acked = () => this.acked()
    this.untilItEnds().catch((error: unknown) => reportFault(context, 'ended', error))
  }

  get keeps (): boolean { return this.unacknowledged !== undefined }
  get blocked (): boolean { return this.blockedSince !== undefined }

  join (route: Route): void {
    if (!this.routes.includes(route)) this.routes.push(route)
  }

  /** Routes share it, and nothing on it waits to be acknowledged to one of them. */
  get mayBeLeft (): boolean {
    return this.isShared && (this.unacknowledged?.stanzas ?? 0) === 0
  }

  get isShared (): boolean { return this.out.by === 'component' || this.routes.length > 1 }

  /** The route needs it no more: what it wrote there is answered for here. False where it still has to hear what becomes of it. */
  leave (route: Route, written: number): boolean {
    if (!this.mayBeLeft) return false
    const at = this.routes.indexOf(route)
    if (at >= 0) this.routes.splice(at, 1)
    if (written === 0) return true
    this.context.tally.left += written
    const count = this.left.has(route.count) || this.left.size < MOST_LEFT ? route.count : this.others
    this.left.set(count, (this.left.get(count) ?? 0) + written)
    return true
  }

  /** Something was written: it leaves when the turn ends. */
  touch (): void {
    if (this.isTouched) return
    this.isTouched = true
    const { context } = this
    context.touched.push(this)
    if (!context.samples) return
    context.samples = false
    context.sampled = context.clock.elapsed()
  }

  /** A copy of what was written, until it is acknowledged. `waiting` may be one object for all: it is read, and its tag written. */
  keep (route: Route, data: Uint8Array, start: number, end: number, waiting: Waiting): void {
    waiting.tag = this.routes.indexOf(route)
    this.unacknowledged?.push(data, start, end, waiting)
  }

  /** One write of what was collected; then the peer is given no more until it has taken this. */
  flush (): void {
    this.isTouched = false
    this.lastUsed = this.context.coarse
    this.out.flush()
    if (this.blockedSince !== undefined || (this.out.unsent <= UNSENT && (this.unacknowledged?.bytes ?? 0) <= UNACKNOWLEDGED)) return
    this.blockedSince = this.context.coarse
    for (const route of this.routes) route.update()
  }

  close (condition?: StreamCondition, text?: string): void {
    if (!this.open) return
    this.shut()
    this.out.close(condition, text)
  }

  private shut (): void {
    if (!this.open) return
    this.open = false
    for (const route of this.routes) route.update()
  }

  private unblock (): void {
    if (this.blockedSince === undefined || this.out.unsent > UNSENT || (this.unacknowledged?.bytes ?? 0) > UNACKNOWLEDGED) return
    this.blockedSince = undefined
    for (const route of this.routes) route.pump()
    flushTouched(this.context)
  }

  private acked (): void {
    const { unacknowledged, out, routes } = this
    if (unacknowledged === undefined) return
    for (; this.acknowledged < (out.acknowledged ?? 0); this.acknowledged++) {
      const entry = unacknowledged.first()
      if (entry === undefined) break
      if (!entry.own) routes[entry.tag]?.acknowledged()
      unacknowledged.shift()
    }
    this.acknowledged = out.acknowledged ?? this.acknowledged
    this.unblock()
  }

  private async untilItEnds (): Promise<void> {
    const { clean, because } = await this.out.ended
    this.acked()
    this.open = false
    const lived = this.context.clock.elapsed() - this.since
    const again = new Map<Route, Queue>()
    if (!clean && this.unacknowledged !== undefined) {
      this.unacknowledged.take(Infinity, () => true, entry => {
        const route = this.routes[entry.tag]
        if (route === undefined) return
        const queue = again.get(route) ?? new Queue()
        again.set(route, queue)
        queue.push(entry.data, entry.start, entry.end, entry)
      })
    }
    for (const [count, written] of this.left) {
      this.context.ledger.onStream -= written
      this.context.tally.left -= written
      settle(this.context, count, clean ? 'written' : 'unknown-fate', written)
    }
    this.left.clear()
    for (const route of this.routes) {
      try { route.lost(this, clean, because, lived, again.get(route)) } catch (error) { reportFault(this.context, 'ended', error) }
    }
    flushTouched(this.context)
  }
}

/** What was written in this turn leaves, one write for each stream. */
export function flushTouched (context: Context): void {
  const { touched } = context
  // A way that is flushed may relieve another, which is then behind it in the list.
  for (let number = 0; number < touched.length; number++) (touched[number] as Way).flush()
  touched.length = 0
  if (context.sampled === undefined) return
  context.meter.observe(relaySeconds, {}, (context.clock.elapsed() - context.sampled) / 1000)
  context.sampled = undefined
}
