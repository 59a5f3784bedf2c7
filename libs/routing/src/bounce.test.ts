import { REFUSALS } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { BOUNCES, bounceSays } from './bounce.ts'

for (const [reason, condition, type] of [
  ['domain-invalid', 'remote-server-not-found', 'cancel'],
  ['dns-absent', 'remote-server-not-found', 'cancel'],
  ['dns-failed', 'remote-server-timeout', 'wait'],
  ['unreachable', 'remote-server-timeout', 'wait'],
  ['host-unknown', 'remote-server-not-found', 'cancel'],
  ['certificate-refused', 'remote-server-timeout', 'wait'],
  ['authentication-refused', 'remote-server-timeout', 'wait'],
  ['dialback-invalid', 'internal-server-error', 'wait'],
  ['dialback-error', 'remote-server-timeout', 'wait'],
  ['policy-deny', 'not-allowed', 'cancel'],
  ['held', 'remote-server-timeout', 'wait'],
  ['draining', 'remote-server-timeout', 'wait'],
  ['queue-full', 'resource-constraint', 'wait'],
  ['too-large', 'policy-violation', 'modify'],
  ['inside-down', 'remote-server-timeout', 'wait'],
  ['unknown-domain', 'item-not-found', 'cancel'],
  ['internal-fault', 'internal-server-error', 'wait'],
] as const) it(`${reason} is ${condition} of type ${type}, as gateways.md 5.7 has it`, () => expect(BOUNCES[reason]).toMatchObject({ condition, type }))

it('says who made the error but where XEP-0478 wants it not to, and names no domain', () => {
  expect(REFUSALS.filter(reason => !BOUNCES[reason].by)).toEqual(['too-large'])
  for (const reason of REFUSALS) expect(bounceSays(reason, 'abcd1234')).toMatch(new RegExp(`^[a-zA-Z ]+ \\(${reason}, abcd1234\\)$`))
})

it('does not tell an inside server that is down from a peer that cannot be reached', () => {
  const { condition, type, says } = BOUNCES['inside-down']
  expect({ condition, type, says }).toEqual({ condition: BOUNCES.unreachable.condition, type: BOUNCES.unreachable.type, says: BOUNCES.unreachable.says })
})
