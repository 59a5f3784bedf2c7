// What the exporter counts about itself, and the names of a probe's answer: those of the Prometheus blackbox exporter and of the XMPP blackbox exporter
// where they have one for it, so that dashboards and alerts of people stay as they are.
import { defineCounter, defineGauge } from '@dialtone/kernel'

export const probesTotal = defineCounter('dialtone_exporter_probes_total', 'Checks that /probe asked for: new, shared with one that ran, reused from the last seconds, or refused by a limit', ['how'])

export const EXPORTER_METRICS = [probesTotal]

export const success = defineGauge('probe_success', '1 if federation with the target works, if with a fault: state up or degraded')
export const duration = defineGauge('probe_duration_seconds', 'How long the whole check took')
export const dnsTime = defineGauge('probe_dns_lookup_time_seconds', 'From the first DNS question to the last answer')
export const certificateEnd = defineGauge('probe_ssl_earliest_cert_expiry', 'When the first of the certificates that the target sent ends, as a Unix time')
export const tlsVersion = defineGauge('probe_tls_version_info', 'The TLS version of the endpoint that the other metrics are about', ['version'])
export const ipProtocol = defineGauge('probe_ip_protocol', 'The IP version of that endpoint')
export const dialbackOffered = defineGauge('probe_dialback_offered', '1 if dialback was offered')
export const saslOffered = defineGauge('probe_sasl_mechanism_offered', '1 if the SASL mechanism was offered', ['mechanism'])
export const phaseDuration = defineGauge('probe_xmpp_duration_seconds', 'Duration by phase: resolve, connect, header, features, tls; starttls is everything from the connection to the end of the TLS handshake', ['phase'])
export const failureInfo = defineGauge('probe_failure_info', 'Why the probe failed: the named cause, and whose it is; absent when it succeeded', ['cause', 'side'])
export const verdictInfo = defineGauge('probe_verdict_info', 'The state and the named cause from this vantage alone, of a success too', ['state', 'cause'])
export const endpointsSeen = defineGauge('probe_xmpp_endpoints', 'Endpoints of the target, by whether every stage succeeded', ['kind', 'result'])

export const PROBE_METRICS = [success, duration, dnsTime, certificateEnd, tlsVersion, ipProtocol, dialbackOffered, saslOffered, phaseDuration, failureInfo, verdictInfo, endpointsSeen]
