import type { GatewayPresence, Resource } from '@dialtone/contracts'
import { GATEWAY_SPEC } from '@dialtone/testkit'
import { expect, it } from 'vitest'
import { gatewayView } from './gateway-view.ts'
import { differingSecrets, type Known } from './shared-secrets.ts'

it('says which gateways cannot answer for each other, where one reference holds different secrets', () => {
  const differing = differingSecrets([known('a', { outside: '1', lan: '5' }), known('b', { outside: '2', lan: '5' }), known('c', { outside: '1' })])
  expect([...differing]).toEqual([
    ['a', [{ zone: 'outside', reference: 'file:/etc/dialtone/secret', gateways: ['b'] }]],
    ['b', [{ zone: 'outside', reference: 'file:/etc/dialtone/secret', gateways: ['a', 'c'] }]],
    ['c', [{ zone: 'outside', reference: 'file:/etc/dialtone/secret', gateways: ['b'] }]],
  ])
  const { wanted, presence } = known('b', { outside: '2' })
  expect(gatewayView('b', wanted, presence, differing.get('b'))).toMatchObject({ secretsDiffer: [{ zone: 'outside', gateways: ['a', 'c'] }], says: expect.stringMatching(/zone outside is another than that of a, c/) as string })
})

it('says nothing of gateways that share no reference, or of which one tells nothing', () => {
  expect(differingSecrets([known('a', { outside: '1' }), known('b', { outside: '2' }, 'file:/another')]).size).toBe(0)
  expect(differingSecrets([known('a', { outside: '1' }), { ...known('b', { outside: '2' }), presence: undefined }]).size).toBe(0)
})

function known (gateway: string, secrets: Record<string, string>, secret: `file:${string}` = 'file:/etc/dialtone/secret'): Known & { wanted: Resource<'Gateway'>, presence: GatewayPresence } {
  const at = '2026-03-01T12:00:00.000Z'
  return {
    gateway,
    wanted: { kind: 'Gateway', name: gateway, spec: { ...GATEWAY_SPEC, secret }, revision: 1 } as Resource<'Gateway'>,
    presence: {
      v: 1, gateway, version: '', startedAt: at, at, state: 'running', healthy: true, findings: [], revision: 1, listeners: [], streams: { inbound: 0, outbound: 0, negotiating: 0 },
      stanzas: { accepted: 0, outcomes: { 'acknowledged': 0, 'written': 0, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 }, queued: 0, onStream: 0, retried: 0 }, queued: { stanzas: 0, bytes: 0, oldestSeconds: 0 }, drains: [], secrets, certificates: {},
    },
  }
}
