// The bus, in its two forms. Engines and apps know it by the interface of the contracts alone.

export { createEmbeddedBus, type EmbeddedBusOptions } from './embedded/embedded-bus.ts'
export { BUS_METRICS } from './metrics.ts'
export { LIMITS, type LimitChanges, type Limits, type StreamLimits } from './limits.ts'
