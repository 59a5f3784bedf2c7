// Gateways: what they carry, what waits, what comes back, and how streams begin and end.
import type { DashboardSpec } from './dashboard.ts'
import { highest, most } from './expressions.ts'
import type { PanelSpec, Query } from './panel.ts'

const OF = 'instance=~"$instance"'
/** A rate of all gateways that are chosen, by some labels; by several of them, the highest. */
const rate = (counter: string, by: string, mayBeEmpty?: string): Query => ({
  expr: highest(by, `sum by (${by}) (rate(dialtone_${counter}{${OF}}[$__rate_interval]))`), legend: by.split(', ').map(label => `{{${label}}}`).join(' '), ...(mayBeEmpty === undefined ? {} : { mayBeEmpty }),
})
/** One counter without labels. */
const one = (counter: string, legend: string): Query => ({ expr: `sum(rate(dialtone_${counter}{${OF}}[$__rate_interval]))`, legend })
const lines = (title: string, about: string, queries: readonly Query[], more: Partial<PanelSpec> = {}): PanelSpec => ({ title, about, queries, draw: 'lines', unit: 'ops', min: 0, wide: 8, ...more })

const ACCEPTED = `sum(dialtone_gateway_stanzas_accepted_total{${OF}})`
const ENDED = `sum(dialtone_gateway_stanzas_total{${OF}})`
const OPEN = `sum(dialtone_gateway_queue_stanzas{${OF}}) + sum(dialtone_gateway_stanzas_on_stream{${OF}})`
const OUTCOMES = { 'acknowledged': 'up', 'written': 'held', 'unknown-fate': 'down', 'bounced': 'degraded', 'expired': 'unknown', 'dropped-by-rule': 'plain' } as const

