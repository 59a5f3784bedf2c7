/**
 * The Prometheus text format, version 0.0.4, line by line: what a label set, a sample and a head look like.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Labels, Metric } from '@dialtone/kernel'

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Characters that a label value may have. Ours come from closed or configured sets; a longer one is a bug of ours. */
const MOST_VALUE = 1024
const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/**
 * The label set as it is written: `{a="x",b="y"}` in the order that the metric declares, empty without labels. It is the identity of a series too.
 * Undefined when the labels are not exactly those declared, or a value is no string or too long: a bug of ours.
 */
export function labelSet (metric: Metric, labels: Labels): string | undefined {
  let set = ''
  for (const name of metric.labels) {
    const value = labels[name]
    if (typeof value !== 'string' || value.length > MOST_VALUE) return undefined
    set += `${set === '' ? '{' : ','}${name}="${escapedValue(value)}"`
  }
  for (const name in labels) if (!metric.labels.includes(name)) return undefined
  return set === '' ? '' : `${set}}`
}

/** `# HELP` and `# TYPE` of a metric. */
export function head ({ name, help, kind }: Metric): string {
  return `# HELP ${name} ${help.replace(/[\\\n]/g, c => c === '\n' ? '\\n' : '\\\\')}\n# TYPE ${name} ${kind}\n`
}

/** One sample. */
export function sample (name: string, set: string, value: number): string {
  return `${name}${set} ${numberText(value)}\n`
}

/** A label set with one more label at its end. */
export function withLabel (set: string, name: string, value: string): string {
  return set === '' ? `{${name}="${value}"}` : `${set.slice(0, -1)},${name}="${value}"}`
}

/** As Go's ParseFloat reads it. */
export function numberText (value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

/** What is wrong with the declaration of a metric, or nothing. */
export function faultOf (metric: Metric): string | undefined {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(metric.name)) return 'its name is not one'
  const wrong = metric.labels.find(label => !NAME.test(label) || label.startsWith('__') || (metric.kind === 'histogram' && label === 'le'))
  if (wrong !== undefined) return `'${wrong}' is no name for a label of it`
  if (new Set(metric.labels).size !== metric.labels.length) return 'it has a label twice'
  if (metric.kind !== 'histogram') return undefined
  const bounds = metric.buckets ?? []
  return bounds.length > 0 && bounds.every((bound, at) => Number.isFinite(bound) && (at === 0 || bound > (bounds[at - 1] ?? 0))) ? undefined : 'its buckets do not increase'
}

/** Backslash, quote and line feed have escapes; other control characters have none and end the line for some readers. */
function escapedValue (value: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (!/[\\"\u0000-\u001f\u007f\ud800-\udfff]/.test(value)) return value
  // eslint-disable-next-line no-control-regex -- as above
  return value.toWellFormed().replace(/[\\"\u0000-\u001f\u007f]/g, c => c === '\n' ? '\\n' : c === '\\' || c === '"' ? `\\${c}` : '\ufffd')
}
