import { defineCounter, defineGauge } from '@dialtone/kernel'

export const observationsDelivered = defineCounter('dialtone_observations_delivered_total', 'Observations that the bus has taken.')
export const spoolWaiting = defineGauge('dialtone_spool_waiting', 'Observations on disk that the bus has not taken yet.')
export const spoolBytes = defineGauge('dialtone_spool_bytes', 'Size of the spool on disk.')
export const spoolDropped = defineCounter('dialtone_spool_dropped_total', 'Observations that were lost because the spool was full.')
export const spoolRefused = defineCounter('dialtone_spool_refused_total', 'Observations that the bus will never take.', ['why'])
export const spoolTorn = defineCounter('dialtone_spool_torn_total', 'Segment files whose last record was cut by a crash.')
