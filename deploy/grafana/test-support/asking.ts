// A panel's or a rule's query, asked as Grafana asks it.
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Prometheus, Sample } from '@dialtone/testkit'
import { dashboardOf, type DashboardSpec } from '../dashboard.ts'

export type Values = Readonly<Record<string, string>>
export type Asking = { dashboard: string, panel: string, refId: string, expr: string, overTime: boolean, legend: string, mayBeEmpty?: string }

/** As in the JSON that Grafana gets; whether it may be empty stands in the specification alone. */
export function queriesOf (spec: DashboardSpec): Asking[] {
  const dashboard: Dashboard = dashboardOf(spec)
  const declared = spec.rows.flatMap(({ panels }) => panels)
  return (dashboard.panels ?? []).filter((panel): panel is Panel => panel.type !== 'row').flatMap(panel => {
    const of = declared.find(({ title }) => title === panel.title)
    return ((panel.targets ?? []) as unknown as { refId: string, expr: string, range?: boolean, legendFormat: string }[]).map(({ refId, expr, range, legendFormat }, at) => {
      const mayBeEmpty = of?.queries[at]?.mayBeEmpty
      return { dashboard: dashboard.uid ?? '', panel: panel.title ?? '', refId, expr, overTime: range === true, legend: legendFormat, ...(mayBeEmpty === undefined ? {} : { mayBeEmpty }) }
    })
  })
}

/** Grafana's own variables, for the last minute; the others as given. Throws for one that has no value. */
export function filled (expr: string, values: Values): string {
  const all: Values = { __rate_interval: '30s', __range: '60s', ...values }
  return expr.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = all[name]
    if (value === undefined) throw new Error(`no value for $${name} in ${expr}`)
    return value
  })
}

/** The last value of each series: now, or of the last minute. */
export async function ask (prometheus: Prometheus, { expr, overTime }: Pick<Asking, 'expr' | 'overTime'>, values: Values): Promise<Sample[]> {
  const query = filled(expr, values)
  if (!overTime) return await prometheus.query(query)
  const to = Date.now() / 1000
  const series = await prometheus.range(query, { from: to - 60, to, stepSeconds: 5 })
  return series.map(({ labels, values: points }) => ({ labels, value: points.at(-1)?.[1] ?? NaN }))
}
