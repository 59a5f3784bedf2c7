import { expect, it, onTestFinished } from 'vitest'
import { startAlertmanager } from './alertmanager.ts'
import { startPrometheus } from './prometheus.ts'

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
