// What a dashboard must be so that people can read it, said of the JSON that Grafana is given: there is no linter of Grafana's to be had here.
import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard'
import * as units from '@grafana/grafana-foundation-sdk/units'
import { SCRAPE_LABELS } from './catalogue.ts'
import { asked, legendLabels } from './promql.ts'

const UNITS: ReadonlySet<string> = new Set(Object.values(units).filter(unit => typeof unit === 'string'))
/** Labels that queries may group by without a metric that declares them. */
const FREE: readonly string[] = SCRAPE_LABELS
const OVER_TIME = ['timeseries', 'statetimeline', 'state-timeline']

type Target = { refId?: string, expr?: string, legendFormat?: string, datasource?: { uid?: string }, instant?: boolean, range?: boolean }

/** One line for each thing that is wrong. */
export function lintDashboards (dashboards: readonly Dashboard[], metrics: ReadonlyMap<string, readonly string[]>): string[] {
  const twice = repeated(dashboards.map(({ uid = '' }) => uid)).map(uid => `uid '${uid}' is used twice`)
  return [...twice, ...dashboards.flatMap(each => lintDashboard(each, metrics).map(problem => `${each.uid}: ${problem}`))]
}

function lintDashboard (dashboard: Dashboard, metrics: ReadonlyMap<string, readonly string[]>): string[] {
  const all = dashboard.panels ?? []
  const panels = all.filter((panel): panel is Panel => panel.type !== 'row')
  const variables = (dashboard.templating.list ?? []).map(({ name }) => name)
  return [
    ...(dashboard.uid === undefined || !/^dialtone-[a-z]+$/.test(dashboard.uid) ? ['has no uid of the form dialtone-NAME'] : []),
    ...(dashboard.title === undefined || dashboard.description === undefined ? ['needs a title and a description'] : []),
    ...(variables[0] === 'datasource' && variables.includes('control') ? [] : ['needs the variables datasource, first, and control']),
    ...(dashboard.templating.list ?? []).filter(({ label, description }) => label === undefined || description === undefined).map(({ name }) => `variable ${name} needs a label and a description`),
    ...repeated(variables).map(name => `variable ${name} is there twice`),
    ...repeated(panels.map(({ title = '' }) => title)).map(title => `two panels are called '${title}'`),
    ...repeated(all.map(({ id = 0 }) => String(id))).map(id => `panel id ${id} is used twice`),
    ...overlaps(all),
    ...(JSON.stringify(dashboard).match(/\$\{?[a-zA-Z_]+/g) ?? []).map(used => used.replace(/^\$\{?/, '')).filter(name => !name.startsWith('__') && !variables.includes(name)).map(name => `$${name} is no variable`),
    ...panels.flatMap(panel => lintPanel(panel, metrics).map(problem => `'${panel.title}': ${problem}`)),
  ]
}

function lintPanel (panel: Panel, metrics: ReadonlyMap<string, readonly string[]>): string[] {
  const targets = (panel.targets ?? []) as unknown as Target[]
  const overrides = (panel.fieldConfig?.overrides ?? []).flatMap(({ properties }) => properties).filter(({ id }) => id === 'unit').map(({ value }) => value as string)
  const used = panel.fieldConfig?.defaults.unit === undefined ? overrides : [panel.fieldConfig.defaults.unit]
  return [
    ...((panel.title ?? '') === '' ? ['has no title'] : []),
    ...((panel.description ?? '').length < 12 ? ['has no description'] : []),
    ...(panel.datasource?.uid === '${datasource}' ? [] : ['does not ask the data source of the variable']),
    ...(used.length === 0 || used.some(unit => !UNITS.has(unit)) ? [`has no unit that Grafana knows: ${used.join(', ')}`] : []),
    ...(targets.length === 0 ? ['asks nothing'] : []),
    ...repeated(targets.map(({ refId = '' }) => refId)).map(refId => `two queries are ${refId}`),
    ...targets.flatMap(target => lintTarget(target, panel, metrics).map(problem => `query ${target.refId}: ${problem}`)),
  ]
}

function lintTarget ({ expr = '', legendFormat = '', datasource, instant, range }: Target, { type }: Panel, metrics: ReadonlyMap<string, readonly string[]>): string[] {
  return [
    ...(datasource?.uid === '${datasource}' ? [] : ['does not ask the data source of the variable']),
    ...(legendFormat === '' ? ['has no legend'] : []),
    ...(OVER_TIME.includes(type) === (range === true) && OVER_TIME.includes(type) !== (instant === true) ? [] : [`is drawn as ${type}, but does not ask for ${OVER_TIME.includes(type) ? 'a range' : 'an instant'}`]),
    ...lintExpression(expr, metrics, legendLabels(legendFormat)),
  ]
}

/** Of a query of a panel, a variable or an alert. `shown`: labels that its legend or its texts use. */
export function lintExpression (expr: string, metrics: ReadonlyMap<string, readonly string[]>, shown: readonly string[] = []): string[] {
  const { selectors, grouped, made } = asked(expr)
  const known = new Set([...selectors.flatMap(({ metric }) => metrics.get(metric) ?? []), ...made, ...FREE])
  return [
    ...(selectors.some(({ metric }) => /^(?:dialtone_|probe_|up$)/.test(metric)) ? [] : ['asks for no metric of Dialtone']),
    ...selectors.filter(({ metric }) => !metrics.has(metric)).map(({ metric }) => `there is no metric ${metric}`),
    ...selectors.flatMap(({ metric, labels }) => labels.filter(label => !FREE.includes(label) && !(metrics.get(metric) ?? []).includes(label)).map(label => `${metric} has no label ${label}`)),
    ...[...grouped, ...shown].filter(label => !known.has(label)).map(label => `nothing that it asks for has a label ${label}`),
  ]
}

function overlaps (panels: readonly (Panel | RowPanel)[]): string[] {
  const cells = new Map<string, string>()
  return panels.flatMap(({ title = '', gridPos }) => {
    if (gridPos === undefined) return [`'${title}' has no place`]
    const { x, y, w, h } = gridPos
    const problems = x + w > 24 ? [`'${title}' is wider than the grid`] : []
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        const there = cells.get(`${row} ${column}`)
        if (there !== undefined) return [...problems, `'${title}' lies on '${there}'`]
        cells.set(`${row} ${column}`, title)
      }
    }
    return problems
  })
}

function repeated (names: readonly string[]): string[] {
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
}
