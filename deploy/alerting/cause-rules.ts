/**
 * The rules about domains and pairs, from what control says of them. Whose fault it is and how bad decide who hears of it: a page only where one of ours is down by
 * something on our side or our path; a peer's fault is a ticket. What is held, in maintenance or acknowledged is quiet (`dialtone_quiet`).
 */
import type { Cause } from '@dialtone/contracts'
import { CAUSE_ALERTS, type CauseAlert } from './alerts.ts'
import { remedyOf, summaryOf } from './cause-texts.ts'
import { BELIEVED, DEFAULT_CONTROL_URL, SEVERITIES, scaled, type AlertRule, type RuleOptions, type Severity } from './rule.ts'

const TITLES: Record<CauseAlert, string> = {
  DialtoneResolverDown: 'a resolver gives no usable answer',
  DialtoneRecordsBroken: 'the DNS records lead nowhere',
  DialtonePathBlocked: 'the path is blocked',
  DialtonePathInterfered: 'something on the path alters streams',
  DialtonePeerDown: 'nobody reaches the server',
  DialtoneServiceDown: 'the service does not answer as it should',
  DialtoneTlsBroken: 'TLS fails',
  DialtoneCertificateBroken: 'the certificate is no good',
  DialtoneCertificateExpiring: 'the certificate ends soon',
  DialtoneAuthenticationBroken: 'authentication fails',
  DialtoneDomainClaimed: 'the peer treats our domain as its own',
  DialtoneDialbackBroken: 'dialback fails',
  DialtoneRefusedByPeer: 'the peer refuses us',
  DialtoneDegraded: 'it works, with a fault',
  DialtoneUnknown: 'it cannot be told how it is',
  DialtoneVantageUnhealthy: 'only vantages that are unwell have looked',
}

/** Of dialtone_state. */
const STATE = { degraded: 1, down: 2, unknown: 3 } as const
/** `alone`: these causes of it; absent: all. */
type Clause = { state: keyof typeof STATE, whose: 'ours' | 'others' | 'anybody', alone?: readonly Cause[], inside?: 'not-alone' | 'alone' }

/** Who hears of what. path.peer-blocked is of one peer, whose firewall it may be. */
const ONE_PEER: readonly Cause[] = ['path.peer-blocked']
const CLAUSES: Record<Severity, readonly Clause[]> = {
  page: [{ state: 'down', whose: 'ours' }],
  ticket: [{ state: 'down', whose: 'others' }, { state: 'degraded', whose: 'ours' }],
  notice: [{ state: 'degraded', whose: 'others' }, { state: 'unknown', whose: 'anybody' }],
}
/** Where not all three: what only weakens wakes nobody, and what nobody knows is no fault of the domain. */
const HEARD_BY: Partial<Record<CauseAlert, readonly Severity[]>> = {
  DialtoneCertificateExpiring: ['ticket', 'notice'], DialtoneDegraded: ['ticket', 'notice'], DialtoneUnknown: ['notice'], DialtoneVantageUnhealthy: ['notice'],
}
/** What the inside alone says, which may never have reached the domain by its public address: without hairpin, say. It is to be looked at, and no reason to wake somebody. */
const BY_INSIDE: Cause = 'peer.unreachable'
/** Seconds: a page after as many light checks as confirm an incident and a little more; the others when it is no hiccup. */
const FOR: Record<Severity, number> = { page: 300, ticket: 900, notice: 3600 }
/**
 * What only deep checks see is asked again when the retry window of the peer is over, after five minutes and a little: one failed callback, while a server was started anew, is
 * no page yet.
 */
const SEEN_DEEPLY: ReadonlySet<CauseAlert> = new Set(['DialtoneAuthenticationBroken', 'DialtoneDialbackBroken', 'DialtoneRefusedByPeer'])
const TWICE_DEEPLY = 720
/** A control that starts anew says nothing for a while, and nothing is mended by that. */
const KEEP_FIRING = 300
/** Of our own domains, whatever else is wrong with them: a certificate that ends so soon is hidden by no other cause. */
const LAST_DAYS = 3

export function causeRules (options: RuleOptions = {}): AlertRule[] {
  return (Object.keys(CAUSE_ALERTS) as CauseAlert[]).flatMap(name => (HEARD_BY[name] ?? SEVERITIES).map(severity => ruleOf(name, severity, options)))
}

