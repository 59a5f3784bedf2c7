/**
 * The alerts at work: a real control with many causes, a real Prometheus with the rules as they are written (a hundred times faster), a real Alertmanager with the routes and
 * inhibitions, and somebody who is told.
 */
import type { Failure, Job, OverviewRow } from '@dialtone/contracts'
import { startAlertmanager, startPrometheus, startWebhook, type Alertmanager, type Notification, type Prometheus, type Webhook } from '@dialtone/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { JOBS, SEVERITIES, alertRules, type Severity } from './alerting/index.ts'
import { alertmanagerConfig, prometheusRules } from './prometheus/index.ts'
import { startHandFedControl, type HandFedControl, type Seen } from './test-support/hand-fed-control.ts'
import { alertOf, whoHears } from './test-support/who-hears.ts'

const SCALE = { timeScale: 100 }
/** A notice waits for 36 seconds at this scale; the machine may have much else to do. */
const PATIENCE_MS = 240_000
const TIMEOUT: Failure = { at: 'tcp', why: 'timeout' }
const BLOCKED = 'blocked.example'
const ITS_PEERS = ['partner.example', 'other.example']
const DEAD = 'dead.example'
const OURS = ['ours.example', BLOCKED]
const RESOURCES = [
  { kind: 'Vantage', name: 'inside', spec: { side: 'inside', network: 'office' } }, { kind: 'Vantage', name: 'north', spec: { side: 'outside', network: 'north' } }, { kind: 'Vantage', name: 'south', spec: { side: 'outside', network: 'south' } },
  ...OURS.map(name => ({ kind: 'Domain', name, spec: { internal: [{ host: '192.0.2.10', port: 5269 }] } })),
  ...[...ITS_PEERS, DEAD].map(name => ({ kind: 'Peer', name, spec: { ours: OURS } })), { kind: 'Peer', name: 'unseen.example', spec: { ours: ['ours.example'] } },
  // What was seen once is true for longer than the test takes.
  { kind: 'Schedule', name: 'default', spec: { lightEverySeconds: 3600, deepEverySeconds: 86_400 } },
]
const outside = (job: Job, domain: string, fails?: Failure): Seen[] => ['north', 'south'].map(vantage => ({ vantage, job, domain, ...(fails === undefined ? {} : { fails }) }))
let control: HandFedControl
let webhook: Webhook
let alertmanager: Alertmanager
let prometheus: Prometheus

beforeAll(async () => {
  webhook = await startWebhook()
  const to = (severity: Severity) => ({ webhook_configs: [{ url: `${webhook.url}/${severity}`, send_resolved: true }] })
  alertmanager = await startAlertmanager({ configuration: JSON.stringify(alertmanagerConfig({ ...SCALE, receivers: { page: to('page'), ticket: to('ticket'), notice: to('notice') }, workingHours: false })) })
  control = await startHandFedControl(RESOURCES)
  await control.see(
    ...OURS.map((domain): Seen => ({ vantage: 'inside', job: 'own-internal', domain })),
    ...outside('own-published', 'ours.example'), ...outside('own-published', BLOCKED, TIMEOUT),
    ...ITS_PEERS.flatMap(domain => [...OURS.map((ours): Seen => ({ vantage: 'inside', job: 'peer', domain, ours })), ...outside('control', domain)]),
    ...OURS.map((ours): Seen => ({ vantage: 'inside', job: 'peer', domain: DEAD, ours, fails: TIMEOUT })), ...outside('control', DEAD, TIMEOUT),
  )
  prometheus = await startPrometheus({ scrape: [{ job: JOBS.control, targets: [control.place], bearerToken: control.token }], rules: [JSON.stringify(prometheusRules(SCALE))], alertmanagers: [`${alertmanager.address}:${alertmanager.port}`] })
}, 180_000)
afterAll(async () => {
  await prometheus?.stop()
  await control?.stop()
  await alertmanager?.stop()
  await webhook?.stop()
}, 60_000)

it('what fires is what control says', async () => {
  await expect.poll(async () => difference(expectedOf(await control.rows()), await firing()), { timeout: PATIENCE_MS, interval: 500 }).toEqual({ missing: [], more: [] })
  const rows = await control.rows()
  expect(rows.find(({ domain, peer }) => domain === BLOCKED && peer === undefined)).toMatchObject({ state: 'down', cause: 'path.inbound-blocked', side: 'path' })
  const alerts = await firing()
  expect(alerts.filter(line => line.startsWith(`${BLOCKED} `)).length).toBe(1 + ITS_PEERS.length + 1)
  for (const severity of SEVERITIES) expect(alerts.filter(line => line.includes(` ${severity} `)).length, severity).toBeGreaterThan(0)
}, PATIENCE_MS + 20_000)

it('every rule is evaluated without a fault, and its texts are filled in', async () => {
  const rules = await api<{ groups: { rules: { name: string, health: string, lastError?: string }[] }[] }>('/api/v1/rules')
  const all = rules.groups.flatMap(group => group.rules)
  expect(all).toHaveLength(alertRules().length)
  expect(all.filter(({ health }) => health !== 'ok')).toEqual([])
  const { alerts } = await api<{ alerts: { labels: Record<string, string>, annotations: Record<string, string> }[] }>('/api/v1/alerts')
  expect(alerts.length).toBeGreaterThan(5)
  for (const { labels, annotations } of alerts) {
    const text = JSON.stringify(annotations)
    expect(text).not.toMatch(/\{\{|\}\}|<no value>|error expanding|\bDOMAIN\b|\bOURS\b/)
    if (labels['cause'] === undefined) continue
    expect(annotations['summary']).toContain(labels['domain'])
    expect(annotations['remedy']).toMatch(/^1\. \S/)
    expect(annotations['runbook_url']).toBe(`http://localhost:5280/runbooks/${labels['cause']}`)
  }
}, 30_000)

