/**
 * A panel as a dashboard file writes it, and as Grafana wants it. Everything that makes a panel readable has to be said: the compiler asks for title, description and
 * unit, `lint.ts` for the rest.
 */
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge'
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { COLOURS, type Colour } from './states.ts'

export type Query = {
  expr: string
  /** What the legend calls a series: `{{label}}` is its value. Of a table: the title of the column of values. */
  legend: string
  /** Why a healthy fleet may have nothing here. Without it, no answer fails the test against real servers. */
  mayBeEmpty?: string
}

/** `lines`, `stack`, `states` are over time; `numbers`, `bars`, `table` are now. */
export type Drawing = 'lines' | 'stack' | 'states' | 'numbers' | 'bars' | 'table'

export type PanelSpec = {
  title: string
  /** One or two sentences: what it shows, what to do about it. */
  about: string
  draw: Drawing
  /** A unit of Grafana: 's', 'ops', 'percentunit', 'dateTimeFromNow' (of milliseconds). */
  unit: string
  queries: readonly Query[]
  /** Of 24. */
  wide: number
  /** Default 8, `numbers` 5. */
  high?: number
  /** From which value on which colour; the first one is of everything below. */
  thresholds?: readonly { from?: number, colour: Colour }[]
  /** Words for numbers. */
  mappings?: dashboard.ValueMapping[]
  /** Of one series, by its legend. */
  colours?: Readonly<Record<string, Colour>>
  /** Of a table: its labels with the titles of their columns, in this order; the values come last. */
  columns?: Readonly<Record<string, string>>
  /** Of a table: words for what is in the column of this title. */
  columnWords?: Readonly<Record<string, dashboard.ValueMapping[]>>
  /** Of a table: where the cells of the column of this title lead. Otherwise: where a series leads, under the name ''. */
  leads?: Readonly<Record<string, { title: string, url: string }>>
  /** Of a table: titles of columns, first the first; `-title` is descending. */
  sort?: readonly string[]
  decimals?: number
  min?: number
  max?: number
}

/** The data source that every panel and variable asks: what the variable says. */
export const DATASOURCE: common.DataSourceRef = { type: 'prometheus', uid: '${datasource}' }

/** What shows how it is now, and no time. */
const NOW: readonly Drawing[] = ['numbers', 'bars', 'table']

/** The panel, at its place. */
export function panelOf (spec: PanelSpec, id: number, gridPos: dashboard.GridPos): dashboard.Panel {
  const now = NOW.includes(spec.draw)
  const targets = spec.queries.map(({ expr, legend }, at) => {
    const query = new DataqueryBuilder().refId(refIdOf(at)).expr(expr).legendFormat(legend).datasource(DATASOURCE)
    if (spec.draw === 'table') return query.instant().format(PromQueryFormat.Table)
    return now ? query.instant() : query.range()
  })
  const builder = DRAWN[spec.draw](spec)
  builder.id(id).title(spec.title).description(spec.about).datasource(DATASOURCE).gridPos(gridPos).targets(targets)
  // A time as the unit of a column of text would read the text as a date.
  if (spec.draw !== 'table') builder.unit(spec.unit)
  else for (const { legend } of spec.queries) builder.overrideByName(legend, [{ id: 'unit', value: spec.unit }])
  if (spec.decimals !== undefined) builder.decimals(spec.decimals)
  if (spec.min !== undefined) builder.min(spec.min)
  if (spec.max !== undefined) builder.max(spec.max)
  if (spec.mappings !== undefined) builder.mappings(spec.mappings)
  const own = spec.leads?.['']
  if (own !== undefined) builder.dataLinks([linkOf(own)])
  const { thresholds = [{ colour: 'plain' }] } = spec
  builder.thresholds(new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(thresholds.map(({ from, colour }) => ({ value: from ?? null, color: COLOURS[colour] }))))
  for (const [name, colour] of Object.entries(spec.colours ?? {})) builder.overrideByName(name, [{ id: 'color', value: { mode: dashboard.FieldColorModeId.Fixed, fixedColor: COLOURS[colour] } }])
  if (spec.draw === 'table') tableOf(builder, spec)
  return builder.build()
}