export const GATEWAY: DashboardSpec = {
  uid: 'dialtone-gateway',
  title: 'Dialtone: gateway',
  about: 'What the gateways carry, what waits and what comes back, how streams begin and end, and which limits are reached.',
  variables: [{ name: 'instance', label: 'Gateway', about: 'Processes that run gateways, as Prometheus names them.', values: 'label_values(dialtone_gateway_configuration_good, instance)', several: true }],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Works by its last configuration', wide: 4, draw: 'numbers', unit: 'none', mappings: [], thresholds: [{ colour: 'down' }, { from: 1, colour: 'up' }],
          about: 'Processes whose last configuration was refused work by the one before; the log and the findings of the gateway say why.',
          queries: [{ expr: `sum(dialtone_gateway_configuration_good{${OF}} == bool 1)`, legend: 'do' }, { expr: `sum(dialtone_gateway_configuration_good{${OF}} == bool 0)`, legend: 'do not' }],
          colours: { 'do': 'up', 'do not': 'degraded' },
        },
        {
          title: 'Wanted, and running', wide: 4, draw: 'numbers', unit: 'none', colours: { 'as wanted': 'up', 'wanted, not running': 'down', 'not wanted': 'held' },
          about: 'By their resources gateways are to run, or to be drained or stopped; control says whether they do. All of the fleet, whatever is chosen above.',
          queries: [
            { expr: 'sum(max by (gateway) (dialtone_gateway_wanted) * on (gateway) max by (gateway) (dialtone_gateway_running) == bool 1)', legend: 'as wanted' },
            { expr: 'sum(max by (gateway) (dialtone_gateway_wanted) > bool on (gateway) max by (gateway) (dialtone_gateway_running))', legend: 'wanted, not running' },
            { expr: 'sum(max by (gateway) (dialtone_gateway_wanted) == bool 0)', legend: 'not wanted' },
          ],
        },
        {
          title: 'Stanzas that wait', wide: 4, draw: 'numbers', unit: 'none', thresholds: [{ colour: 'up' }, { from: 100, colour: 'degraded' }, { from: 1000, colour: 'down' }],
          about: 'In queues, because their peer cannot be reached, is held, or takes nothing. They are returned to their senders when they have waited too long.',
          queries: [{ expr: `sum(dialtone_gateway_queue_stanzas{${OF}})`, legend: 'waiting' }],
        },
        {
          title: 'Oldest that waits', wide: 4, draw: 'numbers', unit: 's', thresholds: [{ colour: 'up' }, { from: 30, colour: 'degraded' }, { from: 120, colour: 'down' }],
          about: 'How long the stanza has waited that has waited longest.',
          queries: [{ expr: `max(dialtone_gateway_queue_oldest_seconds{${OF}})`, legend: 'waited' }],
        },
        {
          title: 'Not accounted for', wide: 4, draw: 'numbers', unit: 'none', decimals: 0, thresholds: [{ colour: 'up' }, { from: 1, colour: 'down' }],
          about: 'Accepted, less every outcome, less what waits, less what is on open streams. It is zero, always; anything else is a fault of Dialtone.',
          queries: [{ expr: `${ACCEPTED} - ${ENDED} - (${OPEN})`, legend: 'stanzas' }],
        },
        {
          title: 'Faults', wide: 4, draw: 'numbers', unit: 'none', decimals: 0, thresholds: [{ colour: 'up' }, { from: 1, colour: 'down' }],
          about: 'Faults of the gateway itself in the time that is shown: each ended a stanza, a stream or an attempt, and nothing else. The log has them; please report them.',
          queries: [{ expr: `sum(increase(dialtone_gateway_faults_total{${OF}}[$__range]))`, legend: 'faults' }],
        },
      ],
    },
    {
      title: 'Stanzas',
      panels: [
        lines('Accepted and ended', 'Stanzas that were taken, and those that came to an end. The lines lie on each other but where something waits.', [one('gateway_stanzas_accepted_total', 'accepted'), one('gateway_stanzas_total', 'ended')]),
        lines('How stanzas end', 'Acknowledged: the other server confirmed it. Written: to a stream that closed cleanly. Unknown fate: written to a stream that broke, never sent again. Bounced: returned with a reason.', [rate('gateway_stanzas_total', 'outcome')], { draw: 'stack', colours: OUTCOMES }),
        lines('Bounces by reason', 'Why stanzas were returned to their senders. The reason says whom to ask: the peer, its records, or our own policy.', [rate('gateway_bounces_total', 'reason', 'nothing was returned')], { draw: 'stack' }),
        lines('Bytes', 'Bytes of stanzas that were written to streams.', [one('gateway_stanza_bytes_total', 'written')], { unit: 'Bps' }),
        lines('Time to relay', 'From when a stanza is handed to its stream until it was written there; 95 of 100 are faster.', [{ expr: most('', 'dialtone_gateway_relay_seconds', OF), legend: '95 of 100' }], { unit: 's' }),
        lines('Sent once more, or made here', 'Retried: not acknowledged, so sent again; the only ones that may arrive twice. Own: errors and answers of the gateway itself.', [one('gateway_stanzas_retried_total', 'retried'), { ...rate('gateway_own_stanzas_total', 'outcome', 'the gateway made no errors or answers'), legend: 'own, {{outcome}}' }]),
      ],
    },
    {
      title: 'Queues and routes',
      panels: [
        lines('Waiting stanzas', 'All that wait, in all queues.', [{ expr: `sum(dialtone_gateway_queue_stanzas{${OF}})`, legend: 'waiting' }, { expr: `sum(dialtone_gateway_stanzas_on_stream{${OF}})`, legend: 'on open streams' }], { unit: 'none' }),
        lines('Waiting bytes', 'The gateway refuses more when a bound is reached: see "Limits" below.', [{ expr: `sum(dialtone_gateway_queue_bytes{${OF}})`, legend: 'waiting' }], { unit: 'bytes' }),
        lines('Wait before it leaves', 'Each time that a queue begins to leave: how long its oldest stanza had waited, for 95 of 100.', [{ expr: most('', 'dialtone_gateway_queue_wait_seconds', OF), legend: '95 of 100', mayBeEmpty: 'no queue has begun to leave' }], { unit: 's' }),
        {
          title: 'Peers that stanzas wait for', wide: 8, draw: 'table', unit: 'none', columns: { peer: 'Peer' }, sort: ['-Stanzas'],
          about: 'Configured peers with the longest queues: at most 20. `dialtone explain-route` says of each what would happen to a stanza and why.',
          queries: [{ expr: `topk(20, sum by (peer) (dialtone_gateway_peer_queue_stanzas{${OF}}) > 0)`, legend: 'Stanzas', mayBeEmpty: 'nothing waits for a configured peer' }],
        },
        lines('Routes by state', 'Waiting: an attempt failed, and the next one is due later. Held and draining were asked for.', [{ expr: `sum by (state) (dialtone_gateway_routes{${OF}})`, legend: '{{state}}' }], { unit: 'none', draw: 'stack' }),
        lines('Attempts to bring a route to a stream', 'How they ended: ready, or the reason.', [rate('gateway_route_attempts_total', 'outcome')]),
      ],
    },
    {
      title: 'Streams to servers',
      panels: [
        lines('Dials by outcome', 'Attempts to open a stream, by how they ended.', [rate('gateway_dials_total', 'zone, outcome')]),
        lines('Targets by outcome', 'Addresses that were tried, by how far; a dial tries several.', [rate('gateway_dial_targets_total', 'zone, outcome')]),
        lines('Phases of a dial', 'How long each phase takes in 95 of 100: DNS, TCP, stream up to its features, TLS, authentication.', [{ expr: most('phase', 'dialtone_gateway_dial_seconds', OF), legend: '{{phase}}' }], { unit: 's' }),
        lines('TLS to servers', 'Handshakes by version, and by what the certificate of the server is worth.', [rate('gateway_outbound_tls_total', 'zone, protocol, verdict', 'no stream to a server has used TLS')]),
        lines('Authenticated to servers', 'Streams that a server has authenticated, by how.', [rate('gateway_outbound_authenticated_total', 'zone, by')]),
        lines('Streams to servers that ended', 'Clean and idle are fine; stuck, broken and stream errors cost stanzas of unknown fate.', [rate('gateway_outbound_closed_total', 'zone, how', 'no authenticated stream has ended')]),
        lines('Keys that we asked about', 'Dialback keys that an authoritative server was asked about, by its answer.', [rate('gateway_verifications_total', 'zone, answer')]),
        lines('Targets that are tried last', 'Addresses that failed lately, and keys that are being proved at this moment.', [{ expr: `sum by (zone) (dialtone_gateway_bad_targets{${OF}})`, legend: 'bad targets, {{zone}}' }, { expr: `sum(dialtone_gateway_verifications{${OF}})`, legend: 'keys being proved' }], { unit: 'none' }),
      ],
    },
    {
      title: 'Streams from servers',
      panels: [
        lines('Connections by outcome', 'Accepted, or closed without a byte, and why.', [rate('gateway_connections_total', 'zone, outcome')]),
        lines('Open streams', 'Inbound streams that are open, by how far they are.', [{ expr: `sum by (zone, state) (dialtone_gateway_inbound_streams{${OF}})`, legend: '{{zone}} {{state}}' }], { unit: 'none' }),
        lines('TLS from servers', 'Handshakes of inbound streams.', [rate('gateway_inbound_handshakes_total', 'zone, outcome', 'no peer has used TLS')]),
        lines('Authenticated from servers', 'Pairs of domains that were authenticated on inbound streams, by how.', [rate('gateway_inbound_authenticated_total', 'zone, by')]),
        lines('Keys that peers showed', 'What their authoritative server said, or why it was not asked. Invalid ones are wrong secrets, or somebody who claims a domain.', [rate('gateway_inbound_keys_total', 'zone, answer')]),
        lines('Keys that we were asked about', 'Questions whether we made a key. Invalid ones are wrong secrets, or somebody who claims to be us.', [rate('gateway_asked_total', 'zone, answer')]),
        lines('Streams from servers that ended', 'Clean, lost, or the stream error that we sent.', [rate('gateway_inbound_ended_total', 'zone, ended', 'no inbound stream has ended')]),
        lines('Refused on streams from servers', 'Bad XML, answers that nobody had asked for, pairs that were withdrawn as the configuration changed.', [
          { ...rate('gateway_refused_xml_total', 'zone, why', 'no peer has sent bad XML'), legend: 'XML, {{zone}} {{why}}' },
          { ...rate('gateway_unsolicited_dialback_total', 'zone', 'nobody has answered unasked'), legend: 'unasked answers, {{zone}}' },
          { ...rate('gateway_withdrawn_total', 'zone', 'no pair was withdrawn'), legend: 'withdrawn, {{zone}}' },
        ]),
      ],
    },
    {
      title: 'Limits and configuration',
      panels: [
        lines('Limits', 'What limits refused or ended, and how often a stream was not read for a while. Now and then is normal; steadily, somebody floods, or a limit is low.', [
          { ...rate('gateway_bounds_total', 'bound', 'no bound of the whole gateway was reached'), legend: 'bound {{bound}}' },
          { ...rate('gateway_inbound_limited_total', 'zone, limit', 'no limit of inbound streams was reached'), legend: '{{zone}} {{limit}}' },
          { ...rate('gateway_paused_total', 'because', 'every stream was read all the time'), legend: 'paused, {{because}}' },
        ]),
        lines('Decisions of policies', 'Once for each pair and configuration. Shadow: a rule would have denied it, and only counts.', [{ ...rate('gateway_policy_decisions_total', 'action, shadow'), legend: '{{action}} {{shadow}}' }, one('gateway_shadowed_total', 'stanzas that shadow rules would have denied')]),
        lines('Next policy ends in', 'Until the next policy ends by itself; nothing where none does.', [{ expr: `min(dialtone_gateway_policy_ends_seconds{${OF}})`, legend: 'left', mayBeEmpty: 'no policy has an end' }], { unit: 's' }),
        lines('Configurations and facts', 'Configurations that came, and facts about pairs that were told to control: dropped ones are missing in verdicts.', [{ ...rate('gateway_configurations_total', 'outcome'), legend: 'configuration {{outcome}}' }, { ...rate('gateway_facts_total', 'outcome'), legend: 'facts {{outcome}}' }]),
      ],
    },
    {
      title: 'How inside servers find the gateway',
      panels: [
        lines('Answers of the inside DNS responder', 'What inside servers were answered. Refused ones are clients that are not among `clients`.', [rate('responder_answers_total', 'zone, answer')]),
        lines('Forwarded by the responder', 'Where answers came from that the responder does not know itself; none: all resolvers failed.', [rate('responder_forwarded_total', 'zone, from', 'it forwards nothing')]),
        lines('Troubles of the responder', 'Attempts at a resolver that brought nothing, and what limits left unanswered.', [
          { ...rate('responder_resolver_failures_total', 'zone, why', 'every resolver answered'), legend: 'resolver, {{zone}} {{why}}' },
          { ...rate('responder_limits_total', 'zone, limit', 'no limit was reached'), legend: 'limit, {{zone}} {{limit}}' },
        ]),
        lines('Component streams', 'Streams of components (XEP-0114) that are authenticated.', [{ expr: `sum by (zone, mode) (dialtone_component_streams{${OF}})`, legend: '{{zone}} {{mode}}', mayBeEmpty: 'no zone has components' }], { unit: 'none' }),
        lines('Component streams that came and ended', 'Attempts by how they went, and streams by how they ended.', [
          { ...rate('component_attempts_total', 'zone, mode, outcome', 'no component has come'), legend: 'came, {{zone}} {{mode}} {{outcome}}' },
          { ...rate('component_ended_total', 'zone, mode, how', 'no component has gone'), legend: 'ended, {{zone}} {{mode}} {{how}}' },
          { ...rate('component_refused_total', 'zone, mode, why', 'nothing was refused'), legend: 'refused, {{zone}} {{mode}} {{why}}' },
        ]),
        lines('Minted certificates', 'Certificates for foreign domains that the private authority of a zone has made.', [{ ...rate('minted_certificates_total', 'zone', 'no zone mints'), legend: '{{zone}}' }]),
      ],
    },
  ],
}
