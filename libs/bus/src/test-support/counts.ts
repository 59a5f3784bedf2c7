import type { Labels, Meter, Metric } from '@dialtone/kernel'

/** A Meter whose counts a test can read. */
export function createCounts (): Meter & { of: (metric: Metric, labels?: Labels) => number } {
  const kept: { name: string, labels: Labels, value: number }[] = []
  const keep = ({ name }: Metric, labels: Labels, value: number): void => void kept.push({ name, labels, value })
  return {
    add: (metric, labels = {}, by = 1) => keep(metric, labels, by),
    set: () => undefined,
    observe: keep,
    remove: () => undefined,
    /** The sum over all series that have these labels. */
    of: ({ name }, labels = {}) => kept
      .filter(each => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0),
  }
}
