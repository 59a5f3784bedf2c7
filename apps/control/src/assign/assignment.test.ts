import { describe, expect, it } from 'vitest'
import { Check } from 'typebox/value'
import { Assignment } from '@dialtone/contracts/schemas'
import type { Kind, Specs } from '@dialtone/contracts'
import { configured } from '../configuration/test-support.ts'
import type { ResourceSet } from '../configuration/resource-set.ts'
import { assignmentOf } from './assignment.ts'

const probeDomain = (domain: string, more = {}) => ({ domain, secret: 'file:/etc/dialtone/probe', listen: [{ address: '0.0.0.0', port: 5269 }], ...more })
const FLEET: readonly [Kind, string, Specs[Kind]?][] = [
  ['Domain', 'ours.example', { expectedAddresses: ['203.0.113.10'], internal: [{ host: '10.0.0.5', port: 5269 }], secret: 'file:/etc/dialtone/ours', secretOf: 'ejabberd', schedule: 'slow' }],
  ['Domain', 'second.example'],
  ['Peer', 'partner.example', { profile: 'webex' }],
  ['Peer', 'quiet.example', { ours: ['second.example'], deep: 'none', endpoints: [{ host: '192.168.7.1', port: 5270 }], allowNets: ['10.9.0.0/16'] }],
  ['Schedule', 'slow', { lightEverySeconds: 300 }], ['Schedule', 'unused', {}],
  ['Vantage', 'in', { side: 'inside', probeDomain: probeDomain('probe-in.example') }],
  ['Vantage', 'out', { side: 'outside', probeDomain: probeDomain('probe-out.example', { publicAddresses: ['198.51.100.9'] }) }],
  ['Vantage', 'bare', { side: 'outside', desired: 'paused' }],
  ['ManagedServer', 'main', { vantage: 'in', domains: ['ours.example'], hooks: ['status'] }],
]
const fleet = configured(...FLEET)

function of (vantage: string, resources: ResourceSet = fleet) {
  const resource = resources.get('Vantage', vantage)
  if (resource === undefined) throw new Error(`no vantage ${vantage}`)
  const assignment = assignmentOf(resource, resources, 7)
  expect(Check(Assignment, assignment)).toBe(true)
  return { ...assignment, ids: assignment.targets.map(({ id }) => id), target: (id: string) => assignment.targets.find(target => target.id === id) }
}

describe('the jobs of a fleet', () => {
  it('inside: ours at home and through the hairpin, each peer for each of ours, the listeners of others', () => {
    expect(of('in').ids).toEqual([
      'listener:probe-out.example', 'own-internal:ours.example', 'own-published:ours.example', 'own-published:second.example',
      'peer:partner.example:ours.example', 'peer:partner.example:second.example', 'peer:quiet.example:second.example',
    ])
  })

  it('outside: ours as published, each peer once as the control, the listeners of others', () => {
    expect(of('out').ids).toEqual(['control:partner.example', 'control:quiet.example', 'listener:probe-in.example', 'own-published:ours.example', 'own-published:second.example'])
    expect(of('bare').ids).toEqual(['control:partner.example', 'control:quiet.example', 'listener:probe-in.example', 'listener:probe-out.example', 'own-published:ours.example', 'own-published:second.example'])
  })
})

it('is as deep as the peer lets us and as we can', () => {
  expect(of('in').target('peer:partner.example:ours.example')?.deep).toEqual({ depth: 'shared', secret: 'file:/etc/dialtone/ours', secretOf: 'ejabberd' })
  expect(of('in').target('peer:partner.example:second.example')?.deep).toEqual({ depth: 'probe', secret: 'file:/etc/dialtone/probe' })
  expect(of('in').target('peer:quiet.example:second.example')).not.toHaveProperty('deep')
  expect(of('out').target('control:partner.example')?.deep).toEqual({ depth: 'probe', secret: 'file:/etc/dialtone/probe' })
  expect(of('out').target('control:quiet.example')).not.toHaveProperty('deep')
  expect(of('bare').target('control:partner.example')).not.toHaveProperty('deep')
  // Never in our own name at our own server: what it answers itself proves nothing of it.
  expect(of('in').target('own-internal:ours.example')?.deep?.depth).toBe('probe')
  const capped = configured(...FLEET.filter(([, name]) => name !== 'partner.example'), ['Peer', 'partner.example', { deep: 'probe' }])
  expect(of('in', capped).target('peer:partner.example:ours.example')?.deep?.depth).toBe('probe')
})

it('lets an agent connect to what was configured although it is private, and to nothing else', () => {
  expect(of('in').target('own-internal:ours.example')).toMatchObject({ endpoints: [{ host: '10.0.0.5', port: 5269 }], allowNets: ['10.0.0.5/32'], expectedAddresses: [] })
  expect(of('in').target('own-published:ours.example')).toMatchObject({ allowNets: ['10.0.0.5/32'], expectedAddresses: ['203.0.113.10'] })
  expect(of('out').target('own-published:ours.example')).toMatchObject({ allowNets: [], expectedAddresses: ['203.0.113.10'] })
  expect(of('in').target('peer:quiet.example:second.example')).toMatchObject({ allowNets: ['10.9.0.0/16', '192.168.7.1/32'], endpoints: [{ host: '192.168.7.1', port: 5270 }] })
  expect(of('in').target('listener:probe-out.example')).toMatchObject({ allowNets: [], expectedAddresses: ['198.51.100.9'] })
})

it('carries what its targets need, and no more', () => {
  const { schedules, managed, spec, revision, target } = of('in')
  expect(schedules).toEqual({ default: {}, slow: { lightEverySeconds: 300 } })
  expect(Object.keys(managed)).toEqual(['main'])
  expect([spec.side, revision]).toEqual(['inside', 7])
  expect(of('out').managed).toEqual({})
  expect(target('own-published:ours.example')?.schedule).toBe('slow')
  expect(target('peer:partner.example:ours.example')).toMatchObject({ profile: 'webex', schedule: 'default' })
})

it('is the same in whatever order the configuration was written', () => {
  expect(of('in', configured(...FLEET.toReversed()))).toMatchObject(JSON.parse(JSON.stringify(of('in'))))
})
