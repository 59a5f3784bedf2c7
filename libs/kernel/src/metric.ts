/**
 * A metric is data, declared beside what it counts; who counts is given a Meter. `telemetry` registers, exposes and documents it.
 * Names follow Prometheus: base units, `_total` for counters, `_seconds`. Label values come from closed or configured sets, never from a peer.
 */
export type Metric = {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  /** One sentence. */
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds, of a histogram. */
  readonly buckets?: readonly number[]
}

export type Labels = Readonly<Record<string, string>>

/** Where counts go. */
export type Meter = {
  /** Adds to a counter or a gauge. Default 1. */
  add: (metric: Metric, labels?: Labels, by?: number) => void
  /** Sets a gauge. */
  set: (metric: Metric, labels: Labels, value: number) => void
  /** One value of a histogram. */
  observe: (metric: Metric, labels: Labels, value: number) => void
  /** The series is gone. */
  remove: (metric: Metric, labels: Labels) => void
}

export function defineCounter (name: `dialtone_${string}_total`, help: string, labels: readonly string[] = []): Metric {
  return { kind: 'counter', name, help, labels }
}

export function defineGauge (name: `dialtone_${string}` | `probe_${string}`, help: string, labels: readonly string[] = []): Metric {
  return { kind: 'gauge', name, help, labels }
}

export function defineHistogram (name: `dialtone_${string}`, help: string, labels: readonly string[], buckets: readonly number[]): Metric {
  return { kind: 'histogram', name, help, labels, buckets }
}

/** Counts nothing: for a command that exposes no metrics. */
export const NO_METER: Meter = { add: () => undefined, set: () => undefined, observe: () => undefined, remove: () => undefined }
