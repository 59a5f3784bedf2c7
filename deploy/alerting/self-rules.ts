// The rules about Dialtone itself. What they measure is declared in the apps; docs/operating/metrics.md lists it.
import type { SelfAlert } from './alerts.ts'
import { DEFAULT_CONTROL_URL, JOBS, duration, scaled, type AlertRule, type RuleOptions, type Severity } from './rule.ts'

type Row = {
  name: SelfAlert
  severity: Severity
  title: string
  /** `recently`: how far back counters are compared. */
  expr: (recently: string) => string
  /** Seconds. */
  after: number
  summary: string
  description: string
  remedy: readonly [string, ...string[]]
}

const CONTROL = `job="${JOBS.control}"`
/** How far back counters are compared. */
const RECENTLY = 900
/** However short a lab makes times: no rule looks at less than a few scrapes, or waits for less. */
const LEAST_SECONDS = 10
const KEEP_FIRING = 60
/** As controls that reach the bus say it: what others remember is old. */
const NOW = (series: string) => `${series} and on (job, instance) dialtone_bus_connected == 1`
const AWAY = 'unless on (vantage) max by (vantage) (dialtone_vantage_away) == 1'
const NOBODY_AT = `sum by (vantage) (max by (vantage, state) (${NOW('dialtone_agents')})) == 0`

