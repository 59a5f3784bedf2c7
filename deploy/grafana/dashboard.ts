// A dashboard as its file writes it: rows of panels, one under the other; and what all of them have in common: the data source, the links to the others.
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { DEFAULT_CONTROL_URL } from '../alerting/index.ts'
import { DATASOURCE, panelOf, type PanelSpec } from './panel.ts'

export type VariableSpec = {
  name: string
  label: string
  about: string
  /** The values of a label: `label_values(metric{…}, label)`. */
  values: string
  /** Several at once, and all of them. */
  several?: true
}
export type DashboardSpec = {
  uid: string
  title: string
  about: string
  variables: readonly VariableSpec[]
  rows: readonly { title: string, panels: readonly PanelSpec[] }[]
}

/** By which the dashboards find each other. */
const TAG = 'dialtone'
const HIGH = { numbers: 5, other: 8 } as const
const WIDTH = 24

/** As Grafana reads it. `control`: the URL of Dialtone, for links to runbooks. */
export function dashboardOf (spec: DashboardSpec, control: string = DEFAULT_CONTROL_URL): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(spec.title).uid(spec.uid).description(spec.about).tags([TAG]).editable().timezone('browser').refresh('30s').time({ from: 'now-6h', to: 'now' })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Prometheus').description('Which Prometheus has the metrics of Dialtone.').type('prometheus'))
  for (const { name, label, about, values, several } of spec.variables) {
    const variable = new dashboard.QueryVariableBuilder(name).label(label).description(about).datasource(DATASOURCE).query(values).definition(values).refresh(dashboard.VariableRefresh.OnTimeRangeChanged).sort(dashboard.VariableSort.AlphabeticalAsc)
    builder.withVariable(several === true ? variable.multi(true).includeAll(true).allValue('.*').current({ selected: true, text: 'All', value: '$__all' }) : variable)
  }
  builder.withVariable(new dashboard.TextBoxVariableBuilder('control').label('Dialtone').description('Where Dialtone itself answers: the links to runbooks lead there.').defaultValue(control).current({ selected: true, text: control, value: control }).options([{ selected: true, text: control, value: control }]))
  builder.link(new dashboard.DashboardLinkBuilder('Dialtone').type(dashboard.DashboardLinkType.Dashboards).tags([TAG]).asDropdown(false).includeVars(true).keepTime(true))
  builder.link(new dashboard.DashboardLinkBuilder('Runbooks').type(dashboard.DashboardLinkType.Link).icon('doc').url('${control}/runbooks').targetBlank(true))
  const laid = { id: 1, y: 0 }
  const panels: (dashboard.Panel | dashboard.RowPanel)[] = []
  for (const row of spec.rows) {
    panels.push(new dashboard.RowBuilder(row.title).id(laid.id++).gridPos({ x: 0, y: laid.y++, w: WIDTH, h: 1 }).build())
    panels.push(...laidOut(row.panels, laid))
  }
  return { ...builder.build(), panels }
}

/** Side by side as long as they fit; the next line begins below the highest. */
function laidOut (specs: readonly PanelSpec[], laid: { id: number, y: number }): dashboard.Panel[] {
  const panels: dashboard.Panel[] = []
  let [x, high] = [0, 0]
  for (const spec of specs) {
    if (x + spec.wide > WIDTH) [x, laid.y, high] = [0, laid.y + high, 0]
    const h = spec.high ?? (spec.draw === 'numbers' ? HIGH.numbers : HIGH.other)
    panels.push(panelOf(spec, laid.id++, { x, y: laid.y, w: spec.wide, h }))
    x += spec.wide
    high = Math.max(high, h)
  }
  laid.y += high
  return panels
}
