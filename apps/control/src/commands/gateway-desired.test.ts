import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { Check } from 'typebox/value'
import { GATEWAY_WANTS, GatewaySpec } from '@dialtone/contracts/schemas'
import type { GatewaySpec as Spec, GatewayWant } from '@dialtone/contracts'
import { scopeOf, wantedOf, type Scope } from './gateway-desired.ts'

const SPEC: Spec = { desired: 'running', zones: [{ name: 'outside', side: 'external', listen: [] }, { name: 'lan', side: 'internal', listen: [] }], peers: { 'held.example': 'held', 'bad.example': 'blocked' } }
const peer = (name: string): Scope => ({ of: 'peer', peer: name })
const pair = (ours: string, name: string): Scope => ({ of: 'pair', pair: { ours, peer: name } })
const all: Scope = { of: 'gateway' }

describe('what a command wants', () => {
  for (const [what, want, scope, expected] of [
    ['all of it is drained', 'drain', all, { ...SPEC, desired: 'draining' }],
    ['a zone is stopped, and the other is not', 'stop', { of: 'zone', zone: 'lan' }, { ...SPEC, zones: [SPEC.zones?.[0], { name: 'lan', side: 'internal', listen: [], desired: 'stopped' }] }],
    ['a peer is held', 'hold', peer('a.example'), { ...SPEC, peers: { 'a.example': 'held', 'bad.example': 'blocked', 'held.example': 'held' } }],
    ['a peer that is held is released, and nothing is left of it', 'release', peer('held.example'), { ...SPEC, peers: { 'bad.example': 'blocked' } }],
    ['a pair is blocked, and its peer is not', 'block', pair('ours.example', 'a.example'), { ...SPEC, pairs: { 'ours.example a.example': 'blocked' } }],
    ['one pair of a peer that is blocked is carried', 'start', pair('ours.example', 'bad.example'), { ...SPEC, pairs: { 'ours.example bad.example': 'enabled' } }],
    ['a peer is stopped: it is refused', 'stop', peer('a.example'), { ...SPEC, peers: { ...SPEC.peers, 'a.example': 'blocked' } }],
  ] as [string, GatewayWant, Scope, Spec][]) {
    it(what, () => expect(wantedOf(SPEC, want, scope)).toEqual(expected))
  }

  for (const [what, want, scope] of [
    ['running already', 'start', all], ['a zone that runs unless it is said', 'start', { of: 'zone', zone: 'lan' }], ['a peer that is carried', 'release', peer('a.example')],
    ['a release of what is blocked: that is for another reason', 'release', peer('bad.example')], ['an unblock of what is held', 'unblock', peer('held.example')], ['a pair that is blocked with its peer', 'block', pair('ours.example', 'bad.example')],
  ] as [string, GatewayWant, Scope][]) {
    it(`is the same where it is so: ${what}`, () => expect(wantedOf(SPEC, want, scope)).toBe(SPEC))
  }

  it('keeps the deadline of a drain', () => {
    expect(wantedOf(SPEC, 'drain', all, 90)).toEqual({ ...SPEC, desired: 'draining', drainSeconds: 90 })
    expect(wantedOf(SPEC, 'start', all, 90)).toBe(SPEC)
  })

  it('is refused where it cannot be wanted, and says of what', () => {
    expect(() => wantedOf(SPEC, 'hold', all)).toThrow(expect.objectContaining({ status: 400, more: expect.objectContaining({ pointer: '/peer' }) }))
    expect(() => wantedOf(SPEC, 'drain', { of: 'zone', zone: 'dmz' })).toThrow(expect.objectContaining({ status: 404, message: expect.stringContaining('it has outside, lan') }))
    expect(() => scopeOf({ zone: 'lan', peer: 'a.example' })).toThrow(expect.objectContaining({ status: 400 }))
  })

  it('is a spec, and given again is the same, whatever was wanted before', () => {
    const domain = fc.constantFrom('a.example', 'bad.example', 'held.example', 'constructor')
    const scopes = fc.oneof(fc.constant(all), fc.constant<Scope>({ of: 'zone', zone: 'lan' }), domain.map(peer), fc.tuple(domain, domain).map(([ours, of]) => pair(ours, of)))
    const steps = fc.array(fc.tuple(fc.constantFrom(...GATEWAY_WANTS), scopes, fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined })), { maxLength: 8 })
    fc.assert(fc.property(steps, taken => {
      let spec = SPEC
      for (const [want, scope, deadline] of taken) {
        if ((scope.of === 'gateway' || scope.of === 'zone') && !['start', 'drain', 'stop'].includes(want)) continue
        spec = wantedOf(spec, want, scope, deadline)
        expect(wantedOf(spec, want, scope, deadline)).toBe(spec)
        expect(Check(GatewaySpec, spec)).toBe(true)
      }
    }))
  })
})
