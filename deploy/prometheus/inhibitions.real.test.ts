// What Alertmanager keeps quiet and what it tells together, by the inhibitions and routes as they are written.
import { startAlertmanager } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { alertmanagerConfig } from './alertmanager.ts'

it("a domain's fault explains the same fault of its pairs, but not that of a peer itself", { timeout: 60_000 }, async () => {
  const shared = { alertname: 'DialtoneCertificateBroken', domain: 'ours.example', cause: 'certificate.expired' }
  const alerts = [
    { ...shared, severity: 'page', side: 'ours' },
    { ...shared, severity: 'page', side: 'ours', peer: 'ours-too.example' },
    { ...shared, severity: 'ticket', side: 'peer', peer: 'its-own.example' },
    { ...shared, severity: 'notice', side: 'peer', peer: 'its-own.example' },
  ]
  const { known } = await told(alerts)
  expect(known.map(({ labels, state }) => `${labels['peer'] ?? '-'} ${labels['severity']} ${state}`).toSorted()).toEqual(['- page active', 'its-own.example notice suppressed', 'its-own.example ticket active', 'ours-too.example page suppressed'])
})

it('an agent that is gone mutes no domain that the inside alone does not reach; all of them are one ticket', { timeout: 60_000 }, async () => {
  const unreached = { alertname: 'DialtonePeerDown', severity: 'ticket', cause: 'peer.unreachable', side: 'ours' }
  const { url, known } = await told([{ alertname: 'DialtoneAgentDown', severity: 'ticket', vantage: 'retired' }, { ...unreached, domain: 'a.example' }, { ...unreached, domain: 'b.example' }])
  expect(known.map(({ labels, state }) => `${labels['domain'] ?? labels['vantage']} ${state}`).toSorted()).toEqual(['a.example active', 'b.example active', 'retired active'])
  const groups = await (await fetch(`${url}/api/v2/alerts/groups`)).json() as { alerts: unknown[] }[]
  expect(groups.map(({ alerts }) => String(alerts.length)).toSorted()).toEqual(['1', '2'])
})

async function told (alerts: readonly Readonly<Record<string, string>>[]) {
  const alertmanager = await startAlertmanager({ configuration: JSON.stringify(alertmanagerConfig({ receivers: { page: {}, ticket: {}, notice: {} }, workingHours: false })) })
  onTestFinished(alertmanager.stop)
  const response = await fetch(`${alertmanager.url}/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(alerts.map(labels => ({ labels }))) })
  expect(response.status).toBe(200)
  return { url: alertmanager.url, known: await alertmanager.until(all => all.length === alerts.length && all.every(({ state }) => state !== 'unprocessed')) }
}
