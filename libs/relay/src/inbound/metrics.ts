// What the listeners of the gateway count. Zones are configured; every other label is of a closed set (row R7).
import { defineCounter, defineGauge } from '@dialtone/kernel'

export const connections = defineCounter('dialtone_gateway_connections_total', 'Connections to listeners of the gateway: accepted, or closed without a byte and why', ['zone', 'outcome'])
export const ended = defineCounter('dialtone_gateway_inbound_ended_total', 'Inbound streams that ended, by how: clean, lost, tls, or the condition of the stream error that we sent', ['zone', 'ended'])
export const authenticated = defineCounter('dialtone_gateway_inbound_authenticated_total', 'Pairs that were authenticated on inbound streams', ['zone', 'by'])
export const handshakes = defineCounter('dialtone_gateway_inbound_handshakes_total', 'TLS handshakes of inbound streams', ['zone', 'outcome'])
export const keys = defineCounter('dialtone_gateway_inbound_keys_total', 'Dialback keys that peers showed, by what their authoritative server said, or why it was not asked', ['zone', 'answer'])
export const asked = defineCounter('dialtone_gateway_asked_total', 'Questions whether we made a dialback key, by what was answered', ['zone', 'answer'])
export const unsolicited = defineCounter('dialtone_gateway_unsolicited_dialback_total', 'Dialback answers on inbound streams that nobody had asked for', ['zone'])
export const refusedXml = defineCounter('dialtone_gateway_refused_xml_total', 'Inbound streams that ended because of their XML, by the limit or the condition', ['zone', 'why'])
export const withdrawn = defineCounter('dialtone_gateway_withdrawn_total', 'Authenticated pairs that were withdrawn because the configuration changed or somebody closed them', ['zone'])
export const limited = defineCounter('dialtone_gateway_inbound_limited_total', 'What a limit of inbound streams refused or ended', ['zone', 'limit'])
export const streams = defineGauge('dialtone_gateway_inbound_streams', 'Inbound streams that are open', ['zone', 'state'])
export const verifying = defineGauge('dialtone_gateway_verifications', 'Dialback keys that are being proved')

/** All of them, for the documentation and the registry. */
export const INBOUND_METRICS = [connections, ended, authenticated, handshakes, keys, asked, unsolicited, refusedXml, withdrawn, limited, streams, verifying]
