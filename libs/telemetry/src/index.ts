// What counts, exposes and logs in an app. Metrics themselves are declared where they are counted.
export { createTelemetry, type FamilyValue, type Telemetry, type TelemetryOptions } from './telemetry.ts'
export { expositionOf, type SampleOf } from './exposition.ts'
export { createLogger, LOG_LEVELS, type LoggerOptions, type LogLevel } from './logger.ts'
export { documentedMetrics, type MetricGroup } from './documented.ts'
export { refusedTotal, seriesCount } from './metrics.ts'
