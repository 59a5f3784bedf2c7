import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startAlertmanager, type Alertmanager } from './alertmanager.ts'
import { loopbackAddress } from './loopback.ts'
import { createNetwork } from './network.ts'
import { startPrometheus } from './prometheus.ts'
import { startWebhook, type Webhook } from './webhook.ts'

let webhook: Webhook
let alertmanager: Alertmanager
beforeAll(async () => {
  webhook = await startWebhook()
  alertmanager = await startAlertmanager({ configuration: JSON.stringify({
    route: { receiver: 'hook', group_by: ['alertname'], group_wait: '1s', group_interval: '1s' },
    inhibit_rules: [{ source_matchers: ['alertname="Worse"'], target_matchers: ['alertname="Bad"'] }],
    receivers: [{ name: 'hook', webhook_configs: [{ url: `${webhook.url}/all`, send_resolved: true }] }],
  }) })
}, 60_000)
afterAll(async () => {
  await alertmanager?.stop()
  await webhook?.stop()
})

it('tells what fires and what is over, and not what is inhibited or silenced', async () => {
  let level = 0
  const exposition = createServer((_, response) => { response.end(`level ${level}\n`) })
  const address = loopbackAddress()
  await new Promise<void>(resolve => { exposition.listen(0, address, resolve) })
  const rule = (alert: string, expr: string) => ({ alert, expr, for: '0s' })
  const prometheus = await startPrometheus({
    scrape: [{ job: 'levels', targets: [`${address}:${(exposition.address() as AddressInfo).port}`], labels: { place: 'here' } }], alertmanagers: [`${alertmanager.address}:${alertmanager.port}`],
    rules: [JSON.stringify({ groups: [{ name: 'g', rules: [rule('Worse', 'level > 1'), rule('Bad', 'level > 0'), rule('Quiet', 'level > 0')] }] })],
  })
  try {
    const unsilence = await alertmanager.silence({ alertname: 'Quiet' }, 60, 'of this test')
    level = 2
    const all = await alertmanager.until(alerts => alerts.length === 3 && alerts.every(({ state }) => state !== 'unprocessed') && alerts.find(({ labels }) => labels['alertname'] === 'Bad')?.state === 'suppressed')
    expect(all.find(({ labels }) => labels['alertname'] === 'Bad')?.inhibitedBy).toHaveLength(1)
    expect(all.find(({ labels }) => labels['alertname'] === 'Quiet')?.silencedBy).toHaveLength(1)
    expect((await alertmanager.alerts('active')).map(({ labels }) => [labels['alertname'], labels['place']])).toEqual([['Worse', 'here']])
    expect(await webhook.until(({ status }) => status === 'firing')).toMatchObject({ path: '/all', groupLabels: { alertname: 'Worse' } })
    await unsilence()
    await webhook.until(({ groupLabels }) => groupLabels['alertname'] === 'Quiet')
    expect(webhook.notifications.map(({ groupLabels }) => groupLabels['alertname'])).not.toContain('Bad')
    level = 0
    await webhook.until(({ status, groupLabels }) => status === 'resolved' && groupLabels['alertname'] === 'Worse')
  } finally {
    await prometheus.stop()
    exposition.close()
  }
}, 90_000)

it('says what is wrong with its configuration', async () => {
  await expect(startAlertmanager({ configuration: '{"route": {"receiver": "nobody"}}' })).rejects.toThrow(/undefined receiver/)
}, 60_000)

it('stands on a host of a network, and Prometheus beside it', async () => {
  const network = await createNetwork({ hosts: [{ name: 'office', addresses: ['192.0.2.10'] }] })
  try {
    const host = network.host('office')
    const inside = await startAlertmanager({ host, configuration: '{"route": {"receiver": "none", "group_wait": "1s"}, "receivers": [{"name": "none"}]}' })
    const prometheus = await startPrometheus({
      host, scrape: [{ job: 'self', targets: ['127.0.0.1:9090'] }], alertmanagers: [`${inside.address}:${inside.port}`],
      rules: [JSON.stringify({ groups: [{ name: 'g', rules: [{ alert: 'Up', expr: 'up == 1' }] }] })],
    })
    try {
      await inside.until(alerts => alerts.some(({ labels }) => labels['alertname'] === 'Up'))
    } finally {
      await prometheus.stop()
      await inside.stop()
    }
  } finally {
    await network.remove()
  }
}, 90_000)
