import { defineCounter, defineGauge, defineHistogram } from '@dialtone/kernel'

/** Of a stage: below what anybody notices, up to the longest time-outs. */
const STAGE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100]

export const checksTotal = defineCounter('dialtone_checks_total', 'Checks that ended, by what they were for, how deep, and whether a step failed; dropped: cut short by ourselves.', ['vantage', 'job', 'depth', 'result'])
export const stageSeconds = defineHistogram('dialtone_stage_seconds', 'How long the stages of light checks take.', ['vantage', 'kind', 'stage', 'outcome'], STAGE_SECONDS)
export const dnsSeconds = defineHistogram('dialtone_dns_question_seconds', 'How long DNS questions take.', ['vantage', 'outcome'], STAGE_SECONDS)
export const dialbackTotal = defineCounter('dialtone_dialback_total', 'Dialback by the role of the connection and how it ended.', ['vantage', 'role', 'outcome'])
export const externalTotal = defineCounter('dialtone_external_total', 'SASL EXTERNAL by how it ended.', ['vantage', 'outcome'])
export const targetsGauge = defineGauge('dialtone_targets', 'Targets of this agent: its own, those of the whole vantage, those that fail, those that wait for longer than their interval.', ['vantage', 'agent', 'which'])
export const budgetPutOff = defineCounter('dialtone_budget_put_off_total', 'Checks that were put off because the connection budget of their domain was used.', ['vantage'])
export const connectionsTotal = defineCounter('dialtone_connections_total', 'Connections that checks have made.', ['vantage'])
export const listenerConnections = defineCounter('dialtone_listener_connections_total', 'Connections to the dialback listener.', ['vantage'])
export const listenerAsked = defineCounter('dialtone_listener_asked_total', 'Questions about keys that the dialback listener answered.', ['vantage', 'answer'])

/** One series for each domain. */
export const srvHealth = defineGauge('dialtone_srv_health', '1: the records of the domain lead to addresses; 0: they do not, or nobody answered.', ['vantage', 'domain'])
export const reachable = defineGauge('dialtone_s2s_reachable', '1: every endpoint of the domain was reached and spoke; 0: the worst was not.', ['vantage', 'domain'])
export const lastDialback = defineGauge('dialtone_dialback_valid', '1: the last dialback was valid at every endpoint; 0: it was not.', ['vantage', 'domain'])
export const certificateEnd = defineGauge('dialtone_certificate_end_timestamp_seconds', 'When the first of the certificates that the domain showed ends.', ['vantage', 'domain'])
export const lastSeen = defineGauge('dialtone_last_observation_timestamp_seconds', 'When the domain was last looked at.', ['vantage', 'domain'])

export const AGENT_METRICS = [checksTotal, stageSeconds, dnsSeconds, dialbackTotal, externalTotal, targetsGauge, budgetPutOff, connectionsTotal, listenerConnections, listenerAsked, srvHealth, reachable, lastDialback, certificateEnd, lastSeen]