function ruleOf (name: CauseAlert, severity: Severity, options: RuleOptions): AlertRule {
  const causes: readonly Cause[] = CAUSE_ALERTS[name]
  const expr = verdicts(causes, clausesOf(causes, severity))
  return {
    id: `${name}-${severity}`, name, title: `${TITLES[name]} (${severity})`, severity, group: 'verdicts',
    expr: name === 'DialtoneCertificateExpiring' && severity === 'ticket' ? `${expr}\nor on (domain, peer)\n${endsVerySoon()}` : expr,
    forSeconds: scaled(SEEN_DEEPLY.has(name) ? Math.max(FOR[severity], TWICE_DEEPLY) : FOR[severity], options), keepFiringSeconds: scaled(KEEP_FIRING, options),
    annotations: {
      summary: summaryOf(causes),
      description: `${WHAT[severity]} Cause {{ $labels.cause }}, side {{ $labels.side }}. Evidence: dialtone describe {{ $labels.domain }}{{ if $labels.peer }} {{ $labels.peer }}{{ end }}`,
      remedy: remedyOf(causes),
      runbook_url: `${options.controlUrl ?? DEFAULT_CONTROL_URL}/runbooks/{{ $labels.cause }}`,
    },
  }
}

const WHAT: Record<Severity, string> = {
  page: 'Down, by something on our side or our path.',
  ticket: 'Down by a fault of the peer, or working with a fault of ours.',
  notice: 'Working with a fault of the peer, or not known.',
}

function clausesOf (causes: readonly Cause[], severity: Severity): readonly Clause[] {
  const one = causes.filter(cause => ONE_PEER.includes(cause))
  const clauses = CLAUSES[severity]
  if (causes.includes(BY_INSIDE)) {
    if (severity === 'page') return clauses.map(clause => ({ ...clause, inside: 'not-alone' }))
    return severity === 'ticket' ? [...clauses, { state: 'down', whose: 'ours', alone: [BY_INSIDE], inside: 'alone' }] : clauses
  }
  if (one.length === 0) return clauses
  if (severity === 'page') return clauses.map(clause => ({ ...clause, alone: causes.filter(cause => !one.includes(cause)) }))
  return severity === 'ticket' ? [...clauses, { state: 'down', whose: 'ours', alone: one }] : clauses
}

/**
 * One series a domain or pair, however many controls say so: of those that reach the bus, since what others say is old. The labels that join the metrics of one control are
 * those of its scrape.
 */
function verdicts (causes: readonly Cause[], clauses: readonly Clause[]): string {
  const named = clauses.map(({ state, whose, alone = causes, inside }) => `dialtone_cause_info{${among('cause', alone)}${SIDES[whose]}} and on (job, instance, domain, peer) dialtone_state == ${STATE[state]}${inside === undefined ? '' : INSIDE[inside]}`)
  const any = named.length === 1 ? named[0] ?? '' : `(\n    ${named.join('\n    or ')}\n  )`
  return [
    'max by (domain, peer, cause, side) (',
    `  ${any}`,
    `  ${BELIEVED}`,
    '  unless on (job, instance, domain, peer) dialtone_quiet == 1',
    ')',
  ].join('\n')
}

const INSIDE = { 'alone': ' and on (job, instance, domain, peer) dialtone_unreached_from_inside_alone == 1', 'not-alone': ' unless on (job, instance, domain, peer) dialtone_unreached_from_inside_alone == 1' } as const
const SIDES = { ours: ', side=~"ours|path"', others: ', side!~"ours|path"', anybody: '' } as const

function among (label: string, values: readonly string[]): string {
  return values.length === 1 ? `${label}="${values[0]}"` : `${label}=~"${values.join('|')}"`
}

function endsVerySoon (): string {
  const ends = 'min by (domain, peer) (dialtone_domain_certificate_end_timestamp_seconds{peer=""} unless on (job, instance, domain, peer) dialtone_quiet == 1)'
  return `label_replace(label_replace(${ends} - time() < ${LAST_DAYS * 86_400} > 0, "cause", "degraded.certificate-expiring", "", ""), "side", "ours", "", "")`
}
