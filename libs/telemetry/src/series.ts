/**
 * The series of one metric, by their label sets as they are written. A metric keeps so many and no more, so that a label that turns out
 * not to be of a closed set costs a counter and not the memory of the process.
 */
import type { Labels, Metric } from '@dialtone/kernel'
import { labelSet, numberText, sample, withLabel } from './text.ts'

/** Why a count was refused: labels that the metric does not declare, one series too many, a value that is none, a series that is there already, a family that failed. */
export const REFUSALS = ['labels', 'bound', 'value', 'twice', 'failed'] as const
export type Refusal = (typeof REFUSALS)[number]

export type Series = {
  readonly metric: Metric
  /** How many there are. */
  readonly size: () => number
  readonly has: (set: string) => boolean
  add: (labels: Labels, by: number) => Refusal | undefined
  set: (labels: Labels, value: number) => Refusal | undefined
  observe: (labels: Labels, value: number) => Refusal | undefined
  remove: (labels: Labels) => Refusal | undefined
  /** The lines of one series after the other. */
  lines: () => Iterable<string>
}

/** Nothing in it, except the zero of a counter or a histogram without labels: a rate needs to see it before its first event. */
export function createSeries (metric: Metric, most: number): Series {
  const bounds = metric.buckets ?? []
  const values = new Map<string, number>()
  const histograms = new Map<string, Histogram>()
  const there: ReadonlyMap<string, unknown> = metric.kind === 'histogram' ? histograms : values
  if (metric.labels.length === 0 && metric.kind === 'counter') values.set('', 0)
  if (metric.labels.length === 0 && metric.kind === 'histogram') histograms.set('', empty(bounds))

  /** The label set, when something may be counted under it. */
  function place (labels: Labels, wanted: boolean): { set: string } | { refused: Refusal } {
    const set = wanted ? labelSet(metric, labels) : undefined
    if (set === undefined) return { refused: 'labels' }
    return there.has(set) || there.size < most ? { set } : { refused: 'bound' }
  }

  return {
    metric,
    size: () => there.size,
    has: set => there.has(set),
    add: (labels, by) => {
      const at = place(labels, metric.kind !== 'histogram')
      if ('refused' in at) return at.refused
      if (!Number.isFinite(by) || (metric.kind === 'counter' && by < 0)) return 'value'
      values.set(at.set, (values.get(at.set) ?? 0) + by)
      return undefined
    },
    set: (labels, value) => {
      const at = place(labels, metric.kind === 'gauge')
      if ('refused' in at) return at.refused
      values.set(at.set, value)
      return undefined
    },
    observe: (labels, value) => {
      const at = place(labels, metric.kind === 'histogram')
      if ('refused' in at) return at.refused
      if (!Number.isFinite(value)) return 'value'
      const seen = histograms.get(at.set) ?? empty(bounds)
      const bucket = bounds.findIndex(bound => value <= bound)
      if (bucket >= 0) seen.counts[bucket] = (seen.counts[bucket] ?? 0) + 1
      seen.sum += value
      seen.count += 1
      histograms.set(at.set, seen)
      return undefined
    },
    remove: labels => {
      const set = labelSet(metric, labels)
      if (set === undefined) return 'labels'
      values.delete(set)
      histograms.delete(set)
      return undefined
    },
    lines: function * () {
      for (const [set, value] of values) yield sample(metric.name, set, value)
      for (const [set, seen] of histograms) yield histogramLines(metric, set, seen)
    },
  }
}

type Histogram = { counts: number[], sum: number, count: number }

function empty (bounds: readonly number[]): Histogram {
  return { counts: bounds.map(() => 0), sum: 0, count: 0 }
}

function histogramLines ({ name, buckets = [] }: Metric, set: string, { counts, sum, count }: Histogram): string {
  let below = 0
  let lines = ''
  for (const [at, bound] of buckets.entries()) {
    below += counts[at] ?? 0
    lines += sample(`${name}_bucket`, withLabel(set, 'le', numberText(bound)), below)
  }
  return lines + sample(`${name}_bucket`, withLabel(set, 'le', '+Inf'), count) + sample(`${name}_sum`, set, sum) + sample(`${name}_count`, set, count)
}
