/** What is decided about a pair, and what a leg demands: the answers of the policy table, in the shapes that the engine works by. */
import type { PolicySpec } from '@dialtone/contracts'

/** One of our inside domains and a foreign one; canonical. Stanzas are `inbound` from the peer to ours. */
export type Sides = { ours: string, peer: string }
export type Direction = 'inbound' | 'outbound'

/** What a gateway demands of a stream between itself and one server, whichever of them opened it. Defaults are the zone's (gateways.md 5.5): outside TLS required and dialback over TLS, inside TLS optional and dialback always. */
export type LegRules = {
  tls: 'none' | 'optional' | 'required'
  minTls: '1.2' | '1.3'
  /** `valid`: good for the domain by chain, name and dates; `pinned`: its key is one of `pins`, too. */
  certificate: 'any' | 'valid' | 'pinned'
  pins: readonly string[]
  dialback: 'never' | 'over-tls' | 'always'
  external: boolean
  withoutDialback: boolean
  bidi: boolean
  streamManagement: boolean
}

/** How long a stanza may wait, by what it is; `error` are errors and iq results, which are never bounced. */
export const STANZA_CLASSES = ['message', 'iq', 'presence', 'error'] as const
export type StanzaClass = (typeof STANZA_CLASSES)[number]

export type PairLimits = {
  stanzaBytes: number
  bytesPerSecond?: number
  stanzasPerSecond?: number
  /** Inbound streams of one pair at once. */
  streams: number
  queueStanzas: number
  queueBytes: number
  waitMs: Readonly<Record<StanzaClass, number>>
}

/** About one pair and direction, under one revision of the policy; the same object for as long as the answer is the same, so that who keeps it may compare. */
export type Decision = {
  action: 'allow' | 'deny' | 'hold'
  /** A rule would have denied it and only counts. */
  shadow: boolean
  /** Which policy, and why this one, for people. `policy` is absent for the default. */
  policy?: string
  matched: string
  profile?: PolicySpec['profile']
  /** What is wanted of this peer or pair, beside the policy. */
  wanted: 'enabled' | 'held' | 'draining' | 'blocked'
  /** Of the streams between the gateway and the peer, in the external zone. */
  leg: LegRules
  limits: PairLimits
  /** When the answer ends by itself, milliseconds since the epoch. */
  until?: number
}