it('a domain that is down is one notification, and its pairs are not told of beside it', async () => {
  const known = await alertmanager.until(alerts => ITS_PEERS.every(peer => alerts.some(({ labels, state }) => labels['domain'] === BLOCKED && labels['peer'] === peer && state === 'suppressed')))
  const [own] = known.filter(({ labels }) => labels['domain'] === BLOCKED && labels['peer'] === undefined && labels['cause'] !== undefined)
  expect(own).toMatchObject({ state: 'active', labels: { alertname: 'DialtonePathBlocked', severity: 'page', cause: 'path.inbound-blocked' } })
  expect(await webhook.until(about(BLOCKED, 'firing', 'path.inbound-blocked'))).toMatchObject({ path: '/page', receiver: 'page', groupLabels: { alertname: 'DialtonePathBlocked', domain: BLOCKED, cause: 'path.inbound-blocked' } })
}, 60_000)

it('a peer that is dead is one ticket, of however many of ours it is seen', async () => {
  const told = await webhook.until(({ groupLabels, alerts }) => groupLabels['peer'] === DEAD && alerts.length === OURS.length)
  expect(told).toMatchObject({ path: '/ticket', groupLabels: { alertname: 'DialtonePeerDown', cause: 'peer.unreachable' } })
  expect(webhook.notifications.filter(({ path }) => path === '/page').flatMap(({ alerts }) => alerts).filter(({ labels }) => labels['side'] === 'peer')).toEqual([])
}, 60_000)

it('that no agent is there is told, and not that therefore something is unknown', async () => {
  const known = await alertmanager.until(alerts => alerts.some(({ labels, state }) => labels['alertname'] === 'DialtoneUnknown' && state === 'suppressed'))
  expect(known.filter(({ labels, state }) => labels['alertname'] === 'DialtoneAgentDown' && state === 'active').map(({ labels }) => labels['severity'])).toEqual(['page'])
  await webhook.until(({ path, groupLabels }) => path === '/page' && groupLabels['alertname'] === 'DialtoneAgentDown')
  expect(webhook.notifications.filter(({ groupLabels }) => groupLabels['alertname'] === 'DialtoneUnknown')).toEqual([])
}, 60_000)

it('maintenance ends the alert, and that is told', async () => {
  const before = webhook.notifications.length
  await control.post('/v1/maintenance', { domain: BLOCKED, minutes: 30, reason: 'the firewall is replaced' })
  await prometheus.until(`dialtone_quiet{domain="${BLOCKED}"}`, samples => samples.length === 1 + ITS_PEERS.length + 1, 60_000)
  await expect.poll(async () => (await firing()).filter(line => line.startsWith(`${BLOCKED} `)), { timeout: 60_000, interval: 500 }).toEqual([])
  await webhook.until(notification => webhook.notifications.indexOf(notification) >= before && about(BLOCKED, 'resolved', 'path.inbound-blocked')(notification), 60_000)
}, 150_000)

it('when control dies that is told, and nothing that it had said is', async () => {
  await control.stop()
  const gone = await webhook.until(({ groupLabels, status }) => groupLabels['alertname'] === 'DialtoneControlDown' && status === 'firing', 60_000)
  expect(gone.path).toBe('/page')
  const known = await alertmanager.until(alerts => alerts.some(({ labels, state }) => labels['alertname'] === 'DialtoneControlDown' && labels['severity'] === 'page' && state === 'active'))
  // What still fires of what it said is kept quiet; Prometheus ends it in a moment.
  expect(known.filter(({ labels, state }) => labels['cause'] !== undefined && state === 'active')).toEqual([])
  await prometheus.until('ALERTS{alertstate="firing", alertname!="DialtoneControlDown"}', samples => samples.length === 0, 60_000)
}, 150_000)

const about = (domain: string, status: string, cause: string) => (notification: Notification): boolean =>
  notification.status === status && notification.alerts.some(({ labels }) => labels['domain'] === domain && labels['peer'] === undefined && labels['cause'] === cause)

/** 'domain peer severity alert cause side'. */
function expectedOf (rows: readonly OverviewRow[]): string[] {
  return rows.flatMap(({ domain, peer, state, cause, side, quietBecause }) => {
    const severity = whoHears({ cause, side, state, quiet: quietBecause !== undefined })
    return severity === undefined ? [] : [`${domain} ${peer ?? '-'} ${severity} ${alertOf(cause) ?? 'none'} ${cause} ${side}`]
  })
}

async function firing (): Promise<string[]> {
  return (await prometheus.query('ALERTS{alertstate="firing", cause!=""}')).map(({ labels: l }) => `${l['domain'] ?? ''} ${l['peer'] ?? '-'} ${l['severity'] ?? ''} ${l['alertname'] ?? ''} ${l['cause'] ?? ''} ${l['side'] ?? ''}`)
}

function difference (expected: readonly string[], there: readonly string[]): { missing: string[], more: string[] } {
  return { missing: expected.filter(line => !there.includes(line)), more: there.filter(line => !expected.includes(line)) }
}

async function api<T> (path: string): Promise<T> {
  const { data } = await (await fetch(`${prometheus.url}${path}`)).json() as { data: T }
  return data
}
