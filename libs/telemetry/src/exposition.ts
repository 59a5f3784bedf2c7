// A few samples as a text of their own: what a multi-target exporter answers, which is no part of the registry of the process.
import type { Labels, Metric } from '@dialtone/kernel'
import { head, labelSet, sample } from './text.ts'

export type SampleOf = { readonly metric: Metric, readonly labels?: Labels, readonly value: number }

/** The Prometheus text format; the samples of one metric together, in the order of their first. Throws when labels are not those that the metric declares. */
export function expositionOf (samples: readonly SampleOf[]): string {
  return [...Map.groupBy(samples, ({ metric }) => metric)].map(([metric, each]) => head(metric) + each.map(({ labels = {}, value }) => {
    const set = labelSet(metric, labels)
    if (set === undefined) throw new Error(`metric ${metric.name}: its labels are not ${JSON.stringify(labels)}`)
    return sample(metric.name, set, value)
  }).join('')).join('')
}
