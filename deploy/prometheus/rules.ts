// The alert rules as Prometheus reads them.
import { alertRules } from '../alerting/index.ts'
import { RULE_GROUPS, duration, type RuleOptions } from '../alerting/rule.ts'

export type PrometheusRule = { alert: string, expr: string, for: string, keep_firing_for: string, labels: { severity: string }, annotations: Record<string, string> }
export type PrometheusRules = { groups: { name: string, rules: PrometheusRule[] }[] }

/** An object for a rule file: YAML, which JSON is a part of. Evaluated as often as Prometheus is told to. */
export function prometheusRules (options: RuleOptions = {}): PrometheusRules {
  const rules = alertRules(options)
  return {
    groups: RULE_GROUPS.map(group => ({
      name: `dialtone-${group}`,
      rules: rules.filter(rule => rule.group === group).map(({ name, severity, expr, forSeconds, keepFiringSeconds, annotations }) => ({
        alert: name, expr, for: duration(forSeconds), keep_firing_for: duration(keepFiringSeconds), labels: { severity }, annotations,
      })),
    })),
  }
}
