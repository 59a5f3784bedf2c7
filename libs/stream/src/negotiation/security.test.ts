// Rows C2 and C3: what an attacker on the way gains by editing the clear part of a negotiation.
import { describe, expect, it } from 'vitest'
import type { FeaturesSeen } from '@dialtone/contracts'
import type { Event } from './event.ts'
import { advance, begin, type Plan } from './initiating.ts'

const PAIR = { from: 'ours.example', to: 'partner.example' }
const features = (given: Partial<FeaturesSeen>): Event => ({ on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [], ...given } })
const header: Event = { on: 'header', header: { id: 'i', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true } }

describe('C2: an offer of STARTTLS that was taken out on the way', () => {
  it('makes a stream that takes what is offered go on in clear', () => {
    expect(said({ kind: 'starttls', tls: 'offered', authenticate: ['dialback'], pair: PAIR }, header, features({ dialback: true }))).toContain('send-dialback-key')
  })
  it('changes nothing for one that insists', () => {
    expect(said({ kind: 'starttls', tls: 'insist', authenticate: ['dialback'], pair: PAIR }, header, features({ dialback: true }))).toEqual(['send-header', 'send-starttls'])
    expect(said({ kind: 'starttls', tls: 'insist', authenticate: ['dialback'], pair: PAIR }, header, features({ dialback: true }), { on: 'starttls-failure' })).toEqual(['send-header', 'send-starttls', 'close'])
  })
})

describe('C3: EXTERNAL offered in clear', () => {
  const plan: Plan = { kind: 'starttls', tls: 'never', authenticate: ['external'], pair: PAIR }
  const offered = features({ mechanisms: ['EXTERNAL'] })
  it('is taken, and the stream established without TLS, by one that does not ask whether it is encrypted', () => {
    expect(said({ ...plan, externalInClear: true }, header, offered, { on: 'sasl-success' }, header, features({}))).toEqual(['send-header', 'send-external', 'send-header'])
  })
  it('is not taken, and nothing is established', () => {
    expect(said(plan, header, offered)).toEqual(['send-header', 'send-footer', 'close'])
    expect(said({ ...plan, tls: 'insist' }, header, offered)).toEqual(['send-header', 'send-starttls'])
  })
})

function said (plan: Plan, ...events: Event[]): string[] {
  let [state, ...commands] = begin(plan)
  const all = commands.map(command => command.do)
  for (const event of events) {
    [state, ...commands] = advance(state, event)
    all.push(...commands.map(command => command.do))
  }
  return all
}
