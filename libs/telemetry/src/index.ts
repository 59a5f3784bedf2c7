// What counts, exposes and logs in an app. Metrics themselves are declared where they are counted.
export { createTelemetry, type FamilyValue, type Telemetry, type TelemetryOptions } from './telemetry.ts'
export { expositionOf, type SampleOf } from './exposition.ts'
export { createLogger, LOG_LEVELS, type LoggerOptions, type LogLevel } from './logger.ts'
export { documentedMetrics, type MetricGroup } from './documented.ts'
export { serveHttp, type Reply, type Route, type ServeOptions } from './serve.ts'
export { refusedTotal, requestsTotal, seriesCount } from './metrics.ts'
