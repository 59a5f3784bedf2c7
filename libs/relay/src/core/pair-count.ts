/** What is counted about one pair of ours and a peer, by whoever moves its stanzas; facts are made of it. */
import { OUTCOMES, type Outcome, type Refusal } from '@dialtone/contracts'
import type { Bucket } from '@dialtone/routing'

export class PairCount {
  readonly ours: string
  readonly peer: string
  in = 0
  out = 0
  /** When the last one came from the peer, of the coarse clock. */
  lastIn = 0
  readonly outcomes: Record<Outcome, number> = Object.fromEntries(OUTCOMES.map(outcome => [outcome, 0])) as Record<Outcome, number>
  readonly bounces = new Map<Refusal, number>()
  shadowed = 0
  refused = 0
  /** How fast the peer may send, over all of its streams. */
  stanzaBucket: Bucket | undefined
  byteBucket: Bucket | undefined
  /** Routes and lanes that count here. */
  users = 0
  /** More than numbers of stanzas has changed. */
  news = false

  constructor (ours: string, peer: string) {
    this.ours = ours
    this.peer = peer
  }

  bounced (reason: Refusal): void {
    this.bounces.set(reason, (this.bounces.get(reason) ?? 0) + 1)
    this.news = true
  }
}
