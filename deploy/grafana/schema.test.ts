// What is written is what Grafana's own types say: the JSON as a literal, compiled against the SDK. A field that is misspelt or of another kind does not compile.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROOT } from './catalogue.ts'
import { DASHBOARDS } from './dashboards.ts'
import { dashboardOf } from './dashboard.ts'

/** Types of options and of what is special to fields, by the type of panel. */
const KINDS: Readonly<Record<string, string>> = { 'timeseries': 'timeseries', 'state-timeline': 'statetimeline', 'table': 'table', 'stat': 'stat', 'bargauge': 'bargauge' }
/** Those that have nothing special. */
const PLAIN = ['stat', 'bargauge']
let folder = ''

beforeAll(() => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  folder = mkdtempSync(join(ROOT, '.cache/grafana-schema-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('every dashboard compiles as one of Grafana\'s', () => {
  expect(compiled(Object.values(DASHBOARDS).map(spec => dashboardOf(spec)))).toBe('')
}, 60_000)

it('a field that Grafana does not know does not compile', () => {
  const [spoiled, other] = Object.values(DASHBOARDS).map(spec => dashboardOf(spec))
  if (spoiled === undefined || other === undefined) throw new Error('no dashboards')
  const panels = spoiled.panels?.filter((panel): panel is Panel => panel.type === 'timeseries') ?? []
  Object.assign(panels[0]?.options as object, { ledgend: {} })
  Object.assign(panels[1]?.fieldConfig?.defaults ?? {}, { unit: 7 })
  Object.assign(panels[1]?.targets?.[0] ?? {}, { exprr: 'up' })
  Object.assign(other, { refesh: '5s' })
  const says = compiled([spoiled, other])
  for (const word of ['ledgend', 'exprr', 'refesh', "Type 'number' is not assignable to type 'string'"]) expect(says).toContain(word)
}, 60_000)

/** What the compiler says; '' when all is well. */
function compiled (dashboards: readonly Dashboard[]): string {
  const file = join(folder, 'literal.ts')
  const literals = dashboards.map((dashboard, at) => {
    const panels = (dashboard.panels ?? []).filter((panel): panel is Panel => panel.type !== 'row')
    return [
      `export const dashboard${at}: Plain<Dashboard> = ${JSON.stringify(dashboard)}`,
      ...panels.flatMap((panel, of) => {
        const kind = KINDS[panel.type] ?? `unknown panel type ${panel.type}`
        const field = panel.fieldConfig?.defaults.custom as unknown
        return [
          `export const options${at}x${of}: Plain<Partial<${kind}.Options>> = ${JSON.stringify(panel.options)}`,
          ...(field === undefined || PLAIN.includes(kind) ? [] : [`export const field${at}x${of}: Plain<Partial<${kind}.FieldConfig>> = ${JSON.stringify(field)}`]),
          `export const targets${at}x${of}: Plain<Omit<Dataquery, '_implementsDataqueryVariant'>>[] = ${JSON.stringify(panel.targets)}`,
        ]
      }),
    ].join('\n')
  })
  writeFileSync(file, [
    `import type { Dashboard as Full, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard'`,
    `import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus'`,
    ...Object.values(KINDS).map(kind => `import type * as ${kind} from '@grafana/grafana-foundation-sdk/${kind}'`),
    // In JSON an enum is its value; queries are compared by themselves.
    'type Plain<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T : T extends (infer U)[] ? Plain<U>[] : { [K in keyof T]: Plain<T[K]> }',
    `type Dashboard = Omit<Full, 'panels'> & { panels: ((Omit<Panel, 'targets'> & { targets: unknown[] }) | RowPanel)[] }`,
    ...literals,
  ].join('\n'))
  const { stdout, status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck', '--target', 'es2024', '--module', 'nodenext', '--types', '', file], { cwd: folder, encoding: 'utf8' })
  return status === 0 ? '' : stdout
}
