// The fleet at a glance: how many are well, what is wrong and where to look first.
import type { DashboardSpec } from './dashboard.ts'
import { CERTIFICATE_END, CHECKED, howMany, once, rowsOf } from './expressions.ts'
import { STATES, words } from './states.ts'

export const PAIR_UID = 'dialtone-pair'
export const RUNBOOK = { title: 'Runbook', url: '${control}/runbooks/${__value.raw}' }
/** Of a table with columns Domain and Peer. */
export const TO_PAIR = { title: 'This domain and pair', url: `/d/${PAIR_UID}?\${datasource:queryparam}&var-domain=\${__data.fields.Domain}&var-peer=\${__data.fields.Peer}&\${__url_time_range}` }
/** The states of a table, worst first: a column of text is sorted as it stands. */
export const RANKS = { down: '1 down', unknown: '2 unknown', degraded: '3 degraded' } as const
export const RANK_WORDS = words({ [RANKS.down]: { text: '✖ down', colour: 'down' }, [RANKS.unknown]: { text: '◇ unknown', colour: 'unknown' }, [RANKS.degraded]: { text: '▲ degraded', colour: 'degraded' } })
export const WORST = `${rowsOf(2, RANKS.down, 100)} or ${rowsOf(3, RANKS.unknown, 50)} or ${rowsOf(1, RANKS.degraded, 50)}`

const STATE_COLOURS = Object.fromEntries(STATES.map(({ state }) => [state, state]))
const DAY = 86_400
const ended = (days: number) => `sum((${CERTIFICATE_END} - time()) < bool ${days * DAY})`

