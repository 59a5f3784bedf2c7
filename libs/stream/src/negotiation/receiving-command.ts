// What the receiving table tells its driver to do, in order.
import type { StreamCondition } from '@dialtone/contracts'
import type { DialbackAnswer } from './event.ts'
import type { Pair } from './pair.ts'
import type { StreamLimits } from './rules.ts'

/** A domain that the peer did not name is ''. */
export type Named = Pair

export type Command =
  | { do: 'start-tls' }
  /** `legacy`: without a version, as the peer's own. */
  | { do: 'send-header', pair: Named, legacy?: boolean }
  | { do: 'send-features', starttls: 'required' | 'optional' | 'absent', external: boolean, dialback: boolean, bidi: boolean, streamManagement: boolean, limits?: StreamLimits }
  | { do: 'send-proceed' }
  | { do: 'send-starttls-failure' }
  /** From here on the pair is authenticated. */
  | { do: 'send-sasl-success', pair: Pair }
  | { do: 'send-sasl-failure', condition: 'encryption-required' | 'incorrect-encoding' | 'invalid-mechanism' | 'invalid-authzid' | 'not-authorized' }
  /** Ask the authoritative server of `pair.from`, on another stream than this; `dialback-judged` brings the answer. */
  | { do: 'verify-key', number: number, pair: Pair, key: string }
  /** Compute whether the key is ours, and send the answer (XEP-0220 §2.2.2). */
  | { do: 'answer-question', pair: Pair, id: string, key: string }
  | { do: 'refuse-question', pair: Pair, id: string, condition: 'item-not-found' | 'policy-violation' }
  /** With `valid` the pair is authenticated from here on. */
  | { do: 'send-dialback-result', pair: Pair, answer: DialbackAnswer }
  | { do: 'deliver', pair: Pair }
  /** A stanza that is answered with an error, or dropped where RFC 6120 §8.3.1 forbids one; the stream goes on. */
  | { do: 'refuse-stanza', pair: Pair, condition: 'item-not-found' | 'not-allowed' }
  /** XEP-0198: `<enabled/>`, from which on stanzas are counted; `<failed/>`; `<a/>` with what was handled; and what the peer has handled. */
  | { do: 'send-enabled' }
  | { do: 'send-enable-failure', condition: 'unexpected-request' | 'feature-not-implemented' }
  | { do: 'send-acknowledgement' }
  | { do: 'acknowledged', handled: number }
  | { do: 'send-error', condition: StreamCondition, text?: string }
  | { do: 'send-footer' }
  | { do: 'close' }
