import { expect, it, onTestFinished } from 'vitest'
import { startAlertmanager } from './alertmanager.ts'
import { startPrometheus } from './prometheus.ts'
import { startWebhook } from './webhook.ts'

it('knows what a Prometheus fires, and what one alert inhibits of another', { timeout: 60_000 }, async () => {
  const alertmanager = await startAlertmanager({ configuration: JSON.stringify({ route: { receiver: 'nobody' }, receivers: [{ name: 'nobody' }], inhibit_rules: [{ source_matchers: ['alertname="Cause"'], target_matchers: ['alertname="Effect"'] }] }) })
  onTestFinished(alertmanager.stop)
  const rule = (alert: string) => ({ alert, expr: 'vector(1)', labels: { of: 'test' } })
  const prometheus = await startPrometheus({ scrape: [], rules: [JSON.stringify({ groups: [{ name: 'test', rules: [rule('Cause'), rule('Effect')] }] })], alertmanagers: [`${alertmanager.address}:${alertmanager.port}`] })
  onTestFinished(prometheus.stop)
  await expect.poll(async () => (await alertmanager.alerts()).map(({ labels, state }) => `${labels['alertname']} ${state}`).toSorted(), { timeout: 40_000 }).toEqual(['Cause active', 'Effect suppressed'])
  const [series] = await prometheus.range('ALERTS{alertname="Cause"}', { from: Date.now() / 1000 - 60, to: Date.now() / 1000 + 1, stepSeconds: 1 })
  expect(series?.values.at(-1)?.[1]).toBe(1)
})

it('tells a webhook what fires and what is over, and says who keeps quiet', { timeout: 90_000 }, async () => {
  const webhook = await startWebhook()
  onTestFinished(webhook.stop)
  const alertmanager = await startAlertmanager({ configuration: JSON.stringify({
    route: { receiver: 'hook', group_by: ['alertname'], group_wait: '1s', group_interval: '1s' },
    receivers: [{ name: 'hook', webhook_configs: [{ url: `${webhook.url}/all`, send_resolved: true }] }],
  }) })
  onTestFinished(alertmanager.stop)
  const unsilence = await alertmanager.silence({ alertname: 'Quiet' }, 60, 'of this test')
  const fire = async (alertname: string, endsAt?: Date) => {
    const response = await fetch(`${alertmanager.url}/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify([{ labels: { alertname }, ...(endsAt === undefined ? {} : { endsAt: endsAt.toISOString() }) }]) })
    expect(response.status).toBe(200)
  }
  await fire('Loud')
  await fire('Quiet')
  const [quiet] = (await alertmanager.until(alerts => alerts.length === 2 && alerts.every(({ state }) => state !== 'unprocessed'))).filter(({ labels }) => labels['alertname'] === 'Quiet')
  expect(quiet).toMatchObject({ state: 'suppressed', silencedBy: [expect.any(String)] })
  expect(await webhook.until(({ status }) => status === 'firing')).toMatchObject({ path: '/all', receiver: 'hook', groupLabels: { alertname: 'Loud' } })
  await unsilence()
  await webhook.until(({ groupLabels }) => groupLabels['alertname'] === 'Quiet')
  await fire('Loud', new Date())
  await webhook.until(({ status, groupLabels }) => status === 'resolved' && groupLabels['alertname'] === 'Loud')
})
