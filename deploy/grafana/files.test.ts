import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { SEVERITIES, alertRules } from '../alerting/index.ts'
import type { RuleFile } from './alert-rules.ts'
import { catalogue } from './catalogue.ts'
import { grafanaFiles } from './files.ts'
import { lintExpression } from './lint.ts'
import type { NOTIFICATIONS } from './provisioning.ts'

const files = grafanaFiles()
/** As Grafana reads them. */
const read = (name: string): unknown => parse(files[name] ?? '', { version: '1.1' })
const { groups } = read('provisioning/alerting/rules.yaml') as RuleFile
const rules = groups.flatMap(group => group.rules)

it('what is committed is what would be written', () => {
  for (const [name, text] of Object.entries(files)) expect(readFileSync(join(import.meta.dirname, name), 'utf8') === text, `${name}: run node deploy/write-monitoring.ts`).toBe(true)
})

it('every alert is a rule, by a uid and a title that Grafana takes', () => {
  expect(rules.map(({ labels }) => `${labels['alert']} ${labels['severity']}`).toSorted()).toEqual(alertRules().map(({ name, severity }) => `${name} ${severity}`).toSorted())
  for (const of of ['uid', 'title'] as const) expect(new Set(rules.map(rule => rule[of])).size, of).toBe(rules.length)
  for (const { uid, title } of rules) {
    expect(uid).toMatch(/^[a-zA-Z0-9_-]{1,40}$/)
    expect(title.length, title).toBeLessThanOrEqual(190)
  }
})

it('a rule asks the provisioned data source, for metrics that there are, and fires on whatever is answered', () => {
  const metrics = catalogue()
  const { datasources } = read('provisioning/datasources/dialtone.yaml') as { datasources: { uid: string }[] }
  for (const { uid, condition, data: [a, c], noDataState, annotations } of rules) {
    expect(a?.datasourceUid, uid).toBe(datasources[0]?.uid)
    const { expr = '', instant } = (a?.model ?? {}) as { expr?: string, instant?: boolean }
    expect(expr, uid).toMatch(/^\(\n[^]*\n\) \^ 0$/)
    expect(instant, uid).toBe(true)
    expect(lintExpression(expr, metrics), uid).toEqual([])
    expect([condition, c?.refId, c?.datasourceUid, ((c?.model ?? {}) as { expression?: string }).expression], uid).toEqual(['C', 'C', '__expr__', 'A'])
    expect(noDataState).toBe('OK')
    expect(Object.keys(annotations).toSorted(), uid).toEqual(['description', 'remedy', 'runbook_url', 'summary'])
  }
})

it('a rule leads to a panel of the dashboards, and its labels hold nothing that Grafana would fill in from its environment', () => {
  const dashboards = Object.entries(files).filter(([name]) => name.startsWith('dashboards/')).map(([, text]) => JSON.parse(text) as Dashboard)
  for (const { uid, dashboardUid, panelId, labels } of rules) {
    expect(dashboards.find(dashboard => dashboard.uid === dashboardUid)?.panels?.find(panel => panel.id === panelId && panel.type !== 'row'), uid).toBeDefined()
    expect(JSON.stringify(labels), uid).not.toContain('$')
  }
})

it('the durations are Prometheus\' own, and the evaluation comes in whole tens of seconds', () => {
  for (const rule of rules) for (const duration of [rule.for, rule.keepFiringFor]) expect(duration).toMatch(/^(?:\d+(?:h|m|s))+$/)
  for (const { interval } of groups) expect(interval).toMatch(/^\d+m$/)
})

it('links to runbooks lead to where Dialtone is said to be', () => {
  const elsewhere = grafanaFiles({ controlUrl: 'https://dialtone.example' })
  for (const [name, text] of Object.entries(elsewhere)) expect(text, name).not.toContain('localhost:5280')
  expect(elsewhere['provisioning/alerting/rules.yaml']).toContain('runbook_url: https://dialtone.example/runbooks/{{ $labels.cause }}')
  expect(elsewhere['dashboards/fleet.json']).toContain('"query": "https://dialtone.example"')
})

it('the example of notifications names only what it defines, and catches alerts of Dialtone alone', () => {
  const { contactPoints, policies: [root], muteTimes } = read('examples/notifications.yaml') as typeof NOTIFICATIONS
  const [ours] = root?.routes ?? []
  const routes = [ours, ...ours?.routes ?? []]
  expect(contactPoints.map(({ name }) => name)).toEqual(SEVERITIES.map(severity => `Dialtone: ${severity}`))
  for (const route of routes) {
    expect(contactPoints.map(({ name }) => name)).toContain(route?.receiver)
    for (const name of route?.mute_time_intervals ?? []) expect(muteTimes.map(each => each.name)).toContain(name)
    for (const matcher of route?.object_matchers ?? []) expect(matcher).toHaveLength(3)
  }
  expect(ours?.object_matchers).toEqual([['alert', '=~', 'Dialtone.+']])
  expect(routes.filter(route => route?.receiver === 'Dialtone: page').flatMap(route => route?.mute_time_intervals ?? [])).toEqual([])
})

it('the provider of dashboards finds nothing but them', () => {
  const { providers: [provider] } = read('provisioning/dashboards/dialtone.yaml') as { providers: { options: { path: string } }[] }
  expect(provider?.options.path).toBe('/etc/grafana/dialtone')
})
