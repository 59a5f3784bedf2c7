/**
 * A domain of ours that is down, whatever is said of the cause: an alert about a cause begins to wait anew when another is named, and when control starts anew. This one does
 * not; Alertmanager keeps it quiet while a page about the cause is told.
 */
import { QUIET_CAUSES } from './alerts.ts'
import { BELIEVED, DEFAULT_CONTROL_URL, duration, scaled, type AlertRule, type RuleOptions } from './rule.ts'

const DOWN = 2
/** Seconds; longer than any page about a cause waits. */
const AFTER = 900
/** So long a control that starts anew again and again may say nothing, each time. */
const GAP = 300
/** No rule looks back less. */
const LEAST_SECONDS = 10
const KEEP_FIRING = 300

export function domainRules (options: RuleOptions = {}): AlertRule[] {
  const window = (seconds: number) => duration(Math.max(scaled(seconds, options), LEAST_SECONDS))
  const last = (series: string) => `last_over_time(${series}[${window(GAP)}])`
  // Of those that say it now, or said it last before they fell silent. Ours it is where that was said of any of the causes meanwhile.
  const expr = [
    'max by (domain) (',
    `  ${last('dialtone_state{peer=""}')} == ${DOWN}`,
    `  ${BELIEVED.replace('dialtone_bus_connected', last('dialtone_bus_connected'))}`,
    '  unless on (job, instance, domain, peer) dialtone_quiet == 1',
    '  unless on (job, instance, domain, peer) dialtone_unreached_from_inside_alone == 1',
    `  unless on (job, instance, domain, peer) dialtone_cause_info{cause=~"${QUIET_CAUSES.join('|')}"}`,
    ')',
    `and on (domain) max by (domain) (max_over_time(dialtone_cause_info{peer="", side=~"ours|path"}[${window(AFTER)}]))`,
  ].join('\n')
  return [{
    id: 'DialtoneDomainDown-page', name: 'DialtoneDomainDown', title: 'a domain of ours is down, whatever the cause (page)', severity: 'page', group: 'verdicts', expr,
    forSeconds: scaled(AFTER, options), keepFiringSeconds: scaled(KEEP_FIRING, options),
    annotations: {
      summary: '{{ $labels.domain }} has been down for a quarter of an hour, and no single cause is named for long enough to be told of by itself.',
      description: 'What is said of the cause changes, or control starts anew again and again. Evidence: dialtone describe {{ $labels.domain }}',
      remedy: [
        '1. What is said now, and what was said before: dialtone describe {{ $labels.domain }}, and /v1/status/{{ $labels.domain }}/timeline of the API.',
        '2. A server that starts anew again and again looks like this: its log, and how long it has run.',
        '3. Two faults at once look like this too: mend the one that is named first, and look again.',
        '4. It is mended when dialtone overview says that the domain is up.',
      ].join('\n'),
      runbook_url: `${options.controlUrl ?? DEFAULT_CONTROL_URL}/runbooks/DialtoneDomainDown`,
    },
  }]
}
