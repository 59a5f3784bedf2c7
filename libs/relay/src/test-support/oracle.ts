/**
 * How a stream must end, from what the policy says and what the peer has: the fallback ladder of gateways.md 5.5, with what RFC 6120 §5 and §13.7, XEP-0178, XEP-0220 §2.5
 * and XEP-0344 §2.4 say of each rung. It knows nothing of the implementation.
 */
import type { PolicySpec, Refusal } from '@dialtone/contracts'

export type Policy = Required<Pick<PolicySpec, 'tls' | 'dialback' | 'external' | 'withoutDialback'>> & { certificate: 'any' | 'valid' | 'pinned' }
export type Shown = 'none' | 'valid' | 'server-only' | 'client-only' | 'expired' | 'self-signed' | 'wrong-name' | 'unknown-authority' | 'other-key'
/** A peer's TLS: it has none, takes what there is, insists on STARTTLS, or speaks it from the first byte. */
export type PeerTls = 'none' | 'optional' | 'required' | 'direct'

/** How the pair was authenticated, and over what; or why it was not. */
export type Outcome<Why> = { by: 'external' | 'certificate' | 'dialback', over: 'tls' | 'clear' } | { refused: Why }

/** A server that connects to us: what it shows inside TLS, and by what it would prove itself. */
export type Comer = { tls: PeerTls, certificate: Shown, external: boolean, dialback: boolean }
/** `no-tls`: it insists and we have none. `handshake`: ours cannot be done. `unauthenticated`: nothing that it could use. Else the condition of a dialback error. */
export type Rebuff = 'no-tls' | 'handshake' | 'unauthenticated' | 'policy-violation' | 'not-authorized'

/** Peer connects to us; `certificate`: whether we have one to show. Its own server calls its keys valid. */
export function inbound (policy: Policy, certificate: boolean, peer: Comer): Outcome<Rebuff> {
  const offered = policy.tls === 'required' || (policy.tls === 'optional' && certificate)
  if (peer.tls === 'required' && !offered) return { refused: 'no-tls' }
  const secured = peer.tls === 'direct' || (peer.tls !== 'none' && offered)
  if (secured && !certificate) return { refused: 'handshake' }
  const over = secured ? 'tls' as const : 'clear' as const
  // XEP-0178 and RFC 6120 §13.7.2 judge chain, dates and name. That it is for servers alone is no fault of a server that connects: authorities issue no others today.
  const good = secured && ['valid', 'server-only', 'client-only', 'other-key'].includes(peer.certificate) && (policy.certificate !== 'pinned' || peer.certificate !== 'other-key')
  // RFC 6120 §5.3.1: nothing but STARTTLS goes on where it is mandatory.
  const barred = !secured && policy.tls === 'required'
  if (peer.external && good && policy.external) return { by: 'external', over }
  if (!peer.dialback) return { refused: 'unauthenticated' }
  // XEP-0220 §2.5: TLS is missing before anything else is.
  if (barred || (!secured && policy.dialback === 'over-tls')) return { refused: 'policy-violation' }
  if (good && policy.withoutDialback) return { by: 'certificate', over }
  if (policy.dialback === 'never' || (policy.certificate !== 'any' && !good)) return { refused: 'not-authorized' }
  return { by: 'dialback', over }
}

/** A server that we connect to: what it shows, and what it offers. `external`: whether it takes a good certificate of ours, refuses it though it offered, or offers nothing. */
export type Host = { tls: PeerTls, certificate: Shown, external: 'taken' | 'refused' | 'absent', dialback: boolean }

/** We connect to the peer; `certificate`: whether we have one in our name. The peer can check our keys. */
export function outbound (policy: Policy, certificate: boolean, peer: Host): Outcome<Refusal> {
  const mayExternal = policy.external && certificate
  const mayDialback = policy.dialback !== 'never'
  if (!mayExternal && !mayDialback) return { refused: 'authentication-refused' }
  const starttls = peer.tls === 'optional' || peer.tls === 'required'
  // RFC 6120 §5.4.2.2; an offer that is missing may have been taken out on the way, so it is asked for all the same.
  if (policy.tls === 'required' && peer.tls === 'none') return { refused: 'tls-failed' }
  const secured = peer.tls === 'direct' || (starttls && policy.tls !== 'none')
  const over = secured ? 'tls' as const : 'clear' as const
  const demanded = policy.certificate !== 'any'
  // RFC 6120 §13.7.2: a server has to have a certificate for servers, in its name.
  const good = ['valid', 'server-only', 'other-key'].includes(peer.certificate) && (policy.certificate !== 'pinned' || peer.certificate !== 'other-key')
  if (secured && demanded && !good) return { refused: 'certificate-refused' }
  if (secured && mayExternal && peer.external === 'taken') return { by: 'external', over }
  // XEP-0178 §3 step 11: after a refusal dialback may follow.
  if (!mayDialback || !peer.dialback) return { refused: 'authentication-refused' }
  if (secured) return { by: 'dialback', over }
  if (policy.dialback === 'over-tls') return { refused: 'tls-failed' }
  // In clear nobody shows a certificate, and an offer of TLS may have been taken out on the way (row C2).
  if (demanded) return { refused: 'certificate-refused' }
  // It insists on TLS, and we have none for it: XEP-0220 §2.5 policy-violation.
  return peer.tls === 'required' ? { refused: 'dialback-error' } : { by: 'dialback', over }
}

export function isAuthenticated<Why> (outcome: Outcome<Why>): boolean {
  return 'by' in outcome
}

/** The domain of ours for which a policy is made. */
export function oursAsIn ({ tls, certificate, dialback, external, withoutDialback }: Policy): string {
  return `${tls}-${certificate}-${dialback}-${external ? 'external' : 'no'}-${withoutDialback ? 'certificate' : 'no'}.ours.example`
}
