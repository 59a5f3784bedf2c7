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
    { series: `dialtone_lease_held{${of}}`, values: line(parts, 1, 1, 1) },
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

/** Pages of what is not seen by deep checks alone, which are asked for twice. */
function atOnce (cases: readonly Case[]): { labels: string, value: number }[] {
  return firing(cases, ['page']).filter(({ labels }) => !/DialtoneAuthenticationBroken|DialtoneDialbackBroken|DialtoneRefusedByPeer/.test(labels))
}

/** Whatever the cause, after a quarter of an hour. */
function domainsDown (cases: readonly Case[]): { labels: string, value: number }[] {
  return cases.filter(({ peer, cause, side, state, quiet }) => peer === '' && state === 'down' && (side === 'ours' || side === 'path') && quiet !== true && !(QUIET_CAUSES as readonly Cause[]).includes(cause))
    .map(({ domain }) => ({ labels: `ALERTS{alertname="DialtoneDomainDown", alertstate="firing", domain="${domain}", severity="page"}`, value: 1 }))
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
        at(5, []), at(10, atOnce(cases)), at(15, atOnce(cases)), at(20, [...firing(cases, ['page', 'ticket']), ...domainsDown(cases)]),
        at(60, [...firing(cases, ['page', 'ticket']), ...domainsDown(cases)]), at(65, [...firing(cases, ['page', 'ticket', 'notice']), ...domainsDown(cases)]),
        // Five minutes in which what cannot be seen is not taken for mended.
        at(75, [...firing(cases, ['page', 'ticket', 'notice']), ...domainsDown(cases)]), at(80, []),
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
}, 240_000)

it('a control that starts anew interrupts nothing', () => {
  const down: Case = { domain: 'ours.example', peer: '', cause: 'service.down', side: 'ours', state: 'down' }
  const gap = seriesOf([down], 'a').map(({ series, values }) => ({ series, values: values.split(' ').map((value, minute) => minute === 30 ? 'stale' : minute > 30 && minute < 33 ? '_' : value).join(' ') }))
  const { passed, says } = testRules(prometheusRules(), { evaluation_interval: '1m', tests: [{ interval: '1m', input_series: gap.filter(({ series }) => !series.startsWith('up')), promql_expr_test: [29, 31, 33, 36, 45].map(minute => ({ expr: 'ALERTS{alertstate="firing", cause!=""}', eval_time: `${minute}m`, exp_samples: firing([down], ['page']) })) }] })
  expect(passed, says).toBe(true)
}, 240_000)

it('a domain that is down is told of though its cause and its side change all the time, and though control starts anew all the time', () => {
  const of = 'job="dialtone-control", instance="a"'
  const who = `${of}, domain="ours.example", peer=""`
  const minutes = (value: (minute: number) => string) => Array.from({ length: 60 }, (_, minute) => value(minute)).join(' ')
  const turns = (first: boolean) => minutes(minute => (minute % 8 < 4) === first ? '1' : 'stale')
  const restarts = (value: string) => minutes(minute => minute % 4 === 3 ? 'stale' : value)
  const state = { series: `dialtone_state{${who}}`, values: minutes(() => '2') }
  const down = (minute: number, fires: boolean) => ({ expr: 'ALERTS{alertstate="firing", domain!=""}', eval_time: `${minute}m`, exp_samples: fires ? [{ labels: 'ALERTS{alertname="DialtoneDomainDown", alertstate="firing", domain="ours.example", severity="page"}', value: 1 }] : [] })
  const causes = [{ series: `dialtone_cause_info{${who}, cause="service.down", side="ours"}`, values: turns(true) }, { series: `dialtone_cause_info{${who}, cause="peer.protocol-error", side="peer"}`, values: turns(false) }]
  const bus = { series: `dialtone_bus_connected{${of}}`, values: minutes(() => '1') }
  const test = (name: string, input_series: RuleTest['input_series'], ...promql_expr_test: RuleTest['promql_expr_test']): RuleTest => ({ name, interval: '1m', input_series, promql_expr_test }) as RuleTest
  const { passed, says } = testRules(prometheusRules(), {
    evaluation_interval: '1m',
    tests: [
      test('causes in turn', [bus, state, ...causes], down(14, false), down(15, true), down(59, true)),
      test('a control that starts anew every four minutes', [
        { series: `dialtone_bus_connected{${of}}`, values: restarts('1') }, { series: `dialtone_state{${who}}`, values: restarts('2') }, { series: `dialtone_cause_info{${who}, cause="service.down", side="ours"}`, values: restarts('1') },
      ], down(14, false), down(15, true), down(59, true)),
      test('a peer of ours alone is to blame', [bus, state, { series: `dialtone_cause_info{${who}, cause="peer.protocol-error", side="observer"}`, values: minutes(() => '1') }], { ...down(59, false), expr: 'ALERTS{alertname="DialtoneDomainDown"}' }),
      test('what a control says that judges nothing is old', [bus, state, ...causes, { series: `dialtone_analysis_failing{${of}}`, values: minutes(() => '1') }], down(59, false)),
    ],
  })
  expect(passed, says).toBe(true)
}, 240_000)

it('a certificate of ours that ends in three days is told of, whatever else is wrong', () => {
  const other: Case = { domain: 'ours.example', peer: '', cause: 'degraded.slow', side: 'peer', state: 'degraded' }
  const end = (domain: string, days: number) => ({ series: `dialtone_domain_certificate_end_timestamp_seconds{job="dialtone-control", instance="a", domain="${domain}", peer=""}`, values: line(PARTS, days * 86_400, days * 86_400, days * 86_400) })
  const { passed, says } = testRules(prometheusRules(), {
    evaluation_interval: '1m',
    tests: [{ interval: '1m', input_series: [...seriesOf([other], 'a'), end('ours.example', 2), end('later.example', 4)], promql_expr_test: [at(30, firing([{ ...other, cause: 'degraded.certificate-expiring', side: 'ours' }], ['ticket']))] }],
  })
  expect(passed, says).toBe(true)
}, 240_000)
