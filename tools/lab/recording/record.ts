/**
 * What the alert rules read while something was broken, kept so that promtool plays it back: real breaks as input of `promtool test rules`. Only what can matter is kept: what
 * is said of domains and pairs that were not well all the time, and what is said of Dialtone itself.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { alertRules, type AlertName } from '@dialtone/deploy'
import type { Prometheus } from '@dialtone/testkit'
import { INTERVAL_S, TIME_SCALE } from '../fleet/watching.ts'
import type { Told } from '../seams.ts'
import { notationOf, seriesOf } from './notation.ts'

/** A file of deploy/prometheus/recorded. `timeScale`: by what times of the rules are divided when it is played back. */
export type Recording = {
  break: string
  timeScale: number
  intervalSeconds: number
  series: { series: string, values: string }[]
  /** Labels that the alert has. */
  expect: { alert: AlertName | null, labels: Readonly<Record<string, string>> }
}

/** As rules were evaluated: what was for a moment only is not to seem longer. */
const STEP_S = INTERVAL_S
/** Seconds of all being well that are kept before and after. */
const AROUND_S = 10

/** `from` and `to`: milliseconds. `told`: the first alert that somebody was told of, of those that were expected. */
export async function record (prometheus: Prometheus, { name, from, to, told }: { name: string, from: number, to: number, told: Told | undefined }): Promise<Recording> {
  const start = Math.floor(from / 1000) - AROUND_S
  const end = Math.ceil(to / 1000) + AROUND_S
  const count = Math.floor((end - start) / STEP_S) + 1
  const found = (await Promise.all(metricsOfRules().map(async metric => (await prometheus.range(metric, { from: start, to: end, stepSeconds: STEP_S })).map(each => ({ metric, ...each }))))).flat()
  const at = found.map(({ metric, labels, values }) => {
    const line: (number | undefined)[] = Array.from({ length: count }, () => undefined)
    // A test of promtool begins at zero.
    const shift = metric.endsWith('_timestamp_seconds') ? start : 0
    for (const [when, value] of values) line[Math.round((when - start) / STEP_S)] = round(value - shift)
    return { metric, labels, values: line }
  })
  const unwell = new Set(at.filter(({ metric, values }) => metric === 'dialtone_state' && values.some(value => value !== 0 && value !== undefined)).map(({ labels }) => subjectOf(labels)))
  const kept = at.filter(({ metric, labels, values }) => labels['domain'] === undefined ? !(metric.endsWith('_total') && values.every(value => value === undefined || value === 0)) : unwell.has(subjectOf(labels)))
  return {
    break: name, timeScale: TIME_SCALE, intervalSeconds: STEP_S,
    series: kept.map(({ metric, labels, values }) => ({ series: seriesOf(metric, labels), values: notationOf(values) })).toSorted((a, b) => a.series < b.series ? -1 : 1),
    expect: told === undefined ? { alert: null, labels: {} } : { alert: told.alert, labels: Object.fromEntries(Object.entries(told.labels).filter(([label]) => label !== 'alertname')) },
  }
}

/** Every metric that a rule reads. */
export function metricsOfRules (): string[] {
  const names = alertRules().flatMap(({ expr }) => expr.match(/\b(?:dialtone_[a-z0-9_]+|up)\b/g) ?? [])
  return [...new Set(names)].toSorted()
}

/** One series a line: it is read by people, too. */
export function writeRecording (folder: string, recording: Recording): void {
  mkdirSync(folder, { recursive: true })
  const { series, expect, ...head } = recording
  const lines = series.map(each => `    ${JSON.stringify(each)}`).join(',\n')
  const first = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`).join('\n')
  writeFileSync(join(folder, `${recording.break}.json`), `{\n${first}\n  "expect": ${JSON.stringify(expect)},\n  "series": [\n${lines}\n  ]\n}\n`)
}

function subjectOf (labels: Readonly<Record<string, string>>): string {
  return `${labels['domain'] ?? ''} ${labels['peer'] ?? ''}`
}

function round (value: number): number {
  return Number(value.toPrecision(10))
}
