// What the analysis counts.
import { defineCounter, defineGauge, defineHistogram } from '@dialtone/kernel'

/** How an observation was taken: a new outcome, the same as before, seen already, set aside by its agent, later than a newer one, refused because it speaks for another vantage or is about nothing that its vantage has to check, or not understood. */
const INGEST_RESULTS = ['new', 'same', 'duplicate', 'aside', 'late', 'refused', 'failed'] as const
export type IngestResult = (typeof INGEST_RESULTS)[number]

export const ingested = defineCounter('dialtone_observations_ingested_total', 'Observations that were taken from the stream, by configured vantage.', ['vantage', 'result'])
export const judged = defineCounter('dialtone_verdicts_judged_total', 'Verdicts that were worked out.', ['because'])
export const judgeSeconds = defineHistogram('dialtone_verdict_seconds', 'Seconds to work one verdict out, its observations read.', [], [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05])
export const analysisErrors = defineCounter('dialtone_analysis_errors_total', 'Steps of the analysis that failed by a fault of Dialtone, or of its disk.', ['step'])
export const incidentEvents = defineCounter('dialtone_incident_events_total', 'What became of incidents.', ['cause', 'event'])
export const openIncidents = defineGauge('dialtone_incidents', 'Incidents that are not over.', ['state'])
export const behind = defineGauge('dialtone_analysis_behind', 'Observations in the stream that are not judged yet.')
export const failing = defineGauge('dialtone_analysis_failing', 'Whether this instance has judged nothing for a minute by a fault, or its store is damaged: 1 or 0. It gives the lease up then.')
export const started = defineGauge('dialtone_control_started_timestamp_seconds', 'When this control began.')
export const gaps = defineCounter('dialtone_analysis_gap_total', 'Messages that the limits of the stream dropped before they were read.', ['stream'])
export const storeBytes = defineGauge('dialtone_store_bytes', 'Bytes of the store that are in use.')
export const storeLimit = defineGauge('dialtone_store_limit_bytes', 'What the store may have in use; beyond it the oldest is taken away.')
export const storeBlobs = defineGauge('dialtone_store_blobs', 'Certificates, messages and transcripts in the store, each once.')
export const forgotten = defineCounter('dialtone_store_forgotten_total', 'Rows that retention took away.', ['what'])
export const announced = defineCounter('dialtone_announcements_total', 'Announcements that this instance published.', ['event'])
export const unannounced = defineGauge('dialtone_announcements_waiting', 'Announcements that nobody has published yet.')
export const leaseHeld = defineGauge('dialtone_lease_held', 'Whether this instance speaks for all: 1 or 0.')
export const stale = defineCounter('dialtone_witnesses_stale_total', 'Witnesses that were dropped because nothing was heard of them for three intervals.', ['vantage'])
export const disagreement = defineGauge('dialtone_vantage_disagreement', 'Domains and directions of pairs of which some networks see the cause and others do not.')

export const resets = defineCounter('dialtone_analysis_resets_total', 'Streams that were made anew while they were read, or since.', ['stream'])
export const setBack = defineCounter('dialtone_analysis_time_set_back_total', 'Times that the stream went on before where time had come: the clock of the bus or of this machine was set back.')

export const ANALYSIS_METRICS = [
  resets, setBack, ingested, judged, judgeSeconds, analysisErrors, incidentEvents, openIncidents, behind, failing, started, gaps, storeBytes, storeLimit, storeBlobs, forgotten, announced, unannounced, leaseHeld, stale, disagreement,
] as const
