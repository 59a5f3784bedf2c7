/**
 * A pair under check: what of it reaches the listener. A callback belongs to it by (from, to, id) of its db:verify, or by its header where none came;
 * the source address is evidence only.
 */
import { quoted } from '@dialtone/kernel'
import { DIGEST } from '@dialtone/net'
import type { Callback, DialbackAnswerSeen, Failure, Pong, Software } from '@dialtone/contracts'

/** How the peer's key is proved: its authoritative server is asked, over a stream of its own. Never rejects. */
export type Prove = (question: { from: string, to: string, id: string, key: string }) => Promise<{ answer: DialbackAnswerSeen } | { failure: Failure }>

export type Expectation = {
  readonly peer: string
  /** Addresses of the peer's endpoints: what is kept for peers under check is kept for them. */
  readonly addresses: ReadonlySet<string>
  readonly prove: Prove
  /** Milliseconds since the observation began. */
  readonly since: () => number
  /** The ids of streams on which a key was sent for the pair. */
  readonly streamIds: Set<string>
  /** In order; bounded. */
  readonly callbacks: Callback[]
  callbacksLeftOut: number
  /** Connections that came while the pair was under check and have not said a header, by their number; bounded. */
  readonly strays: Map<number, { source: string, failure?: Failure }>
  /** What we asked by iq, by the id of the stanza: pings, and what software it is. Kept to the end of the check, so that late answers are known. */
  readonly asked: Map<string, (answer: Omit<Pong, 'ms'> & { software?: Software }) => void>
}

/** A stream id as it is kept: cut, and still another than one that begins alike. */
export function shownId (id: string): string {
  return id.length <= 100 ? quoted(id, 100).slice(0, 200) : `${quoted(id, 60).slice(0, 150)} ${DIGEST.sha256(id).slice(0, 16)}`
}

/** Kept per pair: more only by a peer that means harm. */
export const MOST_CALLBACKS = 50

/** Adds a callback, or counts it. */
export function keep (expectation: Expectation, callback: Callback): void {
  if (expectation.callbacks.length < MOST_CALLBACKS) expectation.callbacks.push(callback)
  else expectation.callbacksLeftOut++
}

/** One that asked about a key of this check has its place, whoever else came in the peer's name. */
export function keepAsked ({ callbacks }: Expectation, callback: Callback): void {
  if (callbacks.includes(callback)) return
  const place = callbacks.findLastIndex(({ asked }) => asked === undefined)
  if (place >= 0) callbacks[place] = callback
}
