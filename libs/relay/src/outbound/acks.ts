/** Acknowledgements of XEP-0198 on one stream, without resumption: what was sent, what of it the peer has, what was asked for. */
const MODULUS = 2 ** 32

export class Acks {
  /** Stanzas sent since `<enable/>`, and those that the peer has. */
  sent = 0
  acknowledged = 0
  /** `sent` when an acknowledgement was last asked for, and when that was; undefined once it is answered. */
  private asked = 0
  askedAt: number | undefined

  /** There are so many that nobody has asked about. */
  due (every: number): boolean {
    return this.sent - this.asked >= every
  }

  ask (now: number): void {
    this.asked = this.sent
    this.askedAt ??= now
  }

  /** `h`, which counts modulo 2^32 (XEP-0198 §4). False when the peer has more than it was sent. */
  heard (h: number): boolean {
    const more = (h - this.acknowledged % MODULUS + MODULUS) % MODULUS
    if (this.acknowledged + more > this.sent) return false
    this.acknowledged += more
    if (this.acknowledged >= this.asked) this.askedAt = undefined
    return true
  }
}

/** What is said, and what is heard: `h` of `<a/>` as it stands there. */
export const STREAM_MANAGEMENT = 'urn:xmpp:sm:3'
export const ENABLE = `<enable xmlns='${STREAM_MANAGEMENT}'/>`
export const REQUEST = `<r xmlns='${STREAM_MANAGEMENT}'/>`
export const REQUEST_BYTES = new TextEncoder().encode(REQUEST)
export const NOT_ENABLED = `<failed xmlns='${STREAM_MANAGEMENT}'/>`

export function answerText (received: number): string {
  return `<a xmlns='${STREAM_MANAGEMENT}' h='${received % MODULUS}'/>`
}

/** The number, or undefined when it is none below 2^32. */
export function countIn (h: string | undefined): number | undefined {
  return h !== undefined && /^\d{1,10}$/.test(h) && Number(h) < MODULUS ? Number(h) : undefined
}
