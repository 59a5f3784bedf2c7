import { expect, it } from 'vitest'
import { Check } from 'typebox/value'
import { GatewayAssignment } from '@dialtone/contracts/schemas'
import type { Kind, Specs } from '@dialtone/contracts'
import { configured } from '../configuration/test-support.ts'
import { gatewayAssignmentOf } from './gateway-assignment.ts'

const FLEET: readonly [Kind, string, Specs[Kind]?][] = [
  ['Domain', 'ours.example', { internal: [{ host: '10.0.0.5', port: 5269 }, { host: 'xmpp.ours.example', port: 5269 }], allowNets: ['10.1.0.0/16'], secret: 'file:/etc/dialtone/ours' }],
  ['Domain', 'second.example'],
  ['Peer', 'partner.example', { profile: 'webex', endpoints: [{ host: '192.168.7.1', port: 5270 }] }],
  ['Peer', 'quiet.example'],
  ['Policy', 'everywhere', { ours: '*', peer: '*', action: 'allow' }],
  ['Policy', 'here', { ours: '*', peer: 'quiet.example', action: 'hold', gateways: ['edge'] }],
  ['Policy', 'there', { ours: '*', peer: 'partner.example', action: 'deny', gateways: ['other'] }],
  ['Route', 'hop', { to: 'quiet.example', nextHops: [{ host: '192.0.2.7', port: 5269 }], gateways: ['edge', 'other'] }],
  ['Route', 'elsewhere', { to: '*.example', nextHops: [{ host: '192.0.2.8', port: 5269 }], gateways: ['other'] }],
  ['Gateway', 'edge', { desired: 'running', secret: 'file:/etc/dialtone/dialback' }],
  ['Gateway', 'other', { desired: 'stopped' }],
]

function of (name: string, ...fleet: typeof FLEET): GatewayAssignment {
  const resources = configured(...fleet)
  const gateway = resources.get('Gateway', name)
  if (gateway === undefined) throw new Error(`no gateway ${name}`)
  const assignment = gatewayAssignmentOf(gateway, resources, 7)
  expect(Check(GatewayAssignment, assignment)).toBe(true)
  return assignment
}

it('is the policies and routes that are for it, our servers, and every peer', () => {
  const { policies, routes, ...rest } = of('edge', ...FLEET)
  expect([Object.keys(policies), Object.keys(routes)]).toEqual([['everywhere', 'here'], ['hop']])
  expect(rest).toEqual({
    v: 1, revision: 7, gateway: 'edge', spec: { desired: 'running', secret: 'file:/etc/dialtone/dialback' },
    domains: {
      'ours.example': { internal: [{ host: '10.0.0.5', port: 5269 }, { host: 'xmpp.ours.example', port: 5269 }], allowNets: ['10.1.0.0/16', '10.0.0.5/32'] },
      'second.example': {},
    },
    peers: { 'partner.example': { endpoints: [{ host: '192.168.7.1', port: 5270 }], allowNets: ['192.168.7.1/32'] }, 'quiet.example': {} },
  })
  const other = of('other', ...FLEET)
  expect([Object.keys(other.policies), Object.keys(other.routes), other.spec]).toEqual([['everywhere', 'there'], ['elsewhere', 'hop'], { desired: 'stopped' }])
})

it('is the same in whatever order the configuration was written', () => {
  expect(of('edge', ...FLEET.toReversed())).toEqual(of('edge', ...FLEET))
})
