// An alert rule as plain data: Prometheus and Grafana render the same ones.
import type { AlertName } from './alerts.ts'

/** page: somebody is woken. ticket: to be mended on a working day. notice: to be known. */
export const SEVERITIES = ['page', 'ticket', 'notice'] as const
export type Severity = (typeof SEVERITIES)[number]

export type AlertRule = {
  /** Of this rule alone: the name and the severity. */
  id: string
  name: AlertName
  /** For lists of rules. */
  title: string
  severity: Severity
  group: RuleGroup
  /** PromQL. A series of its answer is an alert; its labels are those of the alert. */
  expr: string
  /** How long the expression must answer before the alert fires. */
  forSeconds: number
  /** How long it goes on firing when the expression answers no more: what cannot be seen for a moment is not mended. */
  keepFiringSeconds: number
  /** Go templates over `$labels`. `remedy`: numbered steps, a line each. */
  annotations: { summary: string, description: string, remedy: string, runbook_url: string }
}

/** verdicts: what control says of domains and pairs. dialtone: Dialtone itself. */
export const RULE_GROUPS = ['verdicts', 'dialtone'] as const
export type RuleGroup = (typeof RULE_GROUPS)[number]

export type RuleOptions = {
  /** Where people reach control: it serves the runbooks. */
  controlUrl?: string
  /** Every duration is divided by it, for a lab. Default 1. */
  timeScale?: number
}
export const DEFAULT_CONTROL_URL = 'http://localhost:5280'

/** The names of the scrape jobs that the rules go by. */
export const JOBS = { control: 'dialtone-control', agents: 'dialtone-agents', gateways: 'dialtone-gateways' } as const

/** What a control says that reaches the bus and judges; what others say is old. */
export const BELIEVED = 'and on (job, instance) (dialtone_bus_connected == 1 unless on (job, instance) dialtone_analysis_failing == 1)'

/** A scaled duration in seconds, whole milliseconds. */
export function scaled (seconds: number, { timeScale = 1 }: RuleOptions): number {
  return Math.round(seconds * 1000 / timeScale) / 1000
}

/** As Prometheus and Grafana write it: 90 is '1m30s', 0.25 is '250ms'. */
export function duration (seconds: number): string {
  const ms = Math.round(seconds * 1000)
  if (ms === 0) return '0s'
  const parts = [['h', 3_600_000], ['m', 60_000], ['s', 1000], ['ms', 1]] as const
  let left = ms
  return parts.map(([unit, size]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count === 0 ? '' : `${count}${unit}`
  }).join('')
}