const ROWS: readonly Row[] = [
  {
    name: 'DialtoneControlDown', severity: 'page', title: 'no control answers',
    expr: () => `(sum by (job) (up{${CONTROL}}) == 0) or absent(up{${CONTROL}})`, after: 120,
    summary: 'No control of Dialtone answers Prometheus.',
    description: 'Nobody judges and nobody announces. Gateways and agents go on by what they last knew; what agents see waits on their disks. Alerts about domains say what was known before.',
    remedy: ['See whether the process runs and what its log says last: systemctl status dialtone-control, journalctl -u dialtone-control.', 'Where it runs, ask it: curl CONTROL/healthz, CONTROL/readyz; and see in Prometheus under Status, Targets why the scrape fails.', 'It is mended when up{job="dialtone-control"} is 1.'],
  },
  {
    name: 'DialtoneControlDown', severity: 'ticket', title: 'one control does not answer',
    expr: () => `up{${CONTROL}} == 0`, after: 300,
    summary: 'The control {{ $labels.instance }} does not answer Prometheus.',
    description: 'While another one answers, nothing is missed; there is nobody in reserve.',
    remedy: ['See whether the process runs and what its log says last: systemctl status dialtone-control, journalctl -u dialtone-control.', 'In Prometheus, Status, Targets says why the scrape fails.'],
  },
  {
    name: 'DialtoneControlRestarts', severity: 'page', title: 'every control starts anew again and again',
    expr: recently => `min by (job) (changes(dialtone_control_started_timestamp_seconds{${CONTROL}}[${recently}])) >= 3`, after: 0,
    summary: 'Every control of Dialtone has started anew three times in a quarter of an hour.',
    description: 'Each start interrupts what alerts about domains wait for: they may never be told. Mostly memory, the disk, or a fault of the program.',
    remedy: ['What its log says last before it ends: journalctl -u dialtone-control; what ended it: systemctl status dialtone-control (oom-kill, an exit code).', 'Exit code 64: its options, its configuration or its store; the last line of the log says what to do.', 'Killed for memory: a larger MemoryMax in its unit.', 'It is mended when its process runs for a quarter of an hour.'],
  },
  {
    name: 'DialtoneControlRestarts', severity: 'ticket', title: 'a control starts anew again and again',
    expr: recently => `changes(dialtone_control_started_timestamp_seconds{${CONTROL}}[${recently}]) >= 3`, after: 0,
    summary: 'The control {{ $labels.instance }} has started anew three times in a quarter of an hour.',
    description: 'While another one runs, nothing is missed; there is nobody in reserve.',
    remedy: ['What its log says last before it ends: journalctl -u dialtone-control; what ended it: systemctl status dialtone-control.'],
  },
  {
    name: 'DialtoneNobodySpeaks', severity: 'page', title: 'no control holds the lease',
    expr: () => `max by (job) (dialtone_lease_held) == 0\nor (max by (job) (up{${CONTROL}}) == 1 unless on (job) max by (job) (dialtone_lease_held))`, after: 120,
    summary: 'No control holds the lease: nobody announces, assigns or reminds.',
    description: 'Controls answer, and none may speak for all. Mostly the bus is away: dialtone_bus_connected is 0 then; or control waits for it since it started; or it judges nothing, and has given the lease up: dialtone_analysis_failing is 1. Agents and gateways work by what they last knew.',
    remedy: ['Control says itself what is missing: curl CONTROL/readyz.', 'See whether the bus runs and is reached: dialtone_bus_connected, nats-server\'s log, the log of control.', 'With NATS, JetStream needs a majority of its servers: nats-server -sl or its /jsz says so.', 'It is mended when dialtone_lease_held is 1 at one control.'],
  },
  {
    name: 'DialtoneNobodySpeaks', severity: 'notice', title: 'no control reaches the bus',
    expr: () => `max by (job) (up{${CONTROL}}) == 1 unless on (job) max by (job) (dialtone_bus_connected{${CONTROL}}) == 1`, after: 120,
    summary: 'No control reaches the bus.',
    description: 'What agents and gateways tell does not arrive. What was said of domains before is old, and that it ends is no recovery.',
    remedy: ['See whether the bus runs and is reached: nats-server\'s log, the log of control.', 'It is mended when dialtone_bus_connected is 1 at a control.'],
  },
  {
    name: 'DialtoneAnalysisFailing', severity: 'page', title: 'no control judges',
    expr: () => 'min by (job) (dialtone_analysis_failing) == 1', after: 120,
    summary: 'No control of Dialtone judges what agents see: its analysis fails, or its store is damaged.',
    description: 'What it says of domains is frozen, and alerts about them are not to be believed. Agents go on, and the bus keeps what they see.',
    remedy: ['Why: curl CONTROL/readyz, and the log of control, level error.', 'A damaged store: stop control, move the store away with its -wal and -shm, start control; it reads again what the bus keeps. A backup of a control, put in its place before, saves the history.', 'A full or failing disk: df, dmesg.', 'It is mended when dialtone_analysis_failing is 0.'],
  },
  {
    name: 'DialtoneAnalysisFailing', severity: 'ticket', title: 'a control does not judge',
    expr: () => 'max by (job, instance) (dialtone_analysis_failing) == 1', after: 120,
    summary: 'The control {{ $labels.instance }} does not judge what agents see: its analysis fails, or its store is damaged.',
    description: 'It has given up the lease. While another one judges, nothing is missed; there is nobody in reserve.',
    remedy: ['Why: curl CONTROL/readyz, and the log of control, level error.', 'A damaged store: stop control, move the store away with its -wal and -shm, start control; it reads again what the bus keeps.'],
  },
  {
    name: 'DialtoneAnalysisBehind', severity: 'ticket', title: 'observations wait to be judged',
    expr: () => 'max by (job, instance) (dialtone_analysis_behind) > 2000', after: 600,
    summary: 'The control {{ $labels.instance }} is behind: observations wait to be judged.',
    description: 'What it says is as old as the oldest of them. After a new store it reads all that the bus keeps, which takes minutes; else it is slower than the agents.',
    remedy: ['Watch dialtone_analysis_behind: if it falls, wait.', 'If not: is the processor of control busy, or its disk slow? dialtone_verdict_seconds, iostat.', 'Fewer checks: a longer interval in the Schedule of peers that matter less.'],
  },
  {
    name: 'DialtoneAgentDown', severity: 'page', title: 'no vantage has an agent',
    expr: () => `sum by (job) (max by (job, vantage, state) (${NOW('dialtone_agents')})) == 0`, after: 300,
    summary: 'No agent of any vantage tells of itself: nothing is seen any more.',
    description: 'Every verdict is becoming unknown.',
    remedy: ['See whether agents run and reach the bus: systemctl status \'dialtone-probe@*\', and their logs.', 'If all of them went at once, look at the bus and its users first.', 'It is mended when dialtone agents lists them.'],
  },
  {
    name: 'DialtoneAgentDown', severity: 'ticket', title: 'a vantage has no agent, or one of its agents does not answer',
    expr: () => `${NOBODY_AT} or (max by (vantage, instance) (up{job="${JOBS.agents}"}) == 0 unless on (vantage) (${NOBODY_AT}) ${AWAY})`, after: 300,
    summary: 'Vantage {{ $labels.vantage }}: {{ if $labels.instance }}the agent at {{ $labels.instance }} does not answer{{ else }}no agent tells of itself{{ end }}.',
    description: 'What only this vantage could see is unknown after three intervals. A domain is not down because nobody looks: verdicts that need this vantage raise no page meanwhile.',
    remedy: ['If it is away on purpose, say so: an Exception of the vantage, or a maintenance (POST /v1/maintenance), keeps quiet about it and ends by itself.', 'See whether the agent runs and what its log says last: systemctl status dialtone-probe@{{ $labels.vantage }}, journalctl -u dialtone-probe@{{ $labels.vantage }}.', 'If it runs: does it reach the bus? Its metric dialtone_bus_connected, and its log, say so.', 'What it saw meanwhile is on its disk and is delivered afterwards. It is mended when dialtone agents lists it.', 'If the vantage is gone for good: keep what it was (dialtone get vantage NAME --format yaml), then dialtone delete vantage NAME.'],
  },
  {
    name: 'DialtoneAgentTrouble', severity: 'ticket', title: 'an agent is itself the problem',
    expr: () => `max by (vantage, agent, what) (dialtone_agent_trouble) == 2 ${AWAY}\nor on (vantage) max by (vantage) (${NOW('dialtone_agents{state="unhealthy"}')}) > 0`, after: 300,
    summary: 'Vantage {{ $labels.vantage }}: {{ if $labels.agent }}agent {{ $labels.agent }} is unwell ({{ $labels.what }}){{ else }}an agent is unwell{{ end }}.',
    description: 'Its way out, its clock or its event loop is at fault. What it sees is set aside, and raises nothing.',
    remedy: ['It says itself what is wrong: dialtone agents.', 'uplink: its network, its route, its resolver. clock: NTP. event-loop: a machine with too little processor.'],
  },
  {
    name: 'DialtoneObservationsLost', severity: 'ticket', title: 'observations were lost',
    expr: recently => `sum by (job, instance) (${grew('dialtone_spool_dropped_total', recently)}) > 0\nor sum by (job, instance) (${grew('dialtone_analysis_gap_total', recently)}) > 0`, after: 0,
    summary: 'Observations were lost at {{ $labels.instance }}.',
    description: 'An agent could not keep them on its disk, or the bus dropped them before control had read them. Verdicts are of what came; the history has a hole.',
    remedy: ['Agent (dialtone_spool_dropped_total): is its disk full, or was the bus away for longer than spoolMegabytes last?', 'Control (dialtone_analysis_gap_total): it was away for longer than the limits of the stream keep: larger limits in deploy/nats, or a second control.'],
  },
  {
    name: 'DialtoneGatewayDown', severity: 'page', title: 'a gateway that should run does not',
    expr: () => [
      `max by (gateway) (${NOW('dialtone_gateway_wanted')}) == 1`,
      `unless on (gateway) max by (gateway) (${NOW('dialtone_gateway_running')}) == 1`,
      'unless on (gateway) max by (gateway) (dialtone_gateway_ready) == 1',
    ].join('\n'), after: 120,
    summary: 'Gateway {{ $labels.gateway }} is wanted running, and does not carry stanzas.',
    description: 'It is gone, unhealthy, or works by another state than is wanted of it. One that is drained or stopped by its resource raises nothing.',
    remedy: ['What it says of itself: dialtone gateways; dialtone describe gateway {{ $labels.gateway }}.', 'If it is absent: systemctl status dialtone-gateway@{{ $labels.gateway }}, journalctl -u dialtone-gateway@{{ $labels.gateway }}; a gateway carries on without the bus, and is only not seen then.', 'If it is to be down: dialtone gateway drain {{ $labels.gateway }}, so that its resource says so.'],
  },
  {
    name: 'DialtoneGatewayQueueing', severity: 'ticket', title: 'stanzas wait at a gateway',
    expr: () => 'max by (job, instance, gateway) (dialtone_gateway_queue_oldest_seconds) > 120', after: 120,
    summary: 'Stanzas wait at the gateway {{ or $labels.gateway $labels.instance }}, the oldest for more than two minutes.',
    description: 'The other side of a route is not reached, or it is held. Users get an error when their stanzas expire.',
    remedy: ['Which route, and why: dialtone describe gateway NAME; dialtone explain-route OURS PEER.', 'When the other side is back: dialtone gateway retry NAME --peer PEER does not wait for the next attempt.'],
  },
  {
    name: 'DialtoneGatewayConfigurationRefused', severity: 'ticket', title: 'a gateway refused its configuration',
    expr: () => 'min by (job, instance, gateway) (dialtone_gateway_configuration_good) == 0', after: 60,
    summary: 'The gateway {{ or $labels.gateway $labels.instance }} refused the last configuration, and works by the one before.',
    description: 'What was changed is not in force there: a file that a reference names is missing, an address is taken, or a policy cannot be read.',
    remedy: ['Why: dialtone describe gateway NAME, or its log.', 'Mend what it names, or put the resource back; dialtone gateway reload NAME reads files again.'],
  },
  {
    name: 'DialtoneStoreFull', severity: 'ticket', title: 'the store is beyond its limit',
    expr: () => 'max by (job, instance) (dialtone_store_bytes / on (job, instance) dialtone_store_limit_bytes) > 1.1', after: 1800,
    summary: 'The store of control {{ $labels.instance }} is beyond its limit.',
    description: 'Retention takes away the oldest, and does not keep up, or what is left may not be taken away. The disk may fill.',
    remedy: ['See what control forgets: dialtone_store_forgotten_total; and how much room the disk has: df.', 'Fewer observations: longer intervals, or fewer domains that fail all the time: each failure is kept for weeks.'],
  },
  {
    name: 'DialtoneFaults', severity: 'notice', title: 'Dialtone made a mistake',
    expr: recently => ['dialtone_analysis_errors_total', 'dialtone_gateway_faults_total', 'dialtone_bus_handlers_failed_total', 'dialtone_bus_violations_total', 'dialtone_metrics_refused_total', 'dialtone_audit_lost_total']
      .map(metric => `label_replace(sum by (job, instance) (${grew(metric, recently)}) > 0, "metric", "${metric}", "", "")`).join('\nor '), after: 0,
    summary: 'Dialtone at {{ $labels.instance }} counted faults of its own ({{ $labels.metric }}).',
    description: 'A fault of the program, of its disk or of what the bus allows it: one thing was not done, all others go on.',
    remedy: ['Read its log at that time, level error.', 'dialtone_bus_violations_total: its NATS user lacks a permission; write the users again by deploy/nats/write-users.ts.', 'Else report it, with the lines of the log.'],
  },
]

export function selfRules (options: RuleOptions = {}): AlertRule[] {
  const recently = duration(Math.max(scaled(RECENTLY, options), LEAST_SECONDS))
  return ROWS.map(({ name, severity, title, expr, after, summary, description, remedy }) => ({
    id: `${name}-${severity}`, name, title: `${title} (${severity})`, severity, group: 'dialtone', expr: expr(recently),
    forSeconds: after === 0 ? 0 : Math.max(scaled(after, options), LEAST_SECONDS), keepFiringSeconds: scaled(KEEP_FIRING, options),
    annotations: {
      summary, description, remedy: remedy.map((step, at) => `${at + 1}. ${step}`).join('\n'),
      runbook_url: `${options.controlUrl ?? DEFAULT_CONTROL_URL}/runbooks/${name}`,
    },
  }))
}

/** A counter that grew, or came to be: most of them are not there before they first count. */
function grew (metric: string, recently: string): string {
  return `increase(${metric}[${recently}]) > 0 or (${metric} > 0 unless ${metric} offset ${recently})`
}
