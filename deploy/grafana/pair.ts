// One domain, and one of its pairs: how it was and is, and what each vantage saw of it.
import type { DashboardSpec } from './dashboard.ts'
import { most, rowsOf } from './expressions.ts'
import { PAIR_UID, RANKS, RANK_WORDS, RUNBOOK, TO_PAIR } from './fleet.ts'
import type { PanelSpec } from './panel.ts'
import { STATE_WORDS, WELL_WORDS } from './states.ts'

const DOMAIN = 'domain="$domain", peer=""'
const PAIR = 'domain="$domain", peer="$peer"'
/** What agents check is one name, ours or the peer's; each by itself, as a name is no regular expression. */
const seen = (metric: string) => `(${['$domain', '$peer'].map(name => `${metric}{domain="${name}", vantage=~"$vantage"}`).join(' or ')})`
const DAYS = [{ colour: 'down' }, { from: 0, colour: 'degraded' }, { from: 14 * 86_400, colour: 'up' }] as const

const now = (what: 'domain' | 'pair', of: string, extra: readonly PanelSpec[]): PanelSpec[] => [
  {
    title: `State of the ${what}`, wide: 4, draw: 'numbers', unit: 'none', mappings: STATE_WORDS, thresholds: [{ colour: 'plain' }],
    about: what === 'domain' ? 'Whether others can reach the domain; troubles of its peers alone do not count.' : 'The worse of both directions.',
    queries: [{ expr: `max(dialtone_state{${of}})`, legend: what === 'domain' ? '$domain' : '$peer' }],
  },
  {
    title: `Cause of the ${what}`, wide: 8, draw: 'table', high: 5, unit: 'none', columns: { cause: 'Cause', side: 'Side' }, leads: { Cause: RUNBOOK },
    about: 'The one root cause of now, and whose it is. A click on it opens its runbook: how to confirm it by hand, and how to mend it.',
    queries: [{ expr: `max by (cause, side) (dialtone_cause_info{${of}})`, legend: 'Named' }],
  },
  {
    title: `State and cause of the ${what} since`, wide: 4, draw: 'numbers', unit: 'dateTimeFromNow',
    about: 'Since when state and cause are what they are, and when anybody looked last.',
    queries: [
      { expr: `max(dialtone_state_since_timestamp_seconds{${of}}) * 1000`, legend: 'since' },
      { expr: `max(dialtone_checked_timestamp_seconds{${of}}) * 1000`, legend: 'looked at' },
    ],
  },
  ...extra,
]
const certificate = (what: 'domain' | 'peer', of: string): PanelSpec => ({
  title: `Certificate of the ${what} ends in`, wide: 4, draw: 'numbers', unit: 's', thresholds: DAYS, decimals: 1,
  about: 'Until the first of the certificates that it showed ends; below zero it has ended.',
  queries: [{ expr: `min(dialtone_domain_certificate_end_timestamp_seconds{${of}}) - time()`, legend: 'left', mayBeEmpty: 'it has never shown a certificate' }],
})

