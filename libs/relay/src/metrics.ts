import { componentAttempts, componentEnded, componentPaused, componentRefused, componentStreams } from './attach/component/metrics.ts'
import { responderAnswers, responderForwarded, responderInFlight, responderLimits, responderResolver } from './attach/dns/metrics.ts'
import { CORE_METRICS } from './core/metrics.ts'
import { INBOUND_METRICS } from './inbound/metrics.ts'
import { OUTBOUND_METRICS } from './outbound/metrics.ts'

/** Everything that the engine counts, for whoever registers metrics. */
export const RELAY_METRICS = [
  ...CORE_METRICS, ...INBOUND_METRICS, ...OUTBOUND_METRICS, componentAttempts, componentEnded, componentPaused, componentRefused, componentStreams, responderAnswers, responderForwarded, responderInFlight, responderLimits, responderResolver,
]
