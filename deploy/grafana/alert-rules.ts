/**
 * The alert rules of deploy/alerting as Grafana evaluates them itself (Grafana-managed), in the form of its provisioning files. Their keys are those of the files, which
 * are not those of the API: `keepFiringFor`, `dashboardUid`, `panelId`; one that is misspelt is dropped without a word.
 */
import { RuleBuilder, QueryBuilder, type Query } from '@grafana/grafana-foundation-sdk/alerting'
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { RULE_GROUPS, alertRules, duration, type AlertName, type AlertRule, type RuleOptions } from '../alerting/index.ts'

/** Of the provisioned data source: rules cannot follow a variable. */
export const DATASOURCE_UID = 'dialtone-prometheus'
const FOLDER = 'Dialtone'
const EXPRESSIONS = '__expr__'
/** Grafana takes no longer ones. */
const MOST_UID = 40

export type ProvisionedRule = {
  uid: string
  title: string
  condition: string
  data: Query[]
  dashboardUid: string
  panelId: number
  /** Expressions answer nothing while all is well. */
  noDataState: 'OK'
  /** What cannot be asked for a moment is neither mended nor broken. `Error`: somebody hears of it as DatasourceError, with the labels of the rule. */
  execErrState: 'KeepLast' | 'Error'
  for: string
  keepFiringFor: string
  annotations: Record<string, string>
  labels: Record<string, string>
  isPaused: boolean
}
export type RuleFile = { apiVersion: 1, groups: { orgId: number, name: string, folder: string, interval: string, rules: ProvisionedRule[] }[] }

/** The file of all rules. `dashboards`: each rule leads to a panel of them. */
export function ruleFile (dashboards: readonly Dashboard[], options: RuleOptions = {}): RuleFile {
  const rules = alertRules(options)
  return {
    apiVersion: 1,
    groups: RULE_GROUPS.map(group => ({ orgId: 1, name: `Dialtone: ${group}`, folder: FOLDER, interval: '1m', rules: rules.filter(rule => rule.group === group).map(rule => provisioned(rule, dashboards)) })),
  }
}

/**
 * A: the expression, each of whose series is an alert, whatever its value is (`up == 0` is 0): to the power of 0, so that it is 1. C: what is above 0 fires.
 */
function provisioned ({ id, name, title, severity, expr, forSeconds, keepFiringSeconds, annotations }: AlertRule, dashboards: readonly Dashboard[]): ProvisionedRule {
  const uid = `dlt-${id.replace(/^Dialtone/, '')}`
  if (uid.length > MOST_UID) throw new Error(`the uid ${uid} has more than ${MOST_UID} characters`)
  const { dashboardUid, panelId } = panelFor(name, dashboards)
  const { data } = new RuleBuilder(title).condition('C')
    .withQuery(new QueryBuilder('A').datasourceUid(DATASOURCE_UID).relativeTimeRange({ from: 600, to: 0 }).model(new DataqueryBuilder().refId('A').expr(`(\n${expr}\n) ^ 0`).instant()))
    .withQuery(new QueryBuilder('C').datasourceUid(EXPRESSIONS).relativeTimeRange({ from: 0, to: 0 }).model(built<Dataquery>(THRESHOLD as unknown as Dataquery)))
    .build()
  return {
    uid, title, condition: 'C', data, dashboardUid, panelId, noDataState: 'OK', execErrState: name === 'DialtoneControlDown' ? 'Error' : 'KeepLast',
    for: duration(forSeconds), keepFiringFor: duration(keepFiringSeconds), annotations: { ...annotations }, labels: { alert: name, severity }, isPaused: false,
  }
}

const THRESHOLD = {
  refId: 'C', type: 'threshold', expression: 'A', datasource: { type: EXPRESSIONS, uid: EXPRESSIONS },
  conditions: [{ type: 'query', evaluator: { type: 'gt', params: [0] }, operator: { type: 'and' }, query: { params: ['C'] }, reducer: { type: 'last', params: [] } }],
}

/** Which panel shows what an alert is about; alerts about domains lead to the list of what is wrong. */
const PANELS: Partial<Record<AlertName, readonly [uid: string, title: string]>> = {
  DialtoneCertificateExpiring: ['dialtone-fleet', 'Certificates ending soon'],
  DialtoneControlDown: ['dialtone-agents', 'Processes that Prometheus reaches'],
  DialtoneControlRestarts: ['dialtone-agents', 'Processes that Prometheus reaches'],
  DialtoneAnalysisFailing: ['dialtone-agents', 'Faults of the analysis'],
  DialtoneNobodySpeaks: ['dialtone-agents', 'Lease'],
  DialtoneAnalysisBehind: ['dialtone-agents', 'Analysis behind over time'],
  DialtoneAgentDown: ['dialtone-agents', 'Agents that tell of themselves'],
  DialtoneAgentTrouble: ['dialtone-agents', 'Trouble of agents'],
  DialtoneVantageUnhealthy: ['dialtone-agents', 'Trouble of agents'],
  DialtoneObservationsLost: ['dialtone-agents', 'Lost on the way'],
  DialtoneGatewayDown: ['dialtone-gateway', 'Wanted, and running'],
  DialtoneGatewayQueueing: ['dialtone-gateway', 'Peers that stanzas wait for'],
  DialtoneGatewayConfigurationRefused: ['dialtone-gateway', 'Works by its last configuration'],
  DialtoneStoreFull: ['dialtone-agents', 'Store'],
  DialtoneFaults: ['dialtone-agents', 'Faults of the analysis'],
}
const OTHERS = ['dialtone-fleet', 'Worst first'] as const

function panelFor (name: AlertName, dashboards: readonly Dashboard[]): { dashboardUid: string, panelId: number } {
  const [uid, title] = PANELS[name] ?? OTHERS
  const panel = dashboards.find(dashboard => dashboard.uid === uid)?.panels?.find(each => each.title === title && each.type !== 'row')
  if (panel?.id === undefined) throw new Error(`alert ${name}: dashboard ${uid} has no panel '${title}'`)
  return { dashboardUid: uid, panelId: panel.id }
}

/** What the SDK has no builder for. */
function built<T> (value: T): Builder<T> {
  return { build: () => value }
}
