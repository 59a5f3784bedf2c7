// Which alert a cause raises. The closed set: rules for Prometheus and for Grafana, runbooks, the lab's expectations and the tests all go by it.
import type { Cause } from '@dialtone/contracts'

/** Alerts about a domain or pair: each stands for a group of causes that the same people mend in the same way. */
export const CAUSE_ALERTS = {
  DialtoneResolverDown: ['dns.resolver-unavailable'],
  DialtoneRecordsBroken: ['dns.nxdomain', 'dns.servfail', 'dns.service-disabled', 'dns.address-unexpected', 'dns.target-unresolvable', 'dns.port-unexpected', 'dns.no-records'],
  DialtonePathBlocked: ['path.inbound-blocked', 'path.inbound-refused', 'path.outbound-blocked', 'path.peer-blocked'],
  DialtonePathInterfered: ['path.interfered'],
  DialtonePeerDown: ['peer.unreachable', 'peer.protocol-error'],
  DialtoneServiceDown: ['service.down', 'service.not-xmpp', 'service.silent', 'service.wrong-host', 'service.wrong-box'],
  DialtoneTlsBroken: ['tls.required-by-peer', 'tls.not-offered', 'tls.handshake-failed'],
  DialtoneCertificateBroken: ['certificate.expired', 'certificate.not-yet-valid', 'certificate.name-mismatch', 'certificate.purpose', 'certificate.self-signed', 'certificate.untrusted'],
  DialtoneCertificateExpiring: ['degraded.certificate-expiring'],
  DialtoneAuthenticationBroken: ['auth.none-offered', 'auth.external-refused'],
  DialtoneDomainClaimed: ['dialback.domain-claimed'],
  DialtoneDialbackBroken: ['dialback.callback-blocked', 'dialback.callback-misdirected', 'dialback.callback-aborted', 'dialback.denied', 'dialback.timeout'],
  DialtoneRefusedByPeer: ['policy.refused-by-peer'],
  DialtoneDegraded: ['degraded.endpoint-dead', 'degraded.records', 'degraded.weak-authentication', 'degraded.slow', 'dns.split-view', 'peer.partition', 'peer.busy'],
  DialtoneUnknown: ['unknown'],
  DialtoneVantageUnhealthy: ['vantage.unhealthy'],
} as const satisfies Record<string, readonly Cause[]>
export type CauseAlert = keyof typeof CAUSE_ALERTS

/** Causes that never raise an alert: nothing is wrong, or it is as we wanted it. */
export const QUIET_CAUSES = ['healthy', 'policy.refused-by-us'] as const satisfies readonly Cause[]

/** Alerts about Dialtone itself. */
export const SELF_ALERTS = [
  'DialtoneControlDown', 'DialtoneControlRestarts', 'DialtoneNobodySpeaks', 'DialtoneAnalysisFailing', 'DialtoneAnalysisBehind', 'DialtoneAgentDown', 'DialtoneAgentTrouble', 'DialtoneObservationsLost',
  'DialtoneGatewayDown', 'DialtoneGatewayQueueing', 'DialtoneGatewayConfigurationRefused', 'DialtoneStoreFull', 'DialtoneFaults',
] as const
export type SelfAlert = (typeof SELF_ALERTS)[number]

/** Alerts about a domain of ours whatever the cause is. */
export const DOMAIN_ALERTS = ['DialtoneDomainDown'] as const
export type DomainAlert = (typeof DOMAIN_ALERTS)[number]
export type AlertName = CauseAlert | DomainAlert | SelfAlert
