import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { expect, it } from 'vitest'
import { catalogue } from './catalogue.ts'
import { DASHBOARDS } from './dashboards.ts'
import { dashboardOf } from './dashboard.ts'
import { lintDashboards, lintExpression } from './lint.ts'

const metrics = catalogue()
const built = (): Dashboard[] => Object.values(DASHBOARDS).map(spec => dashboardOf(spec))

it('reads every metric that is documented, histograms by what is queried of them', () => {
  expect(metrics.size).toBeGreaterThan(100)
  expect(metrics.get('dialtone_cause_info')).toEqual(['domain', 'peer', 'cause', 'side'])
  expect(metrics.get('dialtone_stage_seconds_bucket')).toContain('le')
})

it('finds nothing wrong with the dashboards', () => {
  expect(lintDashboards(built(), metrics)).toEqual([])
})

/** Each spoils one thing of a good dashboard and says what the linter finds. */
const SPOILED: readonly [string, (dashboard: Dashboard, panel: Panel, target: Record<string, unknown>) => unknown, RegExp][] = [
  ['a title twice', ({ panels = [] }, panel) => { for (const each of panels) each.title = panel.title ?? '' }, /two panels are called/],
  ['an id twice', ({ panels = [] }) => { for (const each of panels) each.id = 1 }, /panel id 1 is used twice/],
  ['no description', (_, panel) => { panel.description = '' }, /has no description/],
  ['no unit', (_, panel) => { delete panel.fieldConfig?.defaults.unit }, /has no unit/],
  ['a unit that there is not', (_, panel) => { if (panel.fieldConfig !== undefined) panel.fieldConfig.defaults.unit = 'parsecs per hour' }, /no unit that Grafana knows/],
  ['another data source', (_, panel) => { panel.datasource = { type: 'prometheus', uid: 'mine' } }, /does not ask the data source/],
  ['panels on each other', ({ panels = [] }) => { for (const each of panels) each.gridPos = { x: 0, y: 0, w: 8, h: 8 } }, /lies on/],
  ['beyond the grid', (_, panel) => { panel.gridPos = { x: 20, y: 500, w: 8, h: 8 } }, /wider than the grid/],
  ['no legend', (_, __, target) => { target['legendFormat'] = '' }, /has no legend/],
  ['a metric that there is not', (_, __, target) => { target['expr'] = 'dialtone_nothing' }, /no metric dialtone_nothing/],
  ['no metric', (_, __, target) => { target['expr'] = 'vector(1)' }, /no metric of Dialtone/],
  ['a label that the metric has not', (_, __, target) => { target['expr'] = 'dialtone_state{vantage="x"}' }, /dialtone_state has no label vantage/],
  ['a group by what is not there', (_, __, target) => { target['expr'] = 'sum by (colour) (dialtone_state)' }, /has a label colour/],
  ['a legend of what is not there', (_, __, target) => { target['legendFormat'] = '{{colour}}' }, /has a label colour/],
  ['a variable that there is not', (_, __, target) => { target['expr'] = 'dialtone_state{domain="$nowhere"}' }, /\$nowhere is no variable/],
  ['an instant over time', (_, __, target) => { Object.assign(target, { instant: true, range: false }) }, /does not ask for/],
]

for (const [what, spoil, found] of SPOILED) {
  it(`finds ${what}`, () => {
    const dashboards = built()
    const fleet = dashboards[0] as Dashboard
    const panel = fleet.panels?.find(({ title }) => title === 'Incidents over time') as Panel
    spoil(fleet, panel, panel.targets?.[0] as unknown as Record<string, unknown>)
    expect(lintDashboards(dashboards, metrics).join('\n')).toMatch(found)
  })
}

it('knows the labels that Prometheus and label_replace make', () => {
  expect(lintExpression('sum by (instance, x) (label_replace(dialtone_state, "x", "y", "", ""))', metrics)).toEqual([])
})
