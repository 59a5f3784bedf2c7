// What stopped an attempt, as senders and operators are told (gateways.md 5.4, 5.7).
import type { Failure } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { ofAnswer, ofFailure } from './failures.ts'

const heard = (failure: Failure, said = true) => ofFailure(failure, { at: 'negotiating', said })
const error = (condition: string) => heard({ at: 'stream', why: 'stream-error', condition })

for (const [condition, reason, go, temporary] of [
  ['host-unknown', 'host-unknown', 'next-once', false], ['host-gone', 'host-unknown', 'next-once', false], ['policy-violation', 'stream-failed', 'stop', false], ['conflict', 'stream-failed', 'stop', true],
  ['not-authorized', 'authentication-refused', 'next', false], ['see-other-host', 'stream-failed', 'next', false], ['system-shutdown', 'stream-failed', 'next', true], ['unsupported-version', 'stream-failed', 'next', false],
  ['made-up-by-the-peer', 'stream-failed', 'next', true],
] as const) it(`a stream error ${condition}`, () => { expect(error(condition)).toMatchObject({ go, failed: { reason, temporary, condition } }) })

for (const [condition, go, temporary] of [
  ['item-not-found', 'next', false], ['remote-connection-failed', 'next', true], ['remote-server-not-found', 'next', true], ['remote-server-timeout', 'next', true], ['policy-violation', 'stop', false],
  ['not-authorized', 'next', false], ['forbidden', 'next', false], ['not-acceptable', 'next', false], ['resource-constraint', 'again', true], ['made-up-by-the-peer', 'next', true],
] as const) it(`a dialback error ${condition}`, () => { expect(ofAnswer({ type: 'error', condition })).toMatchObject({ go, failed: { reason: 'dialback-error', temporary, condition } }) })

it('a dialback error not-authorized after EXTERNAL was refused', () => {
  expect(ofAnswer({ type: 'error', condition: 'not-authorized' }, { condition: 'not-authorized' })).toMatchObject({ go: 'stop', failed: { reason: 'authentication-refused' } })
})

it('an invalid key bounces at once', () => { expect(ofAnswer({ type: 'invalid' })).toMatchObject({ failed: { reason: 'dialback-invalid', temporary: false } }) })

for (const [name, failure, reason, blame] of [
  ['a guard', { at: 'guard', why: 'address-refused', detail: '10.0.0.1 is private' }, 'address-refused', undefined], ['nobody there', { at: 'tcp', why: 'refused' }, 'unreachable', 'address'],
  ['no family', { at: 'probe', why: 'no-address-family' }, 'unreachable', 'address'], ['no sockets left', { at: 'probe', why: 'no-resources' }, 'internal-fault', undefined],
  ['no TLS', { at: 'tls', why: 'not-tls' }, 'tls-failed', 'address'], ['an alert', { at: 'tls', why: 'alert-from-peer', alert: 'unrecognized_name' }, 'tls-failed', 'domain'], ['a refusal', { at: 'starttls', why: 'refused' }, 'tls-failed', 'domain'],
  ['a web server', { at: 'stream', why: 'not-xmpp', received: 10 }, 'stream-failed', 'address'], ['rubbish', { at: 'stream', why: 'broke-protocol', condition: 'not-well-formed' }, 'stream-failed', 'domain'],
] as [string, Failure, string, string | undefined][]) {
  it(name, () => {
    const lost = heard(failure)
    expect(lost.failed).toMatchObject({ reason, failure })
    expect(lost.blame).toBe(blame)
    expect(lost.failed.says).toMatch(/^[A-Z].*\.$/)
  })
}

it('an end while a dialback is waited for is a dialback error (XEP-0220 §2.1.1)', () => {
  for (const failure of [{ at: 'stream', why: 'closed', received: 100 }, { at: 'stream', why: 'stream-error', condition: 'connection-timeout' }] as const) {
    expect(ofFailure(failure, { at: 'dialback', said: true })).toMatchObject({ go: 'next', failed: { reason: 'dialback-error', temporary: true } })
  }
})

it('what we concluded ourselves is told from what the peer said', () => {
  expect(heard({ at: 'stream', why: 'stream-error', condition: 'unsupported-feature' }, false).failed.reason).toBe('authentication-refused')
  expect(heard({ at: 'stream', why: 'stream-error', condition: 'unsupported-feature' }).failed.reason).toBe('stream-failed')
})
