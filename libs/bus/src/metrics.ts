/** What the bus counts. Nouns, verbs, streams and buckets come from the contracts, outcomes from the lists here. */
import { defineCounter, defineGauge, defineHistogram } from '@dialtone/kernel'

/** outcome: `stored`, `sent`, `duplicate`, `refused`, `failed`. */
export const published = defineCounter('dialtone_bus_published_total', 'Events that were handed to the bus, by what became of them', ['noun', 'outcome'])
export const publishSeconds = defineHistogram('dialtone_bus_publish_seconds', 'Time from handing a durable event over until it was stored', ['noun'], [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5])
export const delivered = defineCounter('dialtone_bus_delivered_total', 'Events that handlers were given', ['noun'])
/** at: `publish`, `arrival`. reason: `not-json`, `shape`, `too-large`, `packing`. */
export const bodiesRefused = defineCounter('dialtone_bus_bodies_refused_total', 'Bodies that were refused because they are not what their kind says', ['noun', 'at', 'reason'])
export const dropped = defineCounter('dialtone_bus_dropped_total', 'Events that a subscriber lost because it was too slow', ['noun'])
export const skipped = defineCounter('dialtone_bus_gap_total', 'Events of a durable stream that its limits dropped before a reader had read them', ['stream'])
export const batchesFailed = defineCounter('dialtone_bus_batches_failed_total', 'Batches that a handler rejected and that came again', ['stream'])
export const readingsCut = defineCounter('dialtone_bus_readings_cut_total', 'Readings of a bucket that ended before its end, because it has more documents than are read at once', ['bucket'])
/** outcome: `answered` or one of `Unanswered`. */
export const requests = defineCounter('dialtone_bus_requests_total', 'Commands that were sent, by how they ended', ['verb', 'outcome'])
/** outcome: `answered`, `refused`, `failed`, `malformed`, `busy`. */
export const served = defineCounter('dialtone_bus_served_total', 'Commands that were served, by what was answered', ['verb', 'outcome'])
export const handlersFailed = defineCounter('dialtone_bus_handlers_failed_total', 'Handlers of events and changes that threw', ['of'])
export const connected = defineGauge('dialtone_bus_connected', 'Whether the bus can be reached: 1 or 0')
export const reconnects = defineCounter('dialtone_bus_reconnects_total', 'Connections to the bus that were made after one was lost')
/** operation: `publish`, `subscription`, `authorization`. */
export const violations = defineCounter('dialtone_bus_violations_total', 'What the NATS server did not allow', ['operation'])
/** limit: `age`, `bytes`, `messages`. */
export const streamDropped = defineCounter('dialtone_bus_stream_dropped_total', 'Events that left the embedded durable stream because of its limits', ['stream', 'limit'])

export const BUS_METRICS = [published, publishSeconds, delivered, bodiesRefused, dropped, skipped, batchesFailed, readingsCut, requests, served, handlersFailed, connected, reconnects, violations, streamDropped] as const
