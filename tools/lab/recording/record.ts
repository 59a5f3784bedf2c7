/**
 * What the alert rules read while something was broken, kept so that promtool plays it back: real breaks as input of `promtool test rules`. Only what can matter is kept: what
 * is said of domains and pairs that were not well all the time, and what is said of Dialtone itself.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { alertRules } from '@dialtone/deploy'
import { replay, type Recording } from '@dialtone/deploy/prometheus'
import type { Prometheus } from '@dialtone/testkit'
import { INTERVAL_S } from '../fleet/watching.ts'
import { notationOf, seriesOf } from './notation.ts'

/** As rules were evaluated: what was for a moment only is not to seem longer. */
const STEP_S = INTERVAL_S
/** Seconds of all being well that are kept before and after. */
const AROUND_S = 10
/** Of what promtool says. */
const SAYS_CHARS = 600

/** `from` and `to`: milliseconds, of what was broken. `told`: the alert that is expected; null: none is. `scale`: by what times of the rules were divided. */
export type Recorded = { name: string, from: number, to: number, scale: number, told: Recording['expect'] }

/**
 * From ten seconds before to ten seconds after, but not before all was scraped once and nothing changed any more of what was broken before, and not beyond now. Fails when
 * Prometheus does not answer.
 */
export async function record (prometheus: Prometheus, { name, from, to, scale, told }: Recorded): Promise<Recording> {
  const end = Math.min(Math.ceil(to / 1000) + AROUND_S, Math.floor(Date.now() / 1000) - STEP_S)
  const wanted = Math.floor(from / 1000) - AROUND_S
  const range = async (metric: string, until: number) => (await prometheus.range(metric, { from: wanted, to: until, stepSeconds: STEP_S })).map(({ values }) => values)
  const scraped = (await range('up', end)).map(([first]) => first?.[0] ?? wanted)
  const settled = (await range('dialtone_state', Math.floor(from / 1000))).flatMap(values => values.findLast(([, value]) => value !== values.at(-1)?.[1])?.[0] ?? []).map(changed => changed + STEP_S)
  const start = Math.max(wanted, ...scraped, ...settled)
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
    break: name, timeScale: scale, intervalSeconds: STEP_S,
    series: kept.map(({ metric, labels, values }) => ({ series: seriesOf(metric, labels), values: notationOf(values) })).toSorted((a, b) => a.series < b.series ? -1 : 1),
    expect: told,
  }
}

/** Writes it to the folder, in place of what was recorded of that break before, if played back it raises what was told. Else says why not, shortly: what was there stays. */
export function keepRecording (folder: string, recording: Recording): string | undefined {
  const { passed, says } = replay(recording)
  if (!passed) return says.replaceAll(/\s+/g, ' ').trim().slice(0, SAYS_CHARS)
  writeRecording(folder, recording)
  return undefined
}

/** Every metric that a rule reads. */
export function metricsOfRules (): string[] {
  const names = alertRules().flatMap(({ expr }) => expr.match(/\b(?:dialtone_[a-z0-9_]+|up)\b/g) ?? [])
  return [...new Set(names)].toSorted()
}

/** One series a line: it is read by people, too. */
function writeRecording (folder: string, recording: Recording): void {
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
