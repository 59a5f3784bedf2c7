/**
 * The registry of one process: who counts is given its Meter, who scrapes reads `expose()`. Series that follow from state which is kept anyway (one
 * per domain) are not kept here a second time: a family says them when it is scraped.
 */
import type { Labels, Meter, Metric } from '@dialtone/kernel'
import { refusedTotal, seriesCount } from './metrics.ts'
import { processMetrics } from './process-metrics.ts'
import { createRenderer } from './rendering.ts'
import { createSeries, type Refusal, type Series } from './series.ts'
import { CONTENT_TYPE, faultOf, head, labelSet, sample } from './text.ts'

/** Series that one metric keeps, and lines that one family says. Above: refused and counted. */
const MOST_SERIES = 20_000
const MOST_IN_FAMILY = 200_000
const NO_SOURCES: ReadonlySet<() => Iterable<FamilyValue>> = new Set()

/** One series of a family. */
export type FamilyValue = { readonly labels: Labels, readonly value: number }

export type Telemetry = {
  /** Takes counts; a metric that it has not seen is registered by that. */
  readonly meter: Meter
  /** So that they are exposed before the first count: counters without labels are 0 then. Throws when a name is taken by another declaration. */
  register: (metrics: readonly Metric[]) => void
  /** Series of a gauge or counter that are computed at each scrape; several may give to one metric. Resolves into what ends it. `values` is read in slices, with other work between them. */
  family: (metric: Metric, values: () => Iterable<FamilyValue>) => () => void
  /** The Prometheus text format in pieces. No slice of it holds the event loop for more than a few milliseconds; scrapes at the same time share one rendering. */
  expose: () => AsyncIterable<string>
  readonly contentType: string
}

export type TelemetryOptions = {
  /** Memory, CPU, event loop and collector of the process too. Once per process. */
  process?: boolean
  /** A count that is refused throws: it is a bug of ours. Default: not where `process` says that this is a running app; there it is counted. */
  strict?: boolean
  /** Series that one metric keeps. */
  mostSeries?: number
}

export function createTelemetry ({ process = false, strict = !process, mostSeries = MOST_SERIES }: TelemetryOptions = {}): Telemetry {
  const kept = new Map<string, Series>()
  const families = new Map<string, Set<() => Iterable<FamilyValue>>>()
  const processText = process ? processMetrics() : async () => ''

  function seriesOf (metric: Metric): Series {
    const there = kept.get(metric.name)
    if (there?.metric === metric) return there
    const fault = there === undefined ? faultOf(metric) : sameDeclaration(there.metric, metric) ? undefined : 'another declaration has its name'
    if (fault !== undefined) throw new Error(`metric ${metric.name}: ${fault}`)
    if (there !== undefined) return there
    const made = createSeries(metric, mostSeries)
    kept.set(metric.name, made)
    return made
  }
  function note (metric: Metric, refusal: Refusal | undefined, labels?: Labels): void {
    if (refusal === undefined) return
    seriesOf(refusedTotal).add({ metric: metric.name, why: refusal }, 1)
    if (strict && refusal !== 'bound') throw new Error(`metric ${metric.name}: a count was refused (${refusal}) with labels ${JSON.stringify(labels)}`)
  }
  const meter: Meter = {
    add: (metric, labels = {}, by = 1) => note(metric, seriesOf(metric).add(labels, by), labels),
    set: (metric, labels, value) => note(metric, seriesOf(metric).set(labels, value), labels),
    observe: (metric, labels, value) => note(metric, seriesOf(metric).observe(labels, value), labels),
    remove: (metric, labels) => note(metric, seriesOf(metric).remove(labels), labels),
  }
  function * familyLines (series: Series, sources: ReadonlySet<() => Iterable<FamilyValue>>): Generator<string> {
    const { metric } = series
    // Remembering what was said costs a third of a scrape: one source alone that repeats itself is caught where it is tested.
    const said = strict || sources.size > 1 || series.size() > 0 ? new Set<string>() : undefined
    let count = 0
    try {
      for (const values of sources) {
        for (const { labels, value } of values()) {
          const set = labelSet(metric, labels)
          const refusal = set === undefined ? 'labels' : said?.has(set) === true || series.has(set) ? 'twice' : count >= MOST_IN_FAMILY ? 'bound' : undefined
          note(metric, refusal, labels)
          if (set === undefined || refusal !== undefined) continue
          said?.add(set)
          count += 1
          yield sample(metric.name, set, value)
        }
      }
    } catch (error) {
      if (strict) throw error
      note(metric, 'failed')
    }
  }
  function * lines (): Generator<string> {
    seriesOf(seriesCount).set({}, [...kept.values()].reduce((sum, series) => sum + series.size(), 0))
    // What it refuses is said last, so that this scrape is in it.
    for (const series of [...kept.values()].filter(each => each.metric !== refusedTotal).concat(seriesOf(refusedTotal))) {
      yield head(series.metric)
      yield * series.lines()
      yield * familyLines(series, families.get(series.metric.name) ?? NO_SOURCES)
    }
  }
  const renderer = createRenderer({ first: processText, lines })
  seriesOf(seriesCount)

  return {
    meter,
    register: metrics => metrics.forEach(seriesOf),
    family: (metric, values) => {
      if (seriesOf(metric).metric.kind === 'histogram') throw new Error(`metric ${metric.name}: a histogram cannot be said by a family`)
      const sources = families.get(metric.name) ?? new Set()
      families.set(metric.name, sources.add(values))
      return () => { sources.delete(values) }
    },
    expose: renderer.read,
    contentType: CONTENT_TYPE,
  }
}

function sameDeclaration (a: Metric, b: Metric): boolean {
  return JSON.stringify([a.kind, a.help, a.labels, a.buckets]) === JSON.stringify([b.kind, b.help, b.labels, b.buckets])
}
