/** Each alert about Dialtone itself, on hand-made series: it fires after its time and not before, with its labels, and ends; and what looks like it does not. By promtool. */
import { expect, it } from 'vitest'
import { SELF_ALERTS, alertRules, type SelfAlert, type Severity } from '../alerting/index.ts'
import { line, type Parts } from '../test-support/timeline.ts'
import { notifiedExpr } from './notified.ts'
import { testRules, type RuleTest } from './promtool.ts'
import { prometheusRules } from './rules.ts'

/** More than the quarter of an hour that counters are compared over, before; longer than any of these waits, broken. */
const PARTS: Parts = { before: 17, broken: 32, after: 8 }
const BROKEN_AT = PARTS.before
const SELF_RULES = { groups: prometheusRules().groups.filter(({ name }) => name === 'dialtone-dialtone') }
type Values = [before: number | undefined, broken: number | undefined, after: number | undefined]
type Fires = { alert: SelfAlert, severity: Severity, labels?: Readonly<Record<string, string>>, after: number }
type Case = { what: string, series: Readonly<Record<string, Values | string>>, fires: readonly Fires[], /** Of those the ones that are told. Absent: all. */ told?: readonly SelfAlert[] }

const C = 'job="dialtone-control", instance="c1"'
const WELL: Readonly<Record<string, Values>> = { [`up{${C}}`]: [1, 1, 1], [`dialtone_bus_connected{${C}}`]: [1, 1, 1], [`dialtone_lease_held{${C}}`]: [1, 1, 1], [`dialtone_analysis_behind{${C}}`]: [0, 0, 0] }
const counts = (before: number, broken: number): string => [...Array.from({ length: PARTS.before }, () => before), ...Array.from({ length: PARTS.broken + PARTS.after }, () => broken)].join(' ')
/** When the process began: another time every so many minutes while it is broken. */
const starts = (every: number): string => Array.from({ length: PARTS.before + PARTS.broken + PARTS.after }, (_, minute) => 1000 + Math.max(0, 1 + Math.floor((Math.min(minute, PARTS.before + PARTS.broken - 1) - PARTS.before) / every))).join(' ')
const agents = (vantage: string, running: Values, unhealthy: Values = [0, 0, 0]) => ({
  [`dialtone_agents{${C}, vantage="${vantage}", state="running"}`]: running, [`dialtone_agents{${C}, vantage="${vantage}", state="unhealthy"}`]: unhealthy, [`dialtone_agents{${C}, vantage="${vantage}", state="paused"}`]: [0, 0, 0] as Values,
})
const agentUp = (values: Values) => ({ 'up{job="dialtone-agents", instance="a1", vantage="inside"}': values })
const gateway = (wanted: number, running: Values, ready?: Values) => ({
  [`dialtone_gateway_wanted{${C}, gateway="edge"}`]: [wanted, wanted, wanted] as Values, [`dialtone_gateway_running{${C}, gateway="edge"}`]: running,
  ...(ready === undefined ? {} : { 'dialtone_gateway_ready{job="dialtone-gateways", instance="g1", gateway="edge"}': ready }),
})
/** Of a gateway and of no control. */
const G = 'job="dialtone-gateways", instance="g1"'
const OF_C = { job: 'dialtone-control', instance: 'c1' }
const OF_G = { job: 'dialtone-gateways', instance: 'g1' }

