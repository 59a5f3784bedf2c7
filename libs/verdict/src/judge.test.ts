import { CAUSES, DEFAULT_JUDGE_CONFIG, type EndpointObservation, type Failure, type Observation } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { CAUSE_ROWS, ORDER, judge } from './index.ts'

const refused: Failure = { at: 'tcp', why: 'refused' }
const silent: Failure = { at: 'stream', why: 'went-silent', received: 0 }
const unknownHost: Failure = { at: 'stream', why: 'stream-error', condition: 'host-unknown' }
const causeOf = (...endpoints: EndpointObservation[]) => judge([seen(endpoints)], DEFAULT_JUDGE_CONFIG).cause

it('has a complete row for every cause', () => expect(Object.keys(CAUSE_ROWS).toSorted()).toEqual([...CAUSES].toSorted()))
it('names no cause twice in the order of judging', () => expect(new Set(ORDER).size).toBe(ORDER.length))
it('calls a refused port unreachable', () => expect(causeOf(endpoint('192.0.2.1', refused))).toBe('peer.unreachable'))
it('calls a server without the domain the wrong host', () => expect(causeOf(endpoint('192.0.2.1', unknownHost))).toBe('service.wrong-host'))
it('names the fault that the order puts first, whichever endpoint has it', () => {
  expect(causeOf(endpoint('192.0.2.1', silent), endpoint('192.0.2.2', refused))).toBe('peer.unreachable')
  expect(causeOf(endpoint('192.0.2.2', refused), endpoint('192.0.2.1', silent))).toBe('peer.unreachable')
})
it('calls one dead endpoint beside a working one degraded', () => expect(causeOf(endpoint('192.0.2.1'), endpoint('192.0.2.2', refused))).toBe('degraded.endpoint-dead'))
it('does not call an address family that it lacks dead', () => {
  expect(causeOf(endpoint('192.0.2.1'), endpoint('192.0.2.2', { at: 'probe', why: 'no-address-family' }))).toBe('degraded.weak-authentication')
})
it('says what to do about an address that may not be connected to', () => {
  const guarded = endpoint('10.0.0.1', { at: 'guard', why: 'address-refused', detail: '10.0.0.1 is private (10.0.0.0/8)' })
  const verdict = judge([seen([guarded])], DEFAULT_JUDGE_CONFIG)
  expect(verdict).toMatchObject({ cause: 'unknown', state: 'unknown', evidence: [{ endpoint: '10.0.0.1', text: 'not connected to: 10.0.0.1 is private (10.0.0.0/8)' }] })
  expect(verdict.remedy[0]).toContain('--allow-net')
})
it('does not accuse anyone when the server answers for every name', () => {
  const o = seen([endpoint('192.0.2.1')])
  expect(judge([{ ...o, claim: [claim('claim', 'serves'), claim('control', 'serves')] }], DEFAULT_JUDGE_CONFIG).cause).toBe('degraded.weak-authentication')
  expect(judge([{ ...o, claim: [claim('claim', 'serves'), claim('control', 'denies')] }], DEFAULT_JUDGE_CONFIG).cause).toBe('dialback.domain-claimed')
})
it('counts a vantage that fails as a partition, but not one whose resolver is broken', () => {
  const works = seen([endpoint('192.0.2.1')])
  const fails = { ...seen([endpoint('192.0.2.1', refused)]), vantage: 'there' }
  const control = { name: '.', type: 'SOA', purpose: 'control', resolver: '192.0.2.53:53', outcome: 'timeout', transport: 'udp', atMs: 0, ms: 1 } as const
  const deaf: Observation = { ...seen([]), vantage: 'there', dns: [{ ...control, authenticated: false, records: [], aliases: [], extended: [] }] }
  expect(judge([works, fails], DEFAULT_JUDGE_CONFIG).cause).toBe('peer.partition')
  expect(judge([fails, works], DEFAULT_JUDGE_CONFIG).cause).toBe('peer.partition')
  expect(judge([works, deaf], DEFAULT_JUDGE_CONFIG).cause).not.toBe('peer.partition')
  expect(judge([deaf], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'dns.resolver-unavailable', state: 'unknown', side: 'observer' })
})

function claim (role: 'claim' | 'control', answer: 'serves' | 'denies'): Observation['claim'][number] {
  return { endpoint: '192.0.2.1', role, to: 'ours.example', answer, ms: 1 }
}

function endpoint (address: string, failure?: Failure): EndpointObservation {
  const step = { stage: 'header' as const, atMs: 0, ms: 1 }
  return {
    id: address, kind: 'starttls', source: 'srv', target: 'xmpp.partner.example', port: 5269, address, family: 4, received: 0, transcript: [],
    steps: [failure === undefined ? { ...step, outcome: 'ok' } : { ...step, outcome: 'failed', failure }],
  }
}

function seen (endpoints: EndpointObservation[]): Observation {
  return {
    v: 1, domain: 'partner.example', vantage: 'here', startedAt: '2026-01-01T00:00:00Z', ms: 1, dns: [], endpoints, claim: [], certificates: {}, messages: {}, leftOut: 0,
    asked: { from: 'dialtone.invalid', resolver: '192.0.2.53:53', resolverTrusted: false, controlName: '.', overrides: [], fallbackPort: 5269, families: [4, 6], depth: 'none', clientCertificate: false },
  }
}
