// How long stanzas take on their way through (gateways.md 5.10): a few of them are measured, and none costs anything for it.
import { defineHistogram } from '@dialtone/kernel'

export const queueSeconds = defineHistogram('dialtone_gateway_queue_wait_seconds', 'Each time that a queue begins to leave: how long the stanza has waited that has waited longest.', [], [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120])
export const relaySeconds = defineHistogram('dialtone_gateway_relay_seconds', 'From when a stanza is handed to its stream until it was written there with all that came with it; of one in a fifth of a second.', [], [0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1])
