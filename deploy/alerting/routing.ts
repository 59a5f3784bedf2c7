/**
 * Who hears of an alert, what is told together, and what is not told because something else says it already. As data, which Alertmanager's configuration is rendered from.
 */
import { CAUSE_ALERTS, DOMAIN_ALERTS, type AlertName } from './alerts.ts'
import type { Severity } from './rule.ts'

/** A label and what it must be; in Alertmanager's words: `peer=""` is one that is absent. */
export type Matcher = `${string}=${string}` | `${string}=~${string}` | `${string}!=${string}`

export type Route = {
  matchers: readonly Matcher[]
  /** Alerts that agree in these are one notification. */
  together: readonly string[]
  receiver: Severity
  /** Seconds: how long the first one waits for others of its kind; for news of the same; until it is said again. */
  wait: number
  interval: number
  repeat: number
  /** In working hours alone. */
  workingHours?: true
}

const HALF_A_DAY = 43_200
const DAY = 86_400

/** The first that matches. */
export const ROUTES: readonly Route[] = [
  // Nobody is to get a notification a domain for what nobody knows.
  { matchers: [named('DialtoneUnknown', 'DialtoneVantageUnhealthy')], together: ['alertname', 'cause'], receiver: 'notice', wait: 60, interval: 1800, repeat: DAY, workingHours: true },
  // A peer's fault is one, of however many of our domains it is seen.
  { matchers: ['severity="ticket"', 'side="peer"'], together: ['alertname', 'peer', 'cause'], receiver: 'ticket', wait: 60, interval: 900, repeat: DAY, workingHours: true },
  { matchers: ['severity="notice"', 'side="peer"'], together: ['alertname', 'peer', 'cause'], receiver: 'notice', wait: 60, interval: 1800, repeat: DAY, workingHours: true },
  // The inside alone says so. An agent outside that is gone may be why, and mutes none of it: one that stays away would mute what is so for good. Told once, of all domains.
  { matchers: [named('DialtonePeerDown'), 'severity="ticket"', 'side=~"ours|path"'], together: ['alertname', 'cause'], receiver: 'ticket', wait: 60, interval: 900, repeat: DAY, workingHours: true },
  { matchers: ['severity="page"'], together: ['alertname', 'domain', 'cause'], receiver: 'page', wait: 30, interval: 300, repeat: HALF_A_DAY },
  { matchers: ['severity="ticket"'], together: ['alertname', 'domain', 'cause'], receiver: 'ticket', wait: 60, interval: 900, repeat: DAY, workingHours: true },
]
/** What no route matches: notices. An incident, as control has it: equal causes of one of our domains, with every pair that has them. */
export const OTHERWISE: Route = { matchers: [], together: ['alertname', 'domain', 'cause'], receiver: 'notice', wait: 60, interval: 1800, repeat: DAY, workingHours: true }

export type Inhibition = {
  why: string
  /** While such an alert fires… */
  source: readonly Matcher[]
  /** …such ones are not told… */
  target: readonly Matcher[]
  /** …that have the same of these. */
  equal: readonly string[]
}

const ABOUT_DOMAINS = [...Object.keys(CAUSE_ALERTS), ...DOMAIN_ALERTS] as readonly AlertName[]

export const INHIBITIONS: readonly Inhibition[] = [
  {
    why: 'Without a control nobody knows how domains, agents and gateways are: what is still said of them is old, and that it ends is no recovery.',
    source: [named('DialtoneControlDown'), 'severity="page"'],
    target: [named(...ABOUT_DOMAINS, 'DialtoneNobodySpeaks', 'DialtoneAnalysisFailing', 'DialtoneAgentDown', 'DialtoneAgentTrouble', 'DialtoneGatewayDown')], equal: [],
  },
  {
    why: 'That no control answers says of each that it does not.',
    source: [named('DialtoneControlDown'), 'severity="page"'], target: [named('DialtoneControlDown'), 'severity="ticket"'], equal: [],
  },
  {
    why: 'That no control judges explains that none speaks, and what is said of domains is old.',
    source: [named('DialtoneAnalysisFailing'), 'severity="page"'], target: [named(...ABOUT_DOMAINS, 'DialtoneNobodySpeaks')], equal: [],
  },
  {
    why: 'What every control does, each does.',
    source: [named('DialtoneAnalysisFailing'), 'severity="page"'], target: [named('DialtoneAnalysisFailing'), 'severity="ticket"'], equal: [],
  },
  {
    why: 'What every control does, each does.',
    source: [named('DialtoneControlRestarts'), 'severity="page"'], target: [named('DialtoneControlRestarts', 'DialtoneControlDown'), 'severity="ticket"'], equal: [],
  },
  {
    why: 'While no control reaches the bus, what is still said of domains is old, and that it ends is no recovery. While the lease alone is missing, what is said of them is told.',
    source: [named('DialtoneNobodySpeaks'), 'severity="notice"'], target: [named(...ABOUT_DOMAINS)], equal: [],
  },
  {
    why: 'No bus is no lease.',
    source: [named('DialtoneNobodySpeaks'), 'severity="page"'], target: [named('DialtoneNobodySpeaks'), 'severity="notice"'], equal: [],
  },
  {
    why: 'An agent that is gone or unwell leaves domains unknown: it is told of, and not they.',
    source: [named('DialtoneAgentDown', 'DialtoneAgentTrouble')], target: [named('DialtoneUnknown', 'DialtoneVantageUnhealthy')], equal: [],
  },
  {
    why: 'That no vantage has an agent says of each that it has none.',
    source: [named('DialtoneAgentDown'), 'severity="page"'], target: [named('DialtoneAgentDown', 'DialtoneAgentTrouble'), 'severity="ticket"'], equal: [],
  },
  {
    why: 'A vantage without an agent has no unwell one.',
    source: [named('DialtoneAgentDown')], target: [named('DialtoneAgentTrouble')], equal: ['vantage'],
  },
  {
    why: 'That a domain is down is told with its cause, where there is one.',
    source: ['severity="page"', 'peer=""', 'cause!=""'], target: [named('DialtoneDomainDown')], equal: ['domain'],
  },
  {
    why: 'A domain that is down explains what fails between it and its peers on our side and our path, whatever it looks like there.',
    source: ['severity="page"', 'peer=""', 'domain!=""'], target: ['peer!=""', 'side=~"ours|path"'], equal: ['domain'],
  },
  {
    why: 'What a domain has, its pairs have of it, but for what is a fault of the peer.',
    source: ['severity=~"page|ticket"', 'peer=""', 'domain!=""'], target: ['peer!=""', 'side=~"ours|path"'], equal: ['alertname', 'domain', 'cause'],
  },
  {
    why: 'The worse of two that say the same is told.',
    source: ['severity="page"', 'domain!=""'], target: ['severity=~"ticket|notice"'], equal: ['alertname', 'domain', 'peer', 'cause'],
  },
  {
    why: 'The worse of two that say the same is told.',
    source: ['severity="ticket"', 'domain!=""'], target: ['severity="notice"'], equal: ['alertname', 'domain', 'peer', 'cause'],
  },
]

function named (...names: readonly AlertName[]): Matcher {
  return names.length === 1 ? `alertname="${names[0] ?? ''}"` : `alertname=~"${names.join('|')}"`
}