/** 'A', 'B', … */
export function refIdOf (at: number): string {
  return String.fromCharCode(65 + at)
}

type AnyBuilder = timeseries.PanelBuilder | stat.PanelBuilder | table.PanelBuilder | statetimeline.PanelBuilder | bargauge.PanelBuilder

const colour = (mode: dashboard.FieldColorModeId) => new dashboard.FieldColorBuilder().mode(mode)
const last = () => new common.ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull'])
const overTime = (lines: timeseries.PanelBuilder, { thresholds }: PanelSpec): timeseries.PanelBuilder => {
  lines.lineWidth(1).showPoints(common.VisibilityMode.Never).colorScheme(colour(dashboard.FieldColorModeId.PaletteClassicByName))
    .legend(new common.VizLegendOptionsBuilder().showLegend(true).displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending))
  return thresholds === undefined ? lines : lines.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Line))
}

const DRAWN: Readonly<Record<Drawing, (spec: PanelSpec) => AnyBuilder>> = {
  numbers: () => new stat.PanelBuilder().reduceOptions(last()).graphMode(common.BigValueGraphMode.None).textMode(common.BigValueTextMode.ValueAndName).wideLayout(false)
    .colorMode(common.BigValueColorMode.Value).colorScheme(colour(dashboard.FieldColorModeId.Thresholds)),
  bars: () => new bargauge.PanelBuilder().reduceOptions(last()).orientation(common.VizOrientation.Horizontal).displayMode(common.BarGaugeDisplayMode.Basic)
    .valueMode(common.BarGaugeValueMode.Color).showUnfilled(false).colorScheme(colour(dashboard.FieldColorModeId.Thresholds)),
  states: () => new statetimeline.PanelBuilder().showValue(common.VisibilityMode.Auto).mergeValues(true).rowHeight(0.9).fillOpacity(85).lineWidth(0)
    .legend(new common.VizLegendOptionsBuilder().showLegend(false)).colorScheme(colour(dashboard.FieldColorModeId.Thresholds)),
  table: ({ sort = [] }) => new table.PanelBuilder().cellHeight(common.TableCellHeight.Sm).colorScheme(colour(dashboard.FieldColorModeId.Thresholds))
    .sortBy(sort.map(title => new common.TableSortByFieldStateBuilder().displayName(title.replace(/^-/, '')).desc(title.startsWith('-')))),
  lines: spec => overTime(new timeseries.PanelBuilder().fillOpacity(8), spec),
  stack: spec => overTime(new timeseries.PanelBuilder().fillOpacity(60).stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal)), spec),
}

/** Columns with the names that people read, in their order, and nothing else of what Prometheus sends. */
function tableOf (builder: AnyBuilder, { queries, columns = {}, columnWords = {}, leads = {} }: PanelSpec): void {
  const labels = Object.keys(columns)
  // With one query its column is called Value; with several, each is called by its query, and rows of equal labels are one.
  const values = queries.map((query, at) => [queries.length === 1 ? 'Value' : `Value #${refIdOf(at)}`, query.legend] as const)
  builder.withTransformation({ id: 'merge', options: {} })
  builder.withTransformation({ id: 'filterFieldsByName', options: { include: { names: [...labels, ...values.map(([name]) => name)] } } })
  builder.withTransformation({
    id: 'organize',
    options: {
      excludeByName: {}, includeByName: {},
      indexByName: Object.fromEntries([...labels, ...values.map(([name]) => name)].map((name, at) => [name, at])),
      renameByName: { ...columns, ...Object.fromEntries(values) },
    },
  })
  for (const [title, mappings] of Object.entries(columnWords)) {
    builder.overrideByName(title, [{ id: 'mappings', value: mappings }, { id: 'custom.cellOptions', value: { type: common.TableCellDisplayMode.ColorText } }])
  }
  for (const [title, lead] of Object.entries(leads)) if (title !== '') builder.overrideByName(title, [{ id: 'links', value: [linkOf(lead).build()] }])
}

function linkOf ({ title, url }: { title: string, url: string }): Builder<dashboard.DashboardLink> {
  return new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link).url(url).targetBlank(url.startsWith('${control}'))
}
