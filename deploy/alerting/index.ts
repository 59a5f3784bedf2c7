import { causeRules } from './cause-rules.ts'
import { domainRules } from './domain-rules.ts'
import type { AlertRule, RuleOptions } from './rule.ts'
import { selfRules } from './self-rules.ts'

export { CAUSE_ALERTS, DOMAIN_ALERTS, QUIET_CAUSES, SELF_ALERTS, type AlertName, type CauseAlert, type DomainAlert, type SelfAlert } from './alerts.ts'
export { INHIBITIONS, OTHERWISE, ROUTES, type Inhibition, type Matcher, type Route } from './routing.ts'
export { DEFAULT_CONTROL_URL, JOBS, RULE_GROUPS, SEVERITIES, duration, type AlertRule, type RuleGroup, type RuleOptions, type Severity } from './rule.ts'

/** Every rule, in a fixed order: about domains and pairs, then about Dialtone itself. */
export function alertRules (options: RuleOptions = {}): AlertRule[] {
  return [...causeRules(options), ...domainRules(options), ...selfRules(options)]
}
