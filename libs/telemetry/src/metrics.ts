// What the registry counts about itself.
import { defineCounter, defineGauge } from '@dialtone/kernel'

export const refusedTotal = defineCounter('dialtone_metrics_refused_total', 'Counts that were refused, by metric and why: wrong labels, more series than the bound, no number, a series twice, a family that failed', ['metric', 'why'])
export const seriesCount = defineGauge('dialtone_metrics_series', 'Series of the metrics that are kept between scrapes, in all')
export const requestsTotal = defineCounter('dialtone_exporter_requests_total', 'HTTP requests to this process', ['route', 'status'])
