// What the receiving side allows, pair by pair: one stream may carry many, and each is judged on its own whenever something about it is decided.
import type { EndpointKind } from '@dialtone/contracts'
import type { Pair } from './pair.ts'

/** What holds for a pair at this moment. `from` is the peer. */
export type Rules = {
  /** `to` is served here, in the zone of this stream (invariant I8 of the gateway). */
  served: boolean
  /** `from` is served here: whoever claims it claims to be us (row D13). */
  ours: boolean
  /** Policy refuses the pair before anybody is asked about it. Questions about our own keys are answered all the same. */
  denied?: boolean
  tls: 'required' | 'optional' | 'never'
  /** Whether a key is worth asking about: not at all, if it came through TLS, or also in clear. */
  dialback: 'never' | 'over-tls' | 'always'
  /** SASL EXTERNAL, where the certificate is good for `from`. */
  external: boolean
  /** Such a certificate also answers for a key (XEP-0344 §2.4). */
  withoutDialback: boolean
  bidi: boolean
  /** Peers from before XMPP 1.0, which send no version and get no features, may use dialback. */
  legacy: boolean
  /** XEP-0198, without resumption. */
  streamManagement?: boolean
  /** What the peer is told to keep to (XEP-0478). */
  limits?: StreamLimits
}

/** XEP-0478: bytes of the largest first-level element, and seconds of silence after which the stream is closed. */
export type StreamLimits = { maxBytes?: number, idleSeconds?: number }

/** What the receiving side offers. `rules` is asked again at each decision; a domain that the peer did not name is ''. It must not throw. */
export type Offer = { kind: EndpointKind, rules: (pair: Pair) => Rules }

/** Why a pair may not be authorised, whatever it can prove, as a dialback error (XEP-0220 §2.5). */
export function refusalOf ({ served, ours, denied = false }: Rules): 'item-not-found' | 'policy-violation' | 'not-allowed' | undefined {
  if (!served) return 'item-not-found'
  if (ours) return 'policy-violation'
  return denied ? 'not-allowed' : undefined
}

/** Whether a key may be sent: one that came in clear counts only where TLS is not demanded and dialback not bound to it. */
export function takesKeys ({ tls, dialback }: Rules, secured: boolean): boolean {
  return secured || (tls !== 'required' && dialback !== 'over-tls')
}

/** Whether dialback is offered. Also in clear where keys must come through TLS: a peer that sends one is told so. */
export function offersDialback ({ dialback, withoutDialback }: Rules, secured: boolean): boolean {
  return dialback !== 'never' || (secured && withoutDialback)
}
