import type { Actor, Cause, Hop, Side, State } from '@dialtone/contracts'

/** One cause, as people are told it. `DOMAIN` and `OURS` in the texts stand for the domain that is checked and the one in whose interest. */
export type CauseRow = {
  state: State
  side: Side
  /** Where on the way it lies. */
  hop: Hop
  /** Who can mend it first. */
  actor: Actor
  /** Completes "DOMAIN: …": no capital, no full stop. */
  says: string
  /** What has to be seen before it is said; what does not suffice. */
  proof: string
  /** What it is taken for, and how the two are told apart. */
  lookAlikes: readonly (readonly [cause: Cause, how: string])[]
  /** What to do, in order: what helps most often first, and how to see that it helped. */
  remedy: readonly [string, ...string[]]
}

type Text = Pick<CauseRow, 'says' | 'proof' | 'remedy'> & Partial<Pick<CauseRow, 'lookAlikes'>>

/** A row whose place is told by one of the functions below. */
export function row (state: State, side: Side, hop: Hop, actor: Actor, { lookAlikes = [], ...text }: Text): CauseRow {
  return { state, side, hop, actor, ...text, lookAlikes }
}

/** The peer's server, and its administrator. */
export function atPeer (state: State, text: Text): CauseRow {
  return row(state, 'peer', 'peer-server', 'peer-admin', text)
}

/** The records that the domain publishes. */
export function inRecords (state: State, text: Text): CauseRow {
  return row(state, 'peer', 'public-dns', 'dns-admin', text)
}

/** What lies between. */
export function onTheWay (text: Text): CauseRow {
  return row('down', 'path', 'firewall', 'firewall-admin', text)
}

/** Our own server. */
export function atOurs (text: Text): CauseRow {
  return row('down', 'ours', 'our-server', 'server-admin', text)
}
