import { defineCounter, defineGauge } from '@dialtone/kernel'

export const observationsDelivered = defineCounter('dialtone_observations_delivered_total', 'Observations that the bus has taken.', ['vantage', 'agent'])
export const spoolWaiting = defineGauge('dialtone_spool_waiting', 'Observations on disk that the bus has not taken yet.', ['vantage', 'agent'])
export const spoolBytes = defineGauge('dialtone_spool_bytes', 'Size of the spool on disk.', ['vantage', 'agent'])
export const spoolDropped = defineCounter('dialtone_spool_dropped_total', 'Observations that were lost because the spool was full, or could not be written or read.', ['vantage', 'agent'])
export const spoolRefused = defineCounter('dialtone_spool_refused_total', 'Observations that the bus will never take.', ['vantage', 'agent', 'why'])
export const spoolTorn = defineCounter('dialtone_spool_torn_total', 'Segment files whose last record was cut by a crash.', ['vantage', 'agent'])

export const SPOOL_METRICS = [observationsDelivered, spoolWaiting, spoolBytes, spoolDropped, spoolRefused, spoolTorn]
