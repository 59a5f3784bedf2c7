/**
 * What became of every stanza. It is accepted once, and at every moment it is waiting, on a stream that is open, or in exactly one outcome:
 * `accepted` = sum of the outcomes + `queued` + `onStream`, always (gateways.md I5).
 */
import { OUTCOMES, type Conservation, type Outcome } from '@dialtone/contracts'

/** Plain numbers, for they are counted up with every stanza. Whoever moves a stanza changes two of them. */
export class Ledger {
  accepted = 0
  queued = 0
  onStream = 0
  retried = 0
  readonly outcomes: Record<Outcome, number> = Object.fromEntries(OUTCOMES.map(outcome => [outcome, 0])) as Record<Outcome, number>

  /** What is missing: 0, or a bug. */
  get missing (): number {
    let sum = this.queued + this.onStream
    for (const outcome of OUTCOMES) sum += this.outcomes[outcome]
    return this.accepted - sum
  }

  conservation (): Conservation {
    return { accepted: this.accepted, outcomes: { ...this.outcomes }, queued: this.queued, onStream: this.onStream, retried: this.retried }
  }
}