const CASES: readonly Case[] = [
  { what: 'all is well', series: { ...WELL, ...agents('inside', [1, 1, 1]), ...agentUp([1, 1, 1]), ...gateway(1, [1, 1, 1], [1, 1, 1]) }, fires: [] },
  {
    what: 'the only control is dead', series: { [`up{${C}}`]: [1, 0, 1], [`dialtone_bus_connected{${C}}`]: [1, undefined, 1], [`dialtone_lease_held{${C}}`]: [1, undefined, 1] },
    fires: [{ alert: 'DialtoneControlDown', severity: 'page', labels: { job: 'dialtone-control' }, after: 2 }, { alert: 'DialtoneControlDown', severity: 'ticket', labels: OF_C, after: 5 }],
  },
  { what: 'no control is configured any more', series: { 'up{job="other"}': [1, 1, 1], [`up{${C}}`]: [1, undefined, 1], [`dialtone_bus_connected{${C}}`]: [1, undefined, 1], [`dialtone_lease_held{${C}}`]: [1, undefined, 1] }, fires: [{ alert: 'DialtoneControlDown', severity: 'page', labels: { job: 'dialtone-control' }, after: 2 }] },
  { what: 'one of two controls is dead', series: { ...WELL, 'up{job="dialtone-control", instance="c2"}': [1, 0, 1] }, fires: [{ alert: 'DialtoneControlDown', severity: 'ticket', labels: { job: 'dialtone-control', instance: 'c2' }, after: 5 }] },
  { what: 'nobody holds the lease', series: { ...WELL, [`dialtone_lease_held{${C}}`]: [1, 0, 1] }, fires: [{ alert: 'DialtoneNobodySpeaks', severity: 'page', labels: { job: 'dialtone-control' }, after: 2 }] },
  { what: 'nobody tells of a lease at all', series: { ...WELL, [`dialtone_lease_held{${C}}`]: [1, undefined, 1] }, fires: [{ alert: 'DialtoneNobodySpeaks', severity: 'page', labels: { job: 'dialtone-control' }, after: 2 }] },
  {
    what: 'the only control judges nothing', series: { ...WELL, [`dialtone_analysis_failing{${C}}`]: [0, 1, 0] },
    fires: [{ alert: 'DialtoneAnalysisFailing', severity: 'page', labels: { job: 'dialtone-control' }, after: 2 }, { alert: 'DialtoneAnalysisFailing', severity: 'ticket', labels: OF_C, after: 2 }],
  },
  { what: 'one of two judges nothing', series: { ...WELL, [`dialtone_analysis_failing{${C}}`]: [0, 1, 0], 'dialtone_analysis_failing{job="dialtone-control", instance="c2"}': [0, 0, 0] }, fires: [{ alert: 'DialtoneAnalysisFailing', severity: 'ticket', labels: OF_C, after: 2 }] },
  {
    what: 'the only control starts anew every four minutes', series: { ...WELL, [`dialtone_control_started_timestamp_seconds{${C}}`]: starts(4) },
    fires: [{ alert: 'DialtoneControlRestarts', severity: 'page', labels: { job: 'dialtone-control' }, after: 8 }, { alert: 'DialtoneControlRestarts', severity: 'ticket', labels: OF_C, after: 8 }],
  },
  { what: 'a control that was started anew twice', series: { ...WELL, [`dialtone_control_started_timestamp_seconds{${C}}`]: starts(16) }, fires: [] },
  { what: 'another one holds the lease', series: { ...WELL, [`dialtone_lease_held{${C}}`]: [1, 0, 1], 'dialtone_lease_held{job="dialtone-control", instance="c2"}': [0, 1, 0] }, fires: [] },
  {
    what: 'the bus is away: what is remembered of agents and gateways says nothing', series: { ...WELL, [`dialtone_bus_connected{${C}}`]: [1, 0, 1], [`dialtone_lease_held{${C}}`]: [1, 0, 1], ...agents('inside', [1, 0, 1]), ...gateway(1, [1, 0, 1]) },
    fires: [{ alert: 'DialtoneNobodySpeaks', severity: 'page', labels: { job: 'dialtone-control' }, after: 2 }, { alert: 'DialtoneNobodySpeaks', severity: 'notice', labels: { job: 'dialtone-control' }, after: 2 }],
  },
  { what: 'control is behind', series: { ...WELL, [`dialtone_analysis_behind{${C}}`]: [0, 9000, 0] }, fires: [{ alert: 'DialtoneAnalysisBehind', severity: 'ticket', labels: OF_C, after: 10 }] },
  { what: 'a vantage has lost its agent, another has one', series: { ...WELL, ...agents('inside', [1, 0, 1]), ...agents('outside', [1, 1, 1]) }, fires: [{ alert: 'DialtoneAgentDown', severity: 'ticket', labels: { vantage: 'inside' }, after: 5 }] },
  { what: 'the same, and Prometheus sees it too: still one', series: { ...WELL, ...agents('inside', [1, 0, 1]), ...agents('outside', [1, 1, 1]), ...agentUp([1, 0, 1]) }, fires: [{ alert: 'DialtoneAgentDown', severity: 'ticket', labels: { vantage: 'inside' }, after: 5 }] },
  { what: 'one agent of a vantage that has more', series: { ...WELL, ...agents('inside', [2, 1, 2]), ...agentUp([1, 0, 1]) }, fires: [{ alert: 'DialtoneAgentDown', severity: 'ticket', labels: { vantage: 'inside', instance: 'a1' }, after: 5 }] },
  { what: 'a vantage in maintenance, which Prometheus does not reach', series: { ...WELL, ...agents('outside', [1, 1, 1]), ...agentUp([1, 0, 1]), [`dialtone_vantage_away{${C}, vantage="inside"}`]: [undefined, 1, undefined] }, fires: [] },
  {
    what: 'no vantage has an agent', series: { ...WELL, ...agents('inside', [1, 0, 1]), ...agents('outside', [1, 0, 1]) },
    fires: [{ alert: 'DialtoneAgentDown', severity: 'page', labels: { job: 'dialtone-control' }, after: 5 }, { alert: 'DialtoneAgentDown', severity: 'ticket', labels: { vantage: 'inside' }, after: 5 }, { alert: 'DialtoneAgentDown', severity: 'ticket', labels: { vantage: 'outside' }, after: 5 }],
  },
  { what: 'an agent says itself that it is unwell', series: { ...WELL, 'dialtone_agent_trouble{vantage="inside", agent="a", what="clock"}': [0, 2, 0], 'dialtone_agent_trouble{vantage="inside", agent="a", what="uplink"}': [0, 1, 0] }, fires: [{ alert: 'DialtoneAgentTrouble', severity: 'ticket', labels: { vantage: 'inside', agent: 'a', what: 'clock' }, after: 5 }] },
  { what: 'control alone hears that it is', series: { ...WELL, ...agents('inside', [1, 0, 1], [0, 1, 0]) }, fires: [{ alert: 'DialtoneAgentTrouble', severity: 'ticket', labels: { vantage: 'inside' }, after: 5 }] },
  { what: 'a spool drops', series: { ...WELL, 'dialtone_spool_dropped_total{job="dialtone-agents", instance="a1", vantage="inside", agent="a"}': counts(0, 5) }, fires: [{ alert: 'DialtoneObservationsLost', severity: 'ticket', labels: { job: 'dialtone-agents', instance: 'a1' }, after: 0 }] },
  { what: 'the stream dropped what was not read, and nobody had counted before', series: { ...WELL, [`dialtone_analysis_gap_total{${C}, stream="observations"}`]: [undefined, 3, 3] }, fires: [{ alert: 'DialtoneObservationsLost', severity: 'ticket', labels: OF_C, after: 0 }] },
  { what: 'a gateway is gone', series: { ...WELL, ...gateway(1, [1, 0, 1], [1, undefined, 1]) }, fires: [{ alert: 'DialtoneGatewayDown', severity: 'page', labels: { gateway: 'edge' }, after: 2 }] },
  { what: 'a gateway that is drained on purpose', series: { ...WELL, ...gateway(0, [1, 0, 1], [1, 0, 1]) }, fires: [] },
  { what: 'a gateway that has lost the bus, and carries on', series: { ...WELL, ...gateway(1, [1, 0, 1], [1, 1, 1]) }, fires: [] },
  { what: 'stanzas wait', series: { ...WELL, [`dialtone_gateway_queue_oldest_seconds{${G}}`]: [0, 300, 0] }, fires: [{ alert: 'DialtoneGatewayQueueing', severity: 'ticket', labels: OF_G, after: 2 }] },
  { what: 'stanzas wait a moment', series: { ...WELL, [`dialtone_gateway_queue_oldest_seconds{${G}}`]: [0, 30, 0] }, fires: [] },
  { what: 'a configuration is refused', series: { ...WELL, [`dialtone_gateway_configuration_good{${G}}`]: [1, 0, 1] }, fires: [{ alert: 'DialtoneGatewayConfigurationRefused', severity: 'ticket', labels: OF_G, after: 1 }] },
  { what: 'the store is beyond its limit', series: { ...WELL, [`dialtone_store_bytes{${C}}`]: [50, 120, 50], [`dialtone_store_limit_bytes{${C}}`]: [100, 100, 100] }, fires: [{ alert: 'DialtoneStoreFull', severity: 'ticket', labels: OF_C, after: 30 }] },
  { what: 'the store is as full as it may be', series: { ...WELL, [`dialtone_store_bytes{${C}}`]: [50, 100, 50], [`dialtone_store_limit_bytes{${C}}`]: [100, 100, 100] }, fires: [] },
  { what: 'a fault of a gateway', series: { ...WELL, [`dialtone_gateway_faults_total{${G}}`]: counts(2, 3) }, fires: [{ alert: 'DialtoneFaults', severity: 'notice', labels: { ...OF_G, metric: 'dialtone_gateway_faults_total' }, after: 0 }] },
  { what: 'the first fault of an analysis', series: { ...WELL, [`dialtone_analysis_errors_total{${C}, step="judge"}`]: [undefined, 1, 1] }, fires: [{ alert: 'DialtoneFaults', severity: 'notice', labels: { ...OF_C, metric: 'dialtone_analysis_errors_total' }, after: 0 }] },
]

