// What control knows of the fleet, worked out of what agents saw.

export { createFitness, type Fitness } from './fitness.ts'
export { startAnalysis, type AnalysisOptions } from './start-analysis.ts'
export type { AnalysisReadings } from './readings.ts'
export { VERDICT_METRICS, verdictFamilies, type Family } from './families.ts'
export { ANALYSIS_METRICS, started } from './metrics.ts'
