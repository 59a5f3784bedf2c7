/** What the parts of the core share: one configuration, one ledger, one time for a turn. */
import type { Outcome, Refusal } from '@dialtone/contracts'
import type { Ledger } from '@dialtone/routing'
import type { Pair } from '@dialtone/stream'
import type { AwaitedComponent, Dial, OutStream, Surroundings, WayInside } from '../seams.ts'
import type { PairCount } from './pair-count.ts'
import type { Attempt, Route } from './route.ts'
import type { Way } from './way.ts'

/** Plain numbers: they are counted up with stanzas, and become metrics once a second. */
export class Tally {
  /** Sent as they came, and put into our spelling. */
  asTheyCame = 0
  rewritten = 0
  /** Bytes of stanzas that were written. */
  bytes = 0
  /** Refused by a rule that only counts. */
  shadowed = 0
  readonly refused = new Map<Refusal, number>()
  bouncesSent = 0
  /** Errors that found no way back. */
  bouncesLost = 0
  /** Stopped reading from a source, by reason. */
  pausedByRoute = 0
  pausedByRate = 0
  /** A bound of the gateway was hit. */
  routesFull = 0
  pairsFull = 0
  own = 0
  /** On streams, of routes that are forgotten. */
  left = 0
  faults = 0
  /** Connecting: attempts by how they ended. */
  readonly attempts = new Map<string, number>()
  readonly closed = new Map<string, number>()
  /** What was decided about pairs: by action, and by whether a rule would have denied it and only counts. */
  readonly decisions = new Map<string, number>()

  decided (action: string, shadow: boolean): void {
    const key = `${action} ${shadow ? 'yes' : 'no'}`
    this.decisions.set(key, (this.decisions.get(key) ?? 0) + 1)
  }

  refuse (reason: Refusal): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
  }
}

export type Context = Surroundings & {
  ledger: Ledger
  tally: Tally
  /** Changes when any decision may have. */
  epoch: number
  /** Of the monotonic clock, as of the last turn or tick: good to a fifth of a second. */
  coarse: number
  /** The same of this turn, NaN before somebody has asked for it. */
  turn: number
  /** Of the next turn it is measured how long its first stanza takes; when that came, of the monotonic clock. */
  samples: boolean
  sampled: number | undefined
  /** Bytes in all queues, kept by those who put in and take out. */
  queuedBytes: number
  /** Ways with stanzas that have not left. */
  touched: Way[]
  /** A new word by which what was told to a sender is found again. */
  trace: () => string
  /** Something about a route is to be looked at by and by. */
  watch: (route: Route) => void
  /** A stream is wanted; begins when there is room. */
  connect: (route: Route) => void
  /** An attempt is over. */
  attempted: (route: Route, attempt: Attempt | undefined, result: Awaited<ReturnType<Dial>> | undefined) => void
  /** A stream that is there already and may carry the pair. */
  offered: (zone: string, pair: Pair) => OutStream | undefined
  /** Such a pair waits for a component, and for nothing else. */
  expects: (zone: string, pair: Pair) => AwaitedComponent | undefined
  /** Of a stream to the server of ours that nobody dials: it came, or what it was for has waited in vain. */
  wantedInside: (pair: Pair, result: WayInside) => void
  /** What all routes share that use this stream. */
  wayOf: (out: OutStream) => Way
  /** Sends an error or an answer that was made here to the other side of a pair; false when it finds no way. */
  sendOwn: (zone: string, pair: Pair, text: Uint8Array) => boolean
  /** Whether `sendOwn` would find one, as far as rules say. */
  maySend: (zone: string, pair: Pair) => boolean
}

/** How a stanza ends that is not on a stream and not in a queue any more. */
export function settle (context: Context, count: PairCount, outcome: Outcome, stanzas = 1): void {
  context.ledger.outcomes[outcome] += stanzas
  count.outcomes[outcome] += stanzas
}
