/** Every cause in every state, of every side, of a domain and of a pair: who hears of it, since when and until when. By promtool, on the rules as they are written. */
import { CAUSES, type Cause, type Side, type State } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { QUIET_CAUSES } from '../alerting/index.ts'
import { line, type Parts } from '../test-support/timeline.ts'
import { alertOf, whoHears } from '../test-support/who-hears.ts'
import { testRules, type RuleTest } from './promtool.ts'
import { prometheusRules } from './rules.ts'

const PARTS: Parts = { before: 5, broken: 70, after: 12 }
const SIDES = ['ours', 'path', 'peer', 'observer'] as const satisfies readonly Side[]
type Case = { domain: string, peer: string, cause: Cause, side: Side, state: State, quiet?: true }

/** Every cause in every state, by one of ours and by the peer, or by the path and the observer; every second one of a pair. */
const CASES: readonly Case[] = CAUSES.flatMap((cause, n) => SIDES.filter((_, at) => at % 2 === n % 2).flatMap((side, s) => (['up', 'degraded', 'down', 'unknown'] as const).map((state, t): Case => ({
  domain: `d${n}-${side}-${state}.example`, peer: (n + s + t) % 2 === 0 ? '' : 'partner.example', cause, side, state,
}))))
const QUIET: readonly Case[] = CAUSES.map((cause, n) => ({ domain: `quiet${n}.example`, peer: '', cause, side: 'ours', state: 'down', quiet: true }))
const NUMBER: Record<State, number> = { up: 0, degraded: 1, down: 2, unknown: 3 }

/** As one control exposes it. */
function seriesOf (cases: readonly Case[], instance: string, parts = PARTS): RuleTest['input_series'] {
  const of = `job="dialtone-control", instance="${instance}"`
  return [
    { series: `dialtone_bus_connected{${of}}`, values: line(parts, 1, 1, 1) },
    { series: `up{${of}}`, values: line(parts, 1, 1, 1) },
    ...cases.flatMap(({ domain, peer, cause, side, state, quiet }) => {
      const who = `${of}, domain="${domain}", peer="${peer}"`
      return [
        { series: `dialtone_state{${who}}`, values: line(parts, 0, NUMBER[state], 0) },
        { series: `dialtone_cause_info{${who}, cause="healthy", side="nobody"}`, values: line(parts, 1, undefined, 1) },
        { series: `dialtone_cause_info{${who}, cause="${cause}", side="${side}"}`, values: line(parts, undefined, 1, undefined) },
        ...(quiet === true ? [{ series: `dialtone_quiet{${who}}`, values: line(parts, 1, 1, 1) }] : []),
      ]
    }),
  ]
}

function firing (cases: readonly Case[], severities: readonly string[]): { labels: string, value: number }[] {
  return cases.flatMap(one => {
    const severity = whoHears(one)
    const name = alertOf(one.cause)
    if (severity === undefined || name === undefined || !severities.includes(severity)) return []
    return [{ labels: `ALERTS{alertname="${name}", alertstate="firing", domain="${one.domain}"${one.peer === '' ? '' : `, peer="${one.peer}"`}, cause="${one.cause}", side="${one.side}", severity="${severity}"}`, value: 1 }]
  })
}

const at = (minute: number, exp_samples: { labels: string, value: number }[]) => ({ expr: 'ALERTS{alertstate="firing"}', eval_time: `${minute}m`, exp_samples })

it('raises what it should, when it should, and ends it', () => {
  const cases = [...CASES, ...QUIET]
  const { passed, says } = testRules(prometheusRules(), {
    evaluation_interval: '5m',
    tests: [{
      // Broken from the fifth minute to the seventieth.
      interval: '5m', input_series: seriesOf(cases, 'a', { before: 1, broken: 14, after: 4 }),
      promql_expr_test: [
        at(5, []), at(10, firing(cases, ['page'])), at(15, firing(cases, ['page'])), at(20, firing(cases, ['page', 'ticket'])),
        at(60, firing(cases, ['page', 'ticket'])), at(65, firing(cases, ['page', 'ticket', 'notice'])),
        // Five minutes in which what cannot be seen is not taken for mended.
        at(75, firing(cases, ['page', 'ticket', 'notice'])), at(80, []),
      ],
    }],
  })
  expect(passed, says.slice(0, 4000)).toBe(true)
  for (const severity of ['page', 'ticket', 'notice']) expect(firing(cases, [severity]).length).toBeGreaterThan(30)
  expect(firing(cases.filter(({ cause }) => (QUIET_CAUSES as readonly Cause[]).includes(cause)), ['page', 'ticket', 'notice'])).toEqual([])
}, 180_000)

it('two controls that say the same are one alert; one that is cut off from the bus is not heard', () => {
  const down: Case = { domain: 'ours.example', peer: '', cause: 'service.down', side: 'ours', state: 'down' }
  const stale: Case = { ...down, domain: 'mended.example' }
  const { passed, says } = testRules(prometheusRules(), {
    evaluation_interval: '1m',
    tests: [
      { interval: '1m', input_series: [...seriesOf([down], 'a'), ...seriesOf([down], 'b')], promql_expr_test: [at(12, firing([down], ['page']))] },
      {
        interval: '1m',
        input_series: [...seriesOf([down], 'a'), ...seriesOf([stale], 'b').filter(({ series }) => !series.startsWith('dialtone_bus_connected')), { series: 'dialtone_bus_connected{job="dialtone-control", instance="b"}', values: line(PARTS, 0, 0, 0) }],
        promql_expr_test: [at(12, firing([down], ['page']))],
      },
    ],
  })
  expect(passed, says).toBe(true)
}, 60_000)

it('a control that starts anew interrupts nothing', () => {
  const down: Case = { domain: 'ours.example', peer: '', cause: 'service.down', side: 'ours', state: 'down' }
  const gap = seriesOf([down], 'a').map(({ series, values }) => ({ series, values: values.split(' ').map((value, minute) => minute === 30 ? 'stale' : minute > 30 && minute < 33 ? '_' : value).join(' ') }))
  const { passed, says } = testRules(prometheusRules(), { evaluation_interval: '1m', tests: [{ interval: '1m', input_series: gap.filter(({ series }) => !series.startsWith('up')), promql_expr_test: [29, 31, 33, 36, 45].map(minute => ({ expr: 'ALERTS{alertstate="firing", domain!=""}', eval_time: `${minute}m`, exp_samples: firing([down], ['page']) })) }] })
  expect(passed, says).toBe(true)
}, 60_000)

it('a certificate of ours that ends in three days is told of, whatever else is wrong', () => {
  const other: Case = { domain: 'ours.example', peer: '', cause: 'degraded.slow', side: 'peer', state: 'degraded' }
  const end = (domain: string, days: number) => ({ series: `dialtone_domain_certificate_end_timestamp_seconds{job="dialtone-control", instance="a", domain="${domain}", peer=""}`, values: line(PARTS, days * 86_400, days * 86_400, days * 86_400) })
  const { passed, says } = testRules(prometheusRules(), {
    evaluation_interval: '1m',
    tests: [{ interval: '1m', input_series: [...seriesOf([other], 'a'), end('ours.example', 2), end('later.example', 4)], promql_expr_test: [at(30, firing([{ ...other, cause: 'degraded.certificate-expiring', side: 'ours' }], ['ticket']))] }],
  })
  expect(passed, says).toBe(true)
}, 60_000)
