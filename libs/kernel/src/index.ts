// What every file may know. No dependencies, no time, no network: those come in as arguments of these shapes.

export { unreachable } from './unreachable.ts'
export { OperatorError } from './operator-error.ts'
export { type Clock, type Digest, type Random, type Signal } from './given.ts'
export { quoted } from './quoted.ts'
export { NO_METER, defineCounter, defineGauge, defineHistogram, type Labels, type Meter, type Metric } from './metric.ts'
export { NO_LOGGER, type Logger, type Stoppable } from './logger.ts'
