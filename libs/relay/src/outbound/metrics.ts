import { defineCounter, defineGauge, defineHistogram } from '@dialtone/kernel'

/** Of a phase of opening a stream: below what anybody notices, up to the longest time-outs. */
const PHASE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60]

export const PHASES = ['dns', 'tcp', 'tls', 'stream', 'auth'] as const
export type Phase = (typeof PHASES)[number]

export const dialSeconds = defineHistogram('dialtone_gateway_dial_seconds', 'How long the phases of opening a stream take: dns, tcp, stream (up to the features), tls, auth.', ['zone', 'phase'], PHASE_SECONDS)
export const dialsTotal = defineCounter('dialtone_gateway_dials_total', 'Attempts to open a stream by how they ended: ready, cancelled, or why there is none.', ['zone', 'outcome'])
export const targetsTotal = defineCounter('dialtone_gateway_dial_targets_total', 'Targets that were tried, by how far: ready, or why the next one was.', ['zone', 'outcome'])
export const verificationsTotal = defineCounter('dialtone_gateway_verifications_total', 'Keys that an authoritative server was asked about, by its answer.', ['zone', 'answer'])
export const badTargetsGauge = defineGauge('dialtone_gateway_bad_targets', 'Targets that failed and are tried last for a while.', ['zone'])
export const outboundTls = defineCounter('dialtone_gateway_outbound_tls_total', 'TLS handshakes with servers that we connected to, by version and by what their certificate is worth.', ['zone', 'protocol', 'verdict'])
export const outboundAuthenticated = defineCounter('dialtone_gateway_outbound_authenticated_total', 'Streams to a server that it has authenticated, by how.', ['zone', 'by'])
export const outboundClosed = defineCounter('dialtone_gateway_outbound_closed_total', 'Authenticated streams to a server by how they ended: clean, idle, stuck, stream-error (of the peer), broke-protocol, broken.', ['zone', 'how'])

export const OUTBOUND_METRICS = [dialSeconds, dialsTotal, targetsTotal, verificationsTotal, badTargetsGauge, outboundTls, outboundAuthenticated, outboundClosed]
