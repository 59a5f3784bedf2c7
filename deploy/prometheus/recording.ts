/**
 * What the rules read while something was broken in the lab, played back: each recording raises its alert and no other. The lab records (tools/lab/recording); this makes a test
 * for promtool of it.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { duration } from '../alerting/rule.ts'
import { notifiedExpr } from './notified.ts'
import { testRules, type RuleTest, type RuleTests } from './promtool.ts'
import { prometheusRules } from './rules.ts'

/** A file of deploy/prometheus/recorded. */
export type Recording = {
  break: string
  /** By which times of the rules are divided; absent: 1. */
  timeScale?: number
  intervalSeconds: number
  /** In the words of promtool. */
  series: readonly { series: string, values: string }[]
  /** The one alert that is told, with labels that it has; null: none is. */
  expect: { alert: string | null, labels: Readonly<Record<string, string>> }
}

export const RECORDED = join(import.meta.dirname, 'recorded')

export function readRecordings (folder = RECORDED): Recording[] {
  return globSync('*.json', { cwd: folder }).toSorted().map(file => {
    const recording = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Partial<Recording>
    for (const field of ['break', 'intervalSeconds', 'series', 'expect'] as const) if (recording[field] === undefined) throw new Error(`${join(folder, file)}: there is no '${field}'; record it again`)
    return recording as Recording
  })
}

export function replay (recording: Recording): { passed: boolean, says: string } {
  return testRules(prometheusRules({ timeScale: recording.timeScale ?? 1 }), testOf(recording))
}

/** All of the recording is looked at from its end: what was told at any time of it. */
export function testOf ({ intervalSeconds, series, expect: { alert, labels } }: Recording): RuleTests {
  const before = wasUnwell(series)
  const about = subjectOf(selector(labels))
  const kept = series.filter(each => subjectOf(each.series) === about || !before.has(subjectOf(each.series)))
  const seconds = Math.max(...kept.map(({ values }) => countOf(values)), 1) * intervalSeconds
  const ever = (expr: string) => `max_over_time((${expr})[${duration(seconds)}:${duration(intervalSeconds)}])`
  const at = (expr: string, samples: RuleTest['promql_expr_test'][number]['exp_samples']): RuleTest['promql_expr_test'][number] => ({ expr, eval_time: duration(seconds), exp_samples: samples })
  const names = Object.keys(labels).toSorted()
  return {
    evaluation_interval: duration(intervalSeconds),
    tests: [{
      interval: duration(intervalSeconds), input_series: kept.map(each => ({ ...each })),
      promql_expr_test: [
        at(`group by (alertname) (${ever(notifiedExpr())})`, alert === null ? [] : [{ labels: selector({ alertname: alert }), value: 1 }]),
        ...(alert === null || names.length === 0 ? [] : [at(`group by (${names.join(', ')}) (${ever(`ALERTS${selector({ alertstate: 'firing', alertname: alert, ...labels })}`)})`, [{ labels: selector(labels), value: 1 }])]),
      ],
    }],
  }
}

/** Domains and pairs that were not well when it began: they are none of what was broken, unless the alert is about them. */
function wasUnwell (series: Recording['series']): ReadonlySet<string> {
  return new Set(series.filter(({ series: name, values }) => name.startsWith('dialtone_state{') && !/^(0|_)(?![\d.])/.test(values)).map(each => subjectOf(each.series)))
}

/** 'ours.example partner.example'; '' of what is about no domain. */
function subjectOf (series: string): string {
  const label = (name: string) => new RegExp(`[{,]\\s*${name}="([^"]*)"`).exec(series)?.[1]
  const domain = label('domain')
  return domain === undefined ? '' : `${domain} ${label('peer') ?? ''}`
}

/** How many values a line of promtool stands for: `a+bxn` is n more than one, `_xn` is n. */
function countOf (values: string): number {
  return values.trim().split(/\s+/).reduce((sum, word) => {
    const more = /x(\d+)$/.exec(word)
    return sum + (more === null ? 1 : word.startsWith('_') ? Number(more[1]) : Number(more[1]) + 1)
  }, 0)
}

function selector (labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`
}