it('every alert has a case', () => {
  expect(new Set(CASES.flatMap(({ fires }) => fires.map(({ alert, severity }) => `${alert}-${severity}`)))).toEqual(new Set(alertRules().filter(({ group }) => group === 'dialtone').map(({ id }) => id)))
  expect(new Set(CASES.flatMap(({ fires }) => fires.map(({ alert }) => alert)))).toEqual(new Set(SELF_ALERTS))
})

it(`fires when it should, and ends: ${CASES.length} cases`, () => {
  const { passed, says } = testRules(SELF_RULES, {
    evaluation_interval: '1m',
    tests: CASES.map(({ what, series, fires }) => ({
      name: what, interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values: typeof values === 'string' ? values : line(PARTS, ...values) })),
      promql_expr_test: [
        ...[...new Set(fires.map(({ after }) => after))].flatMap(after => [at(BROKEN_AT + after - 1, fires), at(BROKEN_AT + after, fires)]),
        // What grew is told for a quarter of an hour.
        ...(fires.length > 0 && fires.every(({ after }) => after === 0) ? [at(BROKEN_AT + 30, [])] : [at(BROKEN_AT + PARTS.broken - 1, fires)]),
        at(BROKEN_AT + PARTS.broken + PARTS.after - 1, []),
      ],
    }) as RuleTest),
  })
  expect(passed, says.slice(0, 4000)).toBe(true)
}, 240_000)

