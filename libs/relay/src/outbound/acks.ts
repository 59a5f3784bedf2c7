// Acknowledgements of XEP-0198 on one stream that we opened, without resumption.
import { ACKNOWLEDGEMENT_REQUEST } from '@dialtone/stream'

export const MODULUS = 2 ** 32
export const REQUEST_BYTES = new TextEncoder().encode(ACKNOWLEDGEMENT_REQUEST)

/** What was sent, what of it the peer has, what was asked for. */
export class Acks {
  /** Stanzas sent since `<enable/>`, and those that the peer has. */
  sent = 0
  acknowledged = 0
  /** `sent` when an acknowledgement was last asked for, and when that was. */
  private asked = 0
  private lastAt = 0
  /** The request that is waited for, and since when; undefined when nothing is asked. Those between it and the last one are answered with them. */
  private awaited = 0
  askedAt: number | undefined

  /** There are so many that nobody has asked about. */
  due (every: number): boolean {
    return this.sent - this.asked >= every
  }

  ask (now: number): void {
    this.asked = this.sent
    this.lastAt = now
    if (this.askedAt !== undefined) return
    this.awaited = this.sent
    this.askedAt = now
  }

  /** `h`, which counts modulo 2^32 (XEP-0198 §4). False when the peer has more than it was sent. */
  heard (h: number): boolean {
    const more = (h - this.acknowledged % MODULUS + MODULUS) % MODULUS
    if (this.acknowledged + more > this.sent) return false
    this.acknowledged += more
    if (this.askedAt !== undefined && this.acknowledged >= this.awaited) {
      // A peer that answers is not late because it was asked again meanwhile.
      this.askedAt = this.acknowledged >= this.asked ? undefined : this.lastAt
      this.awaited = this.asked
    }
    return true
  }
}
