/** What the API counts. Routes are labelled by their template, never by what was asked. */
import { defineCounter, defineGauge, defineHistogram } from '@dialtone/kernel'

export const httpSeconds = defineHistogram('dialtone_http_request_duration_seconds', 'How long requests took, by route, method and class of the answer', ['route', 'method', 'class'], [0.005, 0.02, 0.05, 0.1, 0.25, 1, 5])
export const httpRefused = defineCounter('dialtone_http_refused_total', 'Requests that were refused before a route saw them', ['why'])
export const sseClients = defineGauge('dialtone_sse_clients', 'Live streams that are open')
export const sseDropped = defineCounter('dialtone_sse_dropped_total', 'Live streams that were ended by the server, by why', ['why'])
export const sseResyncs = defineCounter('dialtone_sse_resyncs_total', 'Live streams that were told to read everything again, by why', ['why'])
export const sseEvents = defineCounter('dialtone_sse_events_total', 'Live events that were taken, by kind', ['kind'])
export const checksAsked = defineCounter('dialtone_checks_asked_total', 'Checks that operators asked for, by how each vantage ended', ['outcome'])
export const progressRefused = defineCounter('dialtone_check_progress_refused_total', 'Progress of checks that was not heard, since it came under the key of another vantage or check')
