// Which cause goes before which.
import type { Cause } from '@dialtone/contracts'
import type { Fault } from '../faults.ts'

/** What stops federation, in the order of judging: the first that is proved wins. A line is a group. */
export const ORDER: readonly Cause[] = [
  'vantage.unhealthy',
  'dialback.domain-claimed',
  'dns.resolver-unavailable', 'dns.nxdomain', 'dns.servfail', 'dns.service-disabled', 'dns.address-unexpected', 'dns.target-unresolvable', 'dns.port-unexpected', 'dns.no-records',
  'path.inbound-blocked', 'path.inbound-refused', 'path.outbound-blocked', 'path.peer-blocked', 'peer.unreachable',
  'service.down', 'service.not-xmpp', 'service.silent', 'service.wrong-box', 'service.wrong-host', 'peer.busy', 'peer.protocol-error',
  'tls.required-by-peer', 'tls.not-offered', 'tls.handshake-failed',
  'certificate.expired', 'certificate.not-yet-valid', 'certificate.name-mismatch', 'certificate.purpose', 'certificate.self-signed', 'certificate.untrusted',
  'auth.none-offered', 'auth.external-refused',
  'dialback.callback-blocked', 'dialback.callback-misdirected', 'dialback.callback-aborted', 'dialback.denied', 'dialback.timeout',
  'policy.refused-by-peer', 'policy.refused-by-us',
  'unknown',
]

/** When it works, what is still wrong: the first that is proved wins. `degraded.endpoint-dead` goes before all of them. */
export const SOFT_ORDER: readonly Cause[] = [
  'dns.address-unexpected',
  'certificate.expired', 'certificate.not-yet-valid', 'certificate.name-mismatch', 'certificate.purpose', 'certificate.self-signed', 'certificate.untrusted',
  'degraded.certificate-expiring', 'dns.split-view', 'path.interfered', 'degraded.records', 'degraded.weak-authentication', 'degraded.slow',
]

/** Faults in the order of judging; those of one cause by where and what. */
export function byOrder (a: Fault, b: Fault): number {
  return rankOf(a) - rankOf(b) || compare(keyOf(a), keyOf(b)) || compare(wordsOf(a), wordsOf(b))
}

/** What stops nothing comes last. */
function rankOf ({ cause }: Fault): number {
  const rank = ORDER.indexOf(cause)
  return rank < 0 ? ORDER.length : rank
}

function compare (a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function wordsOf ({ says, remedy, state, side }: Fault): string {
  return [says, remedy, state, side].map(word => word ?? '').join(' ')
}

function keyOf ({ endpoint, text, vantage }: Fault): string {
  return [endpoint ?? '', text, vantage].join(' ')
}
