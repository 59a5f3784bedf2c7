// What stands between a hostile peer and the inside, in one place, so that a test can take one away and show what that guard is good for.
import type { AcceptOptions } from '@dialtone/net'
import { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, advanceReceiving, type Limits } from '@dialtone/stream'
import { proves } from './identity.ts'
import { standingOf } from './standing.ts'

export type Guards = {
  advance: typeof advanceReceiving
  proves: typeof proves
  standing: typeof standingOf
  /** Bytes that came in clear behind `<starttls/>` and were not read (row C1). */
  surplus: (bytes: Uint8Array) => number
  /** What of them is read as if it had come through TLS: nothing. */
  carried: (bytes: Uint8Array) => Uint8Array
  before: Limits
  after: Limits
  tls: Pick<AcceptOptions, 'alpn' | 'unguarded'>
}

const NOTHING = new Uint8Array(0)

export const GUARDS: Guards = {
  advance: advanceReceiving,
  proves,
  standing: standingOf,
  // White space is harmless; anything else would be read as if it had come through TLS (RFC 6120 §5.3.3).
  surplus: bytes => bytes.filter(byte => byte > 0x20).length,
  carried: () => NOTHING,
  before: BEFORE_AUTHENTICATION,
  after: AFTER_AUTHENTICATION,
  tls: {},
}
