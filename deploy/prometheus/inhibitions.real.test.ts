// What Alertmanager keeps quiet of alerts about pairs, by the inhibitions as they are written.
import { startAlertmanager } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { alertmanagerConfig } from './alertmanager.ts'

it("a domain's fault explains the same fault of its pairs, but not that of a peer itself", { timeout: 60_000 }, async () => {
  const alertmanager = await startAlertmanager({ configuration: JSON.stringify(alertmanagerConfig({ receivers: { page: {}, ticket: {}, notice: {} }, workingHours: false })) })
  onTestFinished(alertmanager.stop)
  const shared = { alertname: 'DialtoneCertificateBroken', domain: 'ours.example', cause: 'certificate.expired' }
  const alerts = [
    { ...shared, severity: 'page', side: 'ours' },
    { ...shared, severity: 'page', side: 'ours', peer: 'ours-too.example' },
    { ...shared, severity: 'ticket', side: 'peer', peer: 'its-own.example' },
    { ...shared, severity: 'notice', side: 'peer', peer: 'its-own.example' },
  ]
  const response = await fetch(`${alertmanager.url}/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(alerts.map(labels => ({ labels }))) })
  expect(response.status).toBe(200)
  const known = await alertmanager.until(all => all.length === alerts.length && all.every(({ state }) => state !== 'unprocessed'))
  expect(known.map(({ labels, state }) => `${labels['peer'] ?? '-'} ${labels['severity']} ${state}`).toSorted()).toEqual(['- page active', 'its-own.example notice suppressed', 'its-own.example ticket active', 'ours-too.example page suppressed'])
})
