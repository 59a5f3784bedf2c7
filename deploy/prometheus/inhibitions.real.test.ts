// What Alertmanager keeps quiet and what it tells together, by the inhibitions and routes as they are written.
import { startAlertmanager, type KnownAlert } from '@dialtone/testkit'
import { expect, it, onTestFinished, vi } from 'vitest'
import { alertmanagerConfig } from './alertmanager.ts'

it("a domain's fault explains the same fault of its pairs, but not that of a peer itself", { timeout: 60_000 }, async () => {
  const shared = { alertname: 'DialtoneCertificateBroken', domain: 'ours.example', cause: 'certificate.expired' }
  const alerts = [
    { ...shared, severity: 'page', side: 'ours' },
    { ...shared, severity: 'page', side: 'ours', peer: 'ours-too.example' },
    { ...shared, severity: 'ticket', side: 'peer', peer: 'its-own.example' },
    { ...shared, severity: 'notice', side: 'peer', peer: 'its-own.example' },
  ]
  await told(alerts, ({ labels, state }) => `${labels['peer'] ?? '-'} ${labels['severity']} ${state}`, ['- page active', 'its-own.example notice suppressed', 'its-own.example ticket active', 'ours-too.example page suppressed'])
})

it('an agent that is gone mutes no domain that the inside alone does not reach; all of them are one ticket', { timeout: 60_000 }, async () => {
  const unreached = { alertname: 'DialtonePeerDown', severity: 'ticket', cause: 'peer.unreachable', side: 'ours' }
  // What it does mute shows that it would mute.
  const url = await told([{ alertname: 'DialtoneAgentDown', severity: 'ticket', vantage: 'retired' }, { alertname: 'DialtoneUnknown', severity: 'notice', domain: 'c.example' }, { ...unreached, domain: 'a.example' }, { ...unreached, domain: 'b.example' }],
    ({ labels, state }) => `${labels['domain'] ?? labels['vantage']} ${state}`, ['a.example active', 'b.example active', 'c.example suppressed', 'retired active'])
  const groups = await (await fetch(`${url}/api/v2/alerts/groups`)).json() as { alerts: unknown[] }[]
  expect(groups.map(({ alerts }) => String(alerts.length)).toSorted()).toEqual(['1', '1', '2'])
})

/** Resolves with where it is asked, when it says of these alerts what is expected: it takes them one after the other, and a moment later what each of them mutes. */
async function told (alerts: readonly Readonly<Record<string, string>>[], say: (alert: KnownAlert) => string, expected: readonly string[]): Promise<string> {
  const alertmanager = await startAlertmanager({ configuration: JSON.stringify(alertmanagerConfig({ receivers: { page: {}, ticket: {}, notice: {} }, workingHours: false })) })
  onTestFinished(alertmanager.stop)
  const response = await fetch(`${alertmanager.url}/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(alerts.map(labels => ({ labels }))) })
  expect(response.status).toBe(200)
  await vi.waitFor(async () => expect((await alertmanager.alerts()).map(say).toSorted()).toEqual(expected), { timeout: 30_000, interval: 100 })
  return alertmanager.url
}