export const PAIR_BOARD: DashboardSpec = {
  uid: PAIR_UID,
  title: 'Dialtone: domain and pair',
  about: 'One domain of ours, one of its peers, and what each vantage sees of both.',
  variables: [
    { name: 'domain', label: 'Domain', about: 'A domain of ours.', values: 'label_values(dialtone_state, domain)' },
    { name: 'peer', label: 'Peer', about: 'A domain that it federates with. Without peers this is empty, and the second row shows the domain once more.', values: 'label_values(dialtone_state{domain="$domain"}, peer)' },
    { name: 'vantage', label: 'Vantage', about: 'From where it was looked at.', values: 'label_values(dialtone_targets, vantage)', several: true },
  ],
  rows: [
    {
      title: 'Domain $domain',
      panels: [
        ...now('domain', DOMAIN, [certificate('domain', DOMAIN), {
          title: 'Its pairs by state', wide: 4, draw: 'numbers', unit: 'none', colours: { down: 'down', unknown: 'unknown', degraded: 'degraded', up: 'up' },
          about: 'The pairs of this domain, by the worse of their two directions.',
          queries: ([['down', 2], ['unknown', 3], ['degraded', 1], ['up', 0]] as const).map(([legend, number]) => ({ expr: `sum(max by (domain, peer) (dialtone_state{domain="$domain", peer!=""}) == bool ${number})`, legend, mayBeEmpty: 'it has no peers' })),
        }]),
        {
          title: 'Its pairs, worst first', wide: 24, high: 9, draw: 'table', unit: 'dateTimeFromNow', columns: { state: 'State', domain: 'Domain', peer: 'Peer', cause: 'Cause', side: 'Side' }, columnWords: { State: RANK_WORDS }, sort: ['State', '-Since'],
          about: 'Pairs of this domain that are not well, the newest first: at most 40 that are down, 20 unknown and 20 degraded. A click on a peer shows it below.', leads: { Cause: RUNBOOK, Peer: TO_PAIR },
          queries: [{ expr: ([[2, RANKS.down, 40], [3, RANKS.unknown, 20], [1, RANKS.degraded, 20]] as const).map(([number, rank, limit]) => rowsOf(number, rank, limit, 'domain="$domain", peer!=""')).join(' or '), legend: 'Since', mayBeEmpty: 'all pairs are up' }],
        },
      ],
    },
    {
      title: '$domain and $peer',
      panels: [
        ...now('pair', PAIR, [certificate('peer', PAIR), {
          title: 'Each way', wide: 4, draw: 'numbers', unit: 'none', mappings: STATE_WORDS, thresholds: [{ colour: 'plain' }],
          about: 'Out: from ours to the peer. In: from the peer to ours; known where a gateway tells of it, or a dialback secret is shared with an agent.',
          queries: [
            { expr: `max(dialtone_outbound_state{${PAIR}})`, legend: 'out', mayBeEmpty: 'nobody asked about this direction' },
            { expr: `max(dialtone_inbound_state{${PAIR}})`, legend: 'in', mayBeEmpty: 'nobody asked about this direction' },
          ],
        }]),
        {
          title: 'States over time', wide: 24, high: 6, draw: 'states', unit: 'none', mappings: STATE_WORDS,
          about: 'The domain itself, the pair, and its two directions.',
          queries: [
            { expr: `max(dialtone_state{${DOMAIN}})`, legend: 'domain' },
            { expr: `max(dialtone_state{${PAIR}})`, legend: 'pair' },
            { expr: `max(dialtone_outbound_state{${PAIR}})`, legend: 'out', mayBeEmpty: 'nobody asked about this direction' },
            { expr: `max(dialtone_inbound_state{${PAIR}})`, legend: 'in', mayBeEmpty: 'nobody asked about this direction' },
          ],
        },
        {
          title: 'Causes of the pair over time', wide: 24, high: 6, draw: 'states', unit: 'none', mappings: [], thresholds: [{ colour: 'plain' }], leads: { '': { title: 'Runbook', url: '${control}/runbooks/${__field.labels.cause}' } },
          about: 'Which cause was named when. A change of cause tells more than a state that stays.',
          queries: [{ expr: `max by (cause) (dialtone_cause_info{${PAIR}})`, legend: '{{cause}}' }],
        },
      ],
    },
    {
      title: 'What each vantage sees of $domain and $peer',
      panels: [
        {
          title: 'Records lead to addresses', wide: 8, draw: 'states', unit: 'none', mappings: WELL_WORDS, about: 'Whether SRV and address records lead somewhere, as the resolver of each vantage answers. Where vantages differ, so do their resolvers.',
          queries: [{ expr: `min by (vantage, domain) ${seen('dialtone_srv_health')}`, legend: '{{domain}} from {{vantage}}' }],
        },
        {
          title: 'Every endpoint is reached', wide: 8, draw: 'states', unit: 'none', mappings: WELL_WORDS, about: 'Whether every published endpoint took a connection and spoke. The worst one counts; the console shows each.',
          queries: [{ expr: `min by (vantage, domain) ${seen('dialtone_s2s_reachable')}`, legend: '{{domain}} from {{vantage}}', mayBeEmpty: 'its records lead nowhere, so there is nothing to reach' }],
        },
        {
          title: 'Dialback is valid', wide: 8, draw: 'states', unit: 'none', mappings: WELL_WORDS, about: 'The last dialback that an agent did, at every endpoint. Deep checks ask for it every 30 minutes and after a change.',
          queries: [{ expr: `min by (vantage, domain) ${seen('dialtone_dialback_valid')}`, legend: '{{domain}} from {{vantage}}', mayBeEmpty: 'no agent gets as far as dialback, or none has a probe domain' }],
        },
        {
          title: 'Certificate as each vantage sees it', wide: 8, draw: 'lines', unit: 's', about: 'Time until the first certificate ends. Vantages that see different ends see different certificates: another server, or somebody in between.',
          queries: [{ expr: `min by (vantage, domain) ${seen('dialtone_certificate_end_timestamp_seconds')} - time()`, legend: '{{domain}} from {{vantage}}', mayBeEmpty: 'no certificate was shown' }],
        },
        {
          title: 'Age of what is known', wide: 8, draw: 'lines', unit: 's', min: 0, about: 'How long ago each vantage looked. A line that climbs is an agent that does not get to it.',
          queries: [{ expr: `time() - max by (vantage, domain) ${seen('dialtone_last_observation_timestamp_seconds')}`, legend: '{{domain}} from {{vantage}}' }],
        },
        {
          title: 'Stages of light checks', wide: 8, draw: 'lines', unit: 's', min: 0, about: 'How long each stage takes in 95 of 100 checks that pass it, of everything that these vantages check: a stage that is slow for all is a trouble of the vantage.',
          queries: [{ expr: most('stage', 'dialtone_stage_seconds', 'vantage=~"$vantage", outcome="ok"'), legend: '{{stage}}' }],
        },
      ],
    },
  ],
}