export const FLEET: DashboardSpec = {
  uid: 'dialtone-fleet',
  title: 'Dialtone: fleet',
  about: 'The state of all domains and pairs, what is wrong, and where to look first.',
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Domains and pairs by state', wide: 8, draw: 'numbers', unit: 'none', colours: STATE_COLOURS,
          about: 'A domain counts once, and so does each of its pairs, by the worse of its two directions. Unknown means that nobody could tell, not that it is well.',
          queries: [2, 3, 1, 0].map(number => ({ expr: howMany(number), legend: STATES[number]?.state ?? '' })),
        },
        {
          title: 'Incidents that are not over', wide: 6, draw: 'numbers', unit: 'none', colours: { open: 'plain', confirmed: 'down', recovering: 'degraded' },
          about: 'Open: seen, not confirmed yet. Confirmed: seen again. Recovering: well again, and watched for a while. Equal causes of one domain are one incident.',
          queries: [{ expr: 'max by (state) (dialtone_incidents)', legend: '{{state}}' }],
        },
        {
          title: 'Vantages disagree', wide: 3, draw: 'numbers', unit: 'none', thresholds: [{ colour: 'up' }, { from: 1, colour: 'degraded' }],
          about: 'Domains and directions of pairs of which some networks see the cause and others do not: a trouble on the way rather than at the end.',
          queries: [{ expr: 'max(dialtone_vantage_disagreement)', legend: 'subjects' }],
        },
        {
          title: 'Quiet on purpose', wide: 3, draw: 'numbers', unit: 'none',
          about: 'Domains and pairs in maintenance, or whose cause was acknowledged: no alert is raised for them. `dialtone get exceptions` lists why and until when.',
          queries: [{ expr: 'count(max by (domain, peer) (dialtone_quiet))', legend: 'subjects', mayBeEmpty: 'nothing is in maintenance or acknowledged' }],
        },
        {
          title: 'Not looked at for 15 minutes', wide: 4, draw: 'numbers', unit: 'none', thresholds: [{ colour: 'up' }, { from: 1, colour: 'degraded' }],
          about: 'Domains and pairs whose last observation is older than that. What is shown of them is how it was then: see whether agents report.',
          queries: [{ expr: `sum((time() - ${CHECKED}) > bool 900)`, legend: 'subjects' }],
        },
      ],
    },
    {
      title: 'What is wrong',
      panels: [
        {
          title: 'Worst first', wide: 16, high: 14, draw: 'table', unit: 'dateTimeFromNow',
          about: 'Down before unknown before degraded, the newest first: at most 100, 50 and 50 of them. A domain without a peer is the domain itself. A click on a cause opens its runbook.',
          columns: { state: 'State', domain: 'Domain', peer: 'Peer', cause: 'Cause', side: 'Side' }, columnWords: { State: RANK_WORDS }, sort: ['State', '-Since'],
          leads: { Cause: RUNBOOK, Domain: TO_PAIR, Peer: TO_PAIR },
          queries: [{ expr: WORST, legend: 'Since', mayBeEmpty: 'all is well' }],
        },
        {
          title: 'Causes', wide: 8, high: 14, draw: 'table', unit: 'none', columns: { cause: 'Cause' }, sort: ['-Domains and pairs'], leads: { Cause: RUNBOOK },
          about: 'How many domains and pairs have each cause now: at most 30 causes. Many with one cause are often one fault. A click on a cause opens its runbook.',
          queries: [{ expr: 'topk(30, max by (cause) (count by (cause, job, instance) (dialtone_cause_info{cause!="healthy"})))', legend: 'Domains and pairs', mayBeEmpty: 'all is well' }],
        },
        {
          title: 'States over time', wide: 12, draw: 'stack', unit: 'none', colours: STATE_COLOURS, min: 0,
          about: 'How many domains and pairs were in each state. The height is how many there are.',
          queries: [2, 3, 1, 0].map(number => ({ expr: howMany(number), legend: STATES[number]?.state ?? '' })),
        },
        {
          title: 'Incidents over time', wide: 12, draw: 'lines', unit: 'none', min: 0, colours: { open: 'plain', confirmed: 'down', recovering: 'degraded' },
          about: 'Incidents that were not over, by how far they were.',
          queries: [{ expr: 'max by (state) (dialtone_incidents)', legend: '{{state}}' }],
        },
        {
          title: 'What became of incidents', wide: 12, draw: 'lines', unit: 'cpm', min: 0,
          about: 'Opened, confirmed, recovered and the like, per minute. Many openings without a rise of the number above are flapping.',
          queries: [{ expr: `60 * ${once('event', 'dialtone_incident_events_total')}`, legend: '{{event}}' }],
        },
        {
          title: 'Causes that come and go', wide: 12, draw: 'table', unit: 'none', decimals: 0, columns: { cause: 'Cause' }, sort: ['-Events'], leads: { Cause: RUNBOOK },
          about: 'Causes with the most events of incidents in the time that is shown: at most 20.',
          queries: [{ expr: 'topk(20, max by (cause) (sum by (cause, instance) (increase(dialtone_incident_events_total[$__range]))) > 0)', legend: 'Events', mayBeEmpty: 'nothing has opened or ended an incident in that time' }],
        },
      ],
    },
    {
      title: 'Certificates',
      panels: [
        {
          title: 'Certificates that end', wide: 8, draw: 'numbers', unit: 'none', colours: { 'have ended': 'down', 'in 7 days': 'degraded', 'in 30 days': 'plain' },
          about: 'Domains and pairs whose first certificate has ended, or ends within that many days; each number holds the ones before it.',
          queries: [{ expr: ended(0), legend: 'have ended' }, { expr: ended(7), legend: 'in 7 days' }, { expr: ended(30), legend: 'in 30 days' }],
        },
        {
          title: 'Certificates ending soon', wide: 16, draw: 'table', unit: 'dateTimeFromNow', columns: { domain: 'Domain', peer: 'Peer' }, sort: ['Ends'], leads: { Domain: TO_PAIR, Peer: TO_PAIR },
          about: 'The certificates that end within 30 days or have ended, the first ones first: at most 50. Renew, and reload the server: many serve the old one until then.',
          queries: [{ expr: `bottomk(50, ${CERTIFICATE_END} < time() + ${30 * DAY}) * 1000`, legend: 'Ends', mayBeEmpty: 'no certificate ends within 30 days' }],
        },
      ],
    },
    {
      title: 'Vantages',
      panels: [
        {
          title: 'Reached from each vantage', wide: 12, draw: 'lines', unit: 'percentunit', min: 0, max: 1,
          about: 'The share of what a vantage checks of which every endpoint was reached and spoke. One vantage that falls alone has a trouble of its own network.',
          queries: [{ expr: 'avg by (vantage) (max by (vantage, domain) (dialtone_s2s_reachable))', legend: '{{vantage}}' }],
        },
        {
          title: 'Reached from some vantages alone', wide: 12, draw: 'table', unit: 'none', columns: { domain: 'Domain' }, sort: ['Domain'],
          about: 'Domains and peers that one vantage reaches and another one does not: at most 50. A firewall or a route stands between; of our own domains an inside vantage may not reach the public address (hairpin).',
          queries: [{ expr: 'topk(50, count by (domain) (dialtone_s2s_reachable == 0) and on (domain) count by (domain) (dialtone_s2s_reachable == 1))', legend: 'Vantages that do not', mayBeEmpty: 'all vantages agree' }],
        },
      ],
    },
  ],
}
