/** What waits for one pair, and how each ends that is not written: returned to its sender where that may be, and counted in any case (gateways.md 5.7, I5, I6). */
import type { Refusal } from '@dialtone/contracts'
import { Queue, type Entry, type Waiting } from '@dialtone/routing'
import type { Pair } from '@dialtone/stream'
import { settle, type Context } from './context.ts'
import type { RouteRules } from './judge.ts'
import type { PairCount } from './pair-count.ts'
import { reversed } from './reversed.ts'
import { bounceOf, reframed } from './stanza.ts'

/** Of a queue, for errors and answers that are made here: one half. */
const OWN_SHARE = 2
/** At most so many stanzas end in one go; the rest in the next. */
const AT_ONCE = 1000

export class Line {
  readonly queue = new Queue()
  private readonly context: Context
  private readonly pair: Pair
  private readonly count: PairCount
  private readonly now: () => { rules: RouteRules, trace: string | undefined }

  /** `now`: what holds at this moment, and the trace of the attempt that failed last. */
  constructor (context: Context, pair: Pair, count: PairCount, now: () => { rules: RouteRules, trace: string | undefined }) {
    this.context = context
    this.pair = pair
    this.count = count
    this.now = now
  }

  /** Takes a stanza, or says why not. The bytes are copied. */
  add (data: Uint8Array, start: number, end: number, waiting: Waiting): Refusal | undefined {
    const { queue, context } = this
    const { limits, allBytes } = this.now().rules
    const bytes = end - start
    const share = waiting.own ? OWN_SHARE : 1
    if ((queue.stanzas + 1) * share > limits.queueStanzas || (queue.bytes + bytes) * share > limits.queueBytes || context.queuedBytes + bytes > allBytes) return 'queue-full'
    queue.push(data, start, end, waiting)
    context.queuedBytes += bytes
    if (!waiting.own) context.ledger.queued++
    return undefined
  }

  /** The first one was written to a stream. Returns whether it counts there. */
  shiftWritten ({ start, end, own }: Entry): boolean {
    const { queue, context } = this
    context.queuedBytes -= end - start
    context.tally.bytes += end - start
    queue.shift()
    if (own) {
      context.tally.bouncesSent++
      return false
    }
    context.ledger.queued--
    context.ledger.onStream++
    return true
  }

  /** The first one ends. */
  shiftEnded (entry: Entry, reason: Refusal): void {
    this.queue.shift()
    this.ended(entry, reason)
  }

  /** Those that are due. */
  expire (now: number, reason: Refusal): void {
    this.queue.expire(now, AT_ONCE, entry => this.ended(entry, reason))
  }

  /** All end; `silent`: nobody is told. Returns how many. */
  endAll (reason: Refusal, silent = false): number {
    return this.queue.take(Infinity, () => true, entry => this.ended(entry, reason, silent))
  }

  /** All end but what we say ourselves. */
  endOthers (reason: Refusal): void {
    this.queue.take(Infinity, ({ own }) => !own, entry => this.ended(entry, reason))
  }

  /** What was written and not acknowledged stands before all others once more, and after that is returned. Returns how many were on the stream. */
  putBack (again: Queue, reason: Refusal): number {
    const { context, queue } = this
    const { limits } = this.now().rules
    const now = context.clock.elapsed()
    const first = new Queue()
    let counted = 0
    again.take(Infinity, () => true, entry => {
      if (!entry.own) {
        counted++
        context.ledger.onStream--
        context.ledger.queued++
      }
      context.queuedBytes += entry.end - entry.start
      if (entry.retried) return this.ended(entry, reason)
      if (!entry.own) context.ledger.retried++
      first.push(entry.data, entry.start, entry.end, { ...entry, retried: true, due: now + limits.waitMs[entry.class] })
    })
    queue.putBack(first)
    return counted
  }

  private ended ({ data, start, end, own, class: kind }: Entry, reason: Refusal, silent = false): void {
    const { context, count, pair } = this
    context.queuedBytes -= end - start
    if (own) {
      context.tally.bouncesLost++
      return
    }
    context.ledger.queued--
    if (kind === 'error' || silent) return settle(context, count, silent ? 'dropped-by-rule' : 'expired')
    settle(context, count, 'bounced')
    context.tally.refuse(reason)
    count.bounced(reason)
    const { rules: { back, host }, trace = context.trace() } = this.now()
    try {
      const text = reframed(data, start, end, (frame, header) => bounceOf(frame, header, reason, trace, host))
      if (text === undefined || back === undefined || !context.sendOwn(back, reversed(pair), text)) context.tally.bouncesLost++
    } catch {
      context.tally.faults++
      context.tally.bouncesLost++
    }
  }
}