it('of alerts that say the same, one is told', () => {
  const domain: Record<string, Values> = { [`dialtone_state{${C}, domain="ours.example", peer=""}`]: [0, 2, 2], [`dialtone_cause_info{${C}, domain="ours.example", peer="", cause="service.down", side="ours"}`]: [undefined, 1, 1] }
  const unknown: Record<string, Values> = { [`dialtone_state{${C}, domain="ours.example", peer=""}`]: [0, 3, 3], [`dialtone_cause_info{${C}, domain="ours.example", peer="", cause="unknown", side="observer"}`]: [undefined, 1, 1] }
  const unreached: Record<string, Values> = { [`dialtone_state{${C}, domain="ours.example", peer=""}`]: [0, 2, 2], [`dialtone_cause_info{${C}, domain="ours.example", peer="", cause="peer.unreachable", side="ours"}`]: [undefined, 1, 1] }
  const byInside: Record<string, Values> = { [`dialtone_unreached_from_inside_alone{${C}, domain="ours.example", peer=""}`]: [undefined, 1, 1] }
  const pair: Record<string, Values> = { [`dialtone_state{${C}, domain="ours.example", peer="partner.example"}`]: [0, 2, 2], [`dialtone_cause_info{${C}, domain="ours.example", peer="partner.example", cause="dialback.callback-blocked", side="path"}`]: [undefined, 1, 1] }
  const theirs: Record<string, Values> = { [`dialtone_state{${C}, domain="ours.example", peer="dead.example"}`]: [0, 2, 2], [`dialtone_cause_info{${C}, domain="ours.example", peer="dead.example", cause="peer.unreachable", side="peer"}`]: [undefined, 1, 1] }
  const told = (what: string, series: Readonly<Record<string, Values>>, minute: number, ...alerts: string[]): RuleTest => ({
    name: what, interval: '5m', input_series: Object.entries(series).map(([name, values]) => ({ series: name, values: line({ before: 4, broken: 12, after: 8 }, ...values) })),
    promql_expr_test: [{ expr: `group by (alertname, severity, peer) (${notifiedExpr()})`, eval_time: `${minute}m`, exp_samples: alerts.map(labels => ({ labels, value: 1 })) }],
  }) as RuleTest
  const { passed, says } = testRules(prometheusRules(), {
    // Broken from the twentieth minute to the eightieth.
    evaluation_interval: '5m',
    tests: [
      told('a domain that is down, its pair, and a peer that has its own trouble', { ...WELL, ...domain, ...pair, ...theirs }, 60, '{alertname="DialtoneServiceDown", severity="page"}', '{alertname="DialtonePeerDown", severity="ticket", peer="dead.example"}'),
      told('a pair alone', { ...WELL, ...pair }, 60, '{alertname="DialtoneDialbackBroken", severity="page", peer="partner.example"}'),
      told('an agent that is gone, and what nobody knows for it', { ...WELL, ...agents('inside', [1, 0, 0]), ...agents('outside', [1, 1, 1]), ...unknown }, 110, '{alertname="DialtoneAgentDown", severity="ticket"}'),
      told('what nobody knows, with all agents there', { ...WELL, ...agents('inside', [1, 1, 1]), ...unknown }, 110, '{alertname="DialtoneUnknown", severity="notice"}'),
      told('an agent outside that is gone, and a domain that nobody inside reaches by its public address: no page', { ...WELL, ...agents('inside', [1, 1, 1]), ...agents('outside', [1, 0, 0]), ...unreached, ...byInside }, 60, '{alertname="DialtonePeerDown", severity="ticket"}', '{alertname="DialtoneAgentDown", severity="ticket"}'),
      told('a site without power: the agent inside is gone with the server, and outside says so', { ...WELL, ...agents('inside', [1, 0, 0]), ...agents('outside', [1, 1, 1]), ...unreached }, 60, '{alertname="DialtonePeerDown", severity="page"}', '{alertname="DialtoneAgentDown", severity="ticket"}'),
      told('said by inside alone, with all agents there', { ...WELL, ...agents('inside', [1, 1, 1]), ...agents('outside', [1, 1, 1]), ...unreached, ...byInside }, 60, '{alertname="DialtonePeerDown", severity="ticket"}'),
      told('a control that judges nothing, and has given up the lease', { ...WELL, ...domain, [`dialtone_analysis_failing{${C}}`]: [0, 1, 1], [`dialtone_lease_held{${C}}`]: [1, 0, 0] }, 60, '{alertname="DialtoneAnalysisFailing", severity="page"}'),
      told('the same with all agents there', { ...WELL, ...agents('inside', [1, 1, 1]), ...agents('outside', [1, 1, 1]), ...unreached }, 60, '{alertname="DialtonePeerDown", severity="page"}'),
      told('no vantage has an agent', { ...WELL, ...agents('inside', [1, 0, 0]), ...unknown }, 110, '{alertname="DialtoneAgentDown", severity="page"}'),
      told('a lease that cannot be written, while what agents see is judged', { ...WELL, ...domain, [`dialtone_lease_held{${C}}`]: [1, 0, 0] }, 60, '{alertname="DialtoneNobodySpeaks", severity="page"}', '{alertname="DialtoneServiceDown", severity="page"}'),
      told('a control that has died while a domain was down', { [`up{${C}}`]: [1, 1, 0], [`dialtone_bus_connected{${C}}`]: [1, 1, undefined], [`dialtone_lease_held{${C}}`]: [1, 1, undefined], ...Object.fromEntries(Object.entries(domain).map(([name, [, broken]]) => [name, [undefined, broken, undefined] as Values])) }, 85, '{alertname="DialtoneControlDown", severity="page"}'),
    ],
  })
  expect(passed, says.slice(0, 4000)).toBe(true)
  // What is old goes on for five minutes.
  const away = testRules(prometheusRules(), { evaluation_interval: '1m', tests: [
    told('a bus that is away since a domain was down', { ...WELL, ...domain, [`dialtone_bus_connected{${C}}`]: [1, 1, 0], [`dialtone_lease_held{${C}}`]: [1, 1, 0] }, 83, '{alertname="DialtoneNobodySpeaks", severity="page"}'),
  ] })
  expect(away.passed, away.says.slice(0, 4000)).toBe(true)
}, 240_000)

function at (minute: number, fires: readonly Fires[]): RuleTest['promql_expr_test'][number] {
  const due = fires.filter(({ after }) => BROKEN_AT + after <= minute)
  return { expr: 'ALERTS{alertstate="firing"}', eval_time: `${minute}m`, exp_samples: due.map(({ alert, severity, labels = {} }) => ({ labels: `ALERTS{${Object.entries({ alertname: alert, alertstate: 'firing', severity, ...labels }).map(([name, value]) => `${name}="${value}"`).join(', ')}}`, value: 1 })) }
}
