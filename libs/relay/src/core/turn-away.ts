/** How a stanza is refused that was accepted just now: it has its outcome, and its sender is told where that may be (gateways.md 5.7, I5, I6). */
import type { Refusal } from '@dialtone/contracts'
import type { StanzaClass } from '@dialtone/routing'
import type { ElementFrame, Pair } from '@dialtone/stream'
import type { Source } from '../seams.ts'
import { settle, type Context } from './context.ts'
import { planLane } from './judge.ts'
import type { PairCount } from './pair-count.ts'
import { reversed } from './reversed.ts'
import { bounceOf, classOf, kindOf } from './stanza.ts'

/** `send` is given the error, and says whether it found a way. */
export function turnAway (context: Context, count: PairCount, { frame, source, of, reason, trace, as }: { frame: ElementFrame, source: Source, of: StanzaClass, reason: Refusal, trace: string, as?: string }, send: (text: Uint8Array) => boolean): void {
  count.refused++
  if (of === 'error') return settle(context, count, 'dropped-by-rule')
  settle(context, count, 'bounced')
  context.tally.refuse(reason)
  count.bounced(reason)
  const text = bounceOf(frame, source.header, reason, trace, context.world().assignment.spec.host, as)
  if (text === undefined || !send(text)) context.tally.bouncesLost++
}

/**
 * One of a sender who may speak on this stream, to somebody else than here. The error comes from its addressee where we speak for that one and may; else from `as.to`, to whom the
 * sender may speak: in the name of a domain that is not ours nothing can be said.
 */
export function turnStrayAway (context: Context, count: PairCount, source: Source, { as, pair, frame, reason, trace }: { as: Pair | undefined, pair: Pair, frame: ElementFrame, reason: Refusal, trace: string }): void {
  context.ledger.accepted++
  const kind = kindOf(frame)
  if (kind === undefined) return settle(context, count, 'dropped-by-rule')
  const about = { frame, source, of: classOf(frame, kind), reason, trace }
  const back = reversed(pair)
  if (planLane(context.world(), source.zone, pair).goes !== 'nowhere' && context.maySend(source.zone, back)) return turnAway(context, count, about, text => context.sendOwn(source.zone, back, text))
  if (as === undefined) return turnAway(context, count, about, () => false)
  turnAway(context, count, { ...about, as: as.to }, text => context.sendOwn(source.zone, reversed(as), text))
}
