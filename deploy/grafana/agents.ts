// Dialtone itself: agents, the bus, and control with its analysis, store and API.
import type { DashboardSpec } from './dashboard.ts'
import { highest, most, once } from './expressions.ts'
import type { PanelSpec, Query } from './panel.ts'
import { TROUBLE_WORDS, WELL_WORDS } from './states.ts'

const AGENTS = 'vantage=~"$vantage"'
const lines = (title: string, about: string, queries: readonly Query[], more: Partial<PanelSpec> = {}): PanelSpec => ({ title, about, queries, draw: 'lines', unit: 'none', min: 0, wide: 8, ...more })
const rate = (counter: string, by: string, legend: string, mayBeEmpty?: string, matchers = ''): Query => ({
  expr: highest(by, `sum by (${by}) (rate(${counter}${matchers === '' ? '' : `{${matchers}}`}[$__rate_interval]))`), legend, ...(mayBeEmpty === undefined ? {} : { mayBeEmpty }),
})

export const AGENTS_AND_BUS: DashboardSpec = {
  uid: 'dialtone-agents',
  title: 'Dialtone: agents and bus',
  about: 'Whether Dialtone itself is well: agents and their clocks, what is on its way, the analysis, the stores, the API and the bus.',
  variables: [
    { name: 'vantage', label: 'Vantage', about: 'Where agents stand.', values: 'label_values(dialtone_targets, vantage)', several: true },
    { name: 'job', label: 'Job', about: 'Scrape jobs of Prometheus that have Dialtone in them.', values: 'label_values(dialtone_metrics_series, job)', several: true },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Agents that tell of themselves', wide: 6, draw: 'numbers', unit: 'none', colours: { running: 'up', paused: 'held', unhealthy: 'degraded' },
          about: 'As control hears of them on the bus, by state. Vantages in quarantine or in maintenance are left out.',
          queries: [{ expr: `sum by (state) (max by (vantage, state) (dialtone_agents{${AGENTS}}))`, legend: '{{state}}' }],
        },
        {
          title: 'Targets', wide: 6, draw: 'numbers', unit: 'none', colours: { mine: 'plain', failing: 'degraded', overdue: 'down' },
          about: 'What agents check; failing: a step of the last check failed; overdue: waits for longer than its interval, so an agent is too slow or a budget is used up.',
          queries: ['mine', 'failing', 'overdue'].map(which => ({ expr: `sum(max by (vantage, agent) (dialtone_targets{which="${which}", ${AGENTS}}))`, legend: which })),
        },
        {
          title: 'Speaks for all', wide: 4, draw: 'numbers', unit: 'none', thresholds: [{ colour: 'down' }, { from: 1, colour: 'up' }, { from: 2, colour: 'degraded' }],
          about: 'Controls that hold the lease: one announces, reminds and commands. None for longer than a minute: nobody does.',
          queries: [{ expr: 'sum(dialtone_lease_held)', legend: 'controls' }],
        },
        {
          title: 'Analysis behind', wide: 4, draw: 'numbers', unit: 'none', thresholds: [{ colour: 'up' }, { from: 1000, colour: 'degraded' }, { from: 10_000, colour: 'down' }],
          about: 'Observations that are not judged yet. Verdicts are as old as the first of them.',
          queries: [{ expr: 'max(dialtone_analysis_behind)', legend: 'observations' }],
        },
        {
          title: 'Bus', wide: 4, draw: 'numbers', unit: 'none', colours: { connected: 'up', 'not connected': 'down' },
          about: 'Processes that reach the bus, and those that do not: they go on by what they know, and deliver later.',
          queries: [{ expr: 'sum(dialtone_bus_connected == bool 1)', legend: 'connected' }, { expr: 'sum(dialtone_bus_connected == bool 0)', legend: 'not connected' }],
        },
      ],
    },
    {
      title: 'Agents',
      panels: [
        {
          title: 'Processes that Prometheus reaches', wide: 12, draw: 'states', unit: 'none', mappings: WELL_WORDS,
          about: 'Whether the last scrape of each process worked: at most 100 of them, those that fail first.',
          queries: [{ expr: 'bottomk(100, min by (job, instance) (up{job=~"$job"}))', legend: '{{job}} {{instance}}' }],
        },
        {
          title: 'Trouble of agents', wide: 12, draw: 'states', unit: 'none', mappings: TROUBLE_WORDS,
          about: 'Whether an agent is itself the problem: its uplink, its clock or its event loop. What it sees meanwhile is set aside, so no domain is blamed. At most 100, the worst first.',
          queries: [{ expr: `topk(100, max by (vantage, agent, what) (dialtone_agent_trouble{${AGENTS}}))`, legend: '{{vantage}} {{agent}}: {{what}}' }],
        },
        lines('Clock of agents', 'How far an agent\'s clock is from control\'s: the 20 farthest. Above some seconds certificates and times are judged wrongly: mend NTP.', [{ expr: `topk(20, abs(max by (vantage, agent) (dialtone_agent_clock_offset_seconds{${AGENTS}})))`, legend: '{{vantage}} {{agent}}' }], { unit: 's' }),
        lines('Longest delay of the event loop', 'The 20 worst. Above a second the agent measures itself instead of the network.', [{ expr: `topk(20, max by (vantage, agent) (dialtone_agent_event_loop_lag_seconds{${AGENTS}}))`, legend: '{{vantage}} {{agent}}' }], { unit: 's' }),
        lines('Checks', 'Checks that ended, by whether a step failed; dropped: cut short by the agent itself.', [rate('dialtone_checks_total', 'vantage, result', '{{vantage}} {{result}}', undefined, AGENTS)], { unit: 'ops' }),
        lines('Connections and budgets', 'Connections that checks made, and checks that were put off because the budget of a domain was used.', [rate('dialtone_connections_total', 'vantage', 'connections, {{vantage}}', undefined, AGENTS), rate('dialtone_budget_put_off_total', 'vantage', 'put off, {{vantage}}', 'every budget was enough', AGENTS)], { unit: 'ops' }),
        lines('DNS questions', 'How long they take for 95 of 100, by what came back.', [{ expr: most('vantage, outcome', 'dialtone_dns_question_seconds', AGENTS), legend: '{{vantage}} {{outcome}}' }], { unit: 's' }),
        lines('Dialback and EXTERNAL', 'How deep checks end.', [rate('dialtone_dialback_total', 'role, outcome', '{{role}} {{outcome}}', undefined, AGENTS), rate('dialtone_external_total', 'outcome', 'EXTERNAL {{outcome}}', undefined, AGENTS)], { unit: 'ops' }),
        lines('Dialback listeners', 'Connections to the listeners of agents, and what they answered about keys.', [rate('dialtone_listener_connections_total', 'vantage', 'connections, {{vantage}}', undefined, AGENTS), rate('dialtone_listener_asked_total', 'vantage, answer', 'asked, {{vantage}} {{answer}}', undefined, AGENTS)], { unit: 'ops' }),
        lines('Hooks and /probe', 'Hooks of managed servers, and checks that others asked for by /probe.', [rate('dialtone_agent_hooks_total', 'hook, outcome', '{{hook}} {{outcome}}', 'no hook was asked for'), rate('dialtone_exporter_probes_total', 'how', 'probe {{how}}', 'nobody asked by /probe')], { unit: 'ops' }),
      ],
    },
    {
      title: 'Observations on their way',
      panels: [
        lines('Delivered', 'Observations that the bus has taken from agents.', [rate('dialtone_observations_delivered_total', 'vantage', '{{vantage}}', undefined, AGENTS)], { unit: 'ops' }),
        lines('In spools', 'Observations on the disks of agents that the bus has not taken yet: the 20 longest. They come later, in order.', [{ expr: `topk(20, max by (vantage, agent) (dialtone_spool_waiting{${AGENTS}}))`, legend: '{{vantage}} {{agent}}' }]),
        lines('Size of spools', 'On the disks of agents: the 20 largest.', [{ expr: `topk(20, max by (vantage, agent) (dialtone_spool_bytes{${AGENTS}}))`, legend: '{{vantage}} {{agent}}' }], { unit: 'bytes' }),
        lines('Lost on the way', 'Observations that were lost: the spool was full or broken, or the bus will never take them. Each is a hole in history.', [
          rate('dialtone_spool_dropped_total', 'vantage', 'dropped, {{vantage}}', 'nothing was lost', AGENTS), rate('dialtone_spool_refused_total', 'vantage, why', 'refused, {{vantage}} {{why}}', 'nothing was refused', AGENTS),
          rate('dialtone_spool_torn_total', 'vantage', 'torn, {{vantage}}', 'no agent was killed while it wrote', AGENTS), { expr: once('stream', 'dialtone_analysis_gap_total'), legend: 'gap, {{stream}}', mayBeEmpty: 'the stream kept everything until it was read' },
        ], { unit: 'ops' }),
        lines('Taken by control', 'Observations that control took from the stream; the same: equal in outcome to the one before.', [{ expr: once('vantage, result', 'dialtone_observations_ingested_total'), legend: '{{vantage}} {{result}}' }], { unit: 'ops' }),
        lines('Witnesses that went stale', 'Of which nothing was heard for three intervals: their word does not count any more.', [{ expr: once('vantage', 'dialtone_witnesses_stale_total'), legend: '{{vantage}}', mayBeEmpty: 'every witness was heard in time' }], { unit: 'ops' }),
      ],
    },
    {
      title: 'Control',
      panels: [
        lines('Analysis behind over time', 'Observations in the stream that each control has not judged yet.', [{ expr: 'max by (instance) (dialtone_analysis_behind)', legend: '{{instance}}' }]),
        lines('Verdicts', 'Verdicts that were worked out, by why.', [{ expr: once('because', 'dialtone_verdicts_judged_total'), legend: '{{because}}' }], { unit: 'ops' }),
        lines('Time for a verdict', '95 of 100 take less.', [{ expr: most('', 'dialtone_verdict_seconds'), legend: '95 of 100' }], { unit: 's' }),
        lines('Lease', 'Which control speaks for all.', [{ expr: 'max by (instance) (dialtone_lease_held)', legend: '{{instance}}' }], { draw: 'states', mappings: WELL_WORDS }),
        lines('Store', 'Bytes in use, and the limit beyond which the oldest is taken away.', [{ expr: 'max by (instance) (dialtone_store_bytes)', legend: '{{instance}}' }, { expr: 'max by (instance) (dialtone_store_limit_bytes)', legend: 'limit of {{instance}}' }], { unit: 'bytes' }),
        lines('Documents in the store', 'Certificates, messages and transcripts, each once.', [{ expr: 'max by (instance) (dialtone_store_blobs)', legend: '{{instance}}' }]),
        lines('Forgotten', 'Rows that retention took away.', [{ expr: once('what', 'dialtone_store_forgotten_total'), legend: '{{what}}', mayBeEmpty: 'nothing is old enough' }], { unit: 'ops' }),
        lines('Waiting to be told', 'Announcements that nobody has published yet, and audit entries that the bus has not taken: writes are refused meanwhile.', [{ expr: 'max(dialtone_announcements_waiting)', legend: 'announcements' }, { expr: 'max(dialtone_audit_waiting)', legend: 'audit entries', mayBeEmpty: 'the bus has taken each at once' }]),
        lines('Faults of the analysis', 'Steps that failed by a fault of Dialtone or of its disk. Each is in the log; please report it.', [{ expr: once('step', 'dialtone_analysis_errors_total'), legend: '{{step}}', mayBeEmpty: 'nothing has failed' }], { unit: 'ops' }),
        lines('Records with a hole', 'Streams that were made anew or set back while they were read, audit entries that only the log has, checks that nobody was told of.', [
          { expr: once('stream', 'dialtone_analysis_resets_total'), legend: 'stream {{stream}} made anew', mayBeEmpty: 'no stream was made anew' },
          { expr: 'max(rate(dialtone_analysis_time_set_back_total[$__rate_interval]))', legend: 'time set back', mayBeEmpty: 'no clock was set back' },
          { expr: 'sum(rate(dialtone_audit_lost_total[$__rate_interval]))', legend: 'audit entries lost', mayBeEmpty: 'every audit entry was taken' },
        ], { unit: 'ops' }),
        lines('Writes', 'Changes of the configuration, and what vantages and gateways were told, by what became of it.', [rate('dialtone_configuration_writes_total', 'outcome', 'configuration {{outcome}}'), rate('dialtone_assignment_writes_total', 'outcome', 'assignment {{outcome}}')], { unit: 'ops' }),
        lines('Told by gateways', 'Facts about pairs that control took from gateways, or refused as they were told under the name of another.', [{ expr: once('result', 'dialtone_pair_facts_total'), legend: '{{result}}' }], { unit: 'ops' }),
        lines('Configuration', 'Revision that each control knows. They are the same, but for a moment.', [{ expr: 'max by (instance) (dialtone_configuration_revision)', legend: '{{instance}}' }]),
        {
          title: 'Resources', wide: 8, draw: 'bars', unit: 'none', min: 0, about: 'Resources of the configuration, by kind.', queries: [{ expr: 'max by (kind) (dialtone_configuration_resources)', legend: '{{kind}}' }],
        },
        lines('What vantages have to check', 'Targets that control has assigned to each vantage.', [{ expr: `max by (vantage) (dialtone_assignment_targets{${AGENTS}})`, legend: '{{vantage}}' }]),
      ],
    },
    {
      title: 'API',
      panels: [
        lines('Requests', 'By class of the answer.', [rate('dialtone_http_request_duration_seconds_count', 'class', '{{class}}')], { unit: 'reqps', colours: { '2xx': 'up', '4xx': 'degraded', '5xx': 'down' } }),
        lines('Time of answers', 'For 95 of 100, the 10 slowest routes.', [{ expr: `topk(10, ${most('route', 'dialtone_http_request_duration_seconds')})`, legend: '{{route}}' }], { unit: 's' }),
        lines('Refused', 'Requests that were refused for who asked, or before a route saw them.', [rate('dialtone_api_refused_total', 'why', 'who: {{why}}', 'nobody was refused'), rate('dialtone_http_refused_total', 'why', 'what: {{why}}', 'nothing was refused')], { unit: 'reqps' }),
        lines('Live streams', 'Open streams of live events.', [{ expr: 'sum(dialtone_sse_clients)', legend: 'open', mayBeEmpty: 'nobody has watched yet' }]),
        lines('Live streams that were cut', 'Ended by control because they were too slow, or told to read everything again.', [rate('dialtone_sse_dropped_total', 'why', 'ended, {{why}}', 'every reader kept up'), rate('dialtone_sse_resyncs_total', 'why', 'again, {{why}}', 'every reader kept up')], { unit: 'ops' }),
        lines('Live events', 'Events that were taken for live readers, by kind.', [rate('dialtone_sse_events_total', 'kind', '{{kind}}')], { unit: 'ops' }),
      ],
    },
    {
      title: 'Bus',
      panels: [
        lines('Published', 'Events that were handed to the bus, by kind and by what became of them.', [rate('dialtone_bus_published_total', 'noun, outcome', '{{noun}} {{outcome}}')], { unit: 'ops' }),
        lines('Time until it is stored', 'From handing an event over until the bus has it, for 95 of 100.', [{ expr: most('noun', 'dialtone_bus_publish_seconds'), legend: '{{noun}}' }], { unit: 's' }),
        lines('Requests over the bus', 'Commands, by how they ended.', [rate('dialtone_bus_requests_total', 'verb, outcome', '{{verb}} {{outcome}}')], { unit: 'ops' }),
        lines('Lost and refused by the bus', 'Events that a reader lost, bodies that are not what their kind says, what the NATS server did not allow.', [
          rate('dialtone_bus_dropped_total', 'noun', 'dropped {{noun}}', 'every subscriber kept up'), rate('dialtone_bus_gap_total', 'stream', 'gap {{stream}}', 'streams kept everything until it was read'),
          rate('dialtone_bus_bodies_refused_total', 'noun, at, reason', '{{noun}} {{at}} {{reason}}', 'every body was good'), rate('dialtone_bus_violations_total', 'operation', 'not allowed: {{operation}}', 'every permission is there'),
        ], { unit: 'ops' }),
        lines('Handlers that failed', 'Handlers of events and batches that threw and are tried again.', [rate('dialtone_bus_handlers_failed_total', 'of', '{{of}}', 'no handler failed'), rate('dialtone_bus_batches_failed_total', 'stream', 'batch, {{stream}}', 'no batch failed')], { unit: 'ops' }),
        lines('Reconnects', 'Connections to the bus that were made after one was lost.', [rate('dialtone_bus_reconnects_total', 'instance', '{{instance}}', 'no connection was lost')], { unit: 'ops' }),
        lines('Series of the metrics', 'Series that each process keeps; above 20,000 in one metric more are refused, and counted here.', [{ expr: 'topk(20, max by (job, instance) (dialtone_metrics_series))', legend: '{{job}} {{instance}}' }, rate('dialtone_metrics_refused_total', 'metric, why', 'refused {{metric}} {{why}}', 'no series was refused')]),
      ],
    },
  ],
}
