// What the core is told of pairs, so that it can keep what is known of each (PairFacts). Bounded by the core; never called for who is not of a served pair.
import type { CallbackAnswer } from '@dialtone/contracts'
import type { Sides } from '@dialtone/routing'

export type By = 'external' | 'dialback' | 'certificate'

/** Of the zone in which it happened. `remote` is address:port; `at` milliseconds since the epoch. */
type Common = { zone: string, sides: Sides, at: number, remote: string }

/** `certificate`: of the leaf that the peer showed, whether or not it proved anything; `key` is SHA-256 of its SubjectPublicKeyInfo. */
export type Authenticated = Common & { stream: string, by: By, tls?: string, certificate?: { key: string, issuer: string, notAfter: number, pinned: boolean, matches: boolean } }

export type InboundHooks = {
  authenticated?: (fact: Authenticated) => void
  /** A stream or a key of the pair was refused; `says` for people. */
  refused?: (fact: Common & { says: string }) => void
  /** Somebody asked whether we made a key in the name of the one that we speak for. */
  asked?: (fact: Common & { answer: CallbackAnswer }) => void
  /** Somebody showed a key in the speaker's name, and its own server said so. */
  shown?: (fact: Common & { answer: 'valid' | 'invalid' | 'failed' }) => void
}
