import { describe, expect, it } from 'vitest'
import { DEFAULT_JUDGE_CONFIG, STARTTLS_LADDER, type EndpointObservation, type Failure, type FeaturesSeen, type JudgeConfig, type Observation, type Stage } from '@dialtone/contracts'
import { CHECKS } from './catalogue.ts'
import { examine } from './examine.ts'

const FEATURES: FeaturesSeen = { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }
const HEADER = { id: 'i', from: 'partner.example', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true }
const TLS = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example', clientCertificateRequested: true }
const HOST = 'xmpp.partner.example'

describe('the stream', () => {
  for (const why of ['refused', 'timeout', 'unreachable', 'reset'] as const) finds('s2s.tcp', why, why, seen(failing('tcp', { at: 'tcp', why })))
  finds('s2s.tcp', 'not-tested', 'a family that this vantage lacks', seen(failing('tcp', { at: 'probe', why: 'no-address-family' })))
  finds('s2s.tcp', 'guarded', 'an address that the guard refuses', seen(failing('tcp', { at: 'guard', why: 'address-refused' })))
  finds('s2s.speaks-xmpp', 'not-xmpp', 'a web server', seen(failing('header', { at: 'stream', why: 'not-xmpp', received: 9 })))
  finds('s2s.speaks-xmpp', 'silent', 'silence', seen(failing('header', { at: 'stream', why: 'went-silent', received: 0 })))
  finds('s2s.speaks-xmpp', 'closed', 'a close', seen(failing('header', { at: 'stream', why: 'closed', received: 0 })))
  finds('s2s.speaks-xmpp', 'broke-protocol', 'malformed XML', seen({ ...failing('features', { at: 'stream', why: 'broke-protocol', condition: 'not-well-formed' }), header: HEADER }))
  finds('s2s.stream-header', 'right', 'a right header', seen({ header: HEADER }))
  finds('s2s.stream-header', 'wrong-namespace', 'jabber:client', seen({ header: { ...HEADER, contentNamespace: 'jabber:client' } }))
  finds('s2s.stream-header', 'wrong-version', 'version 7.3', seen({ header: { ...HEADER, version: '7.3' } }))
  finds('s2s.stream-header', 'other-host', 'the name of another domain', seen({ header: { ...HEADER, from: 'other.example' } }))
  finds('s2s.stream-header', 'not-asked', 'no header', seen({}))
  for (const [condition, outcome] of [['host-unknown', 'host-unknown'], ['system-shutdown', 'busy'], ['policy-violation', 'policy'], ['see-other-host', 'redirected'], ['bad-format', 'other']] as const)
    finds('s2s.stream-error', outcome, condition, seen(failing('features', { at: 'stream', why: 'stream-error', condition })))
})

describe('the profile', () => {
  const clear = { ...through('features'), header: HEADER, features: FEATURES }
  const encrypted = { ...through('features-again'), header: HEADER, features: FEATURES, tls: TLS, headerAgain: HEADER, featuresAgain: FEATURES }
  const unasked = { ...encrypted, tls: { ...TLS, clientCertificateRequested: false } }
  finds('s2s.profile-fit', 'no-encryption', 'clear text for Expressway', seen(clear), { profile: 'expressway' })
  finds('s2s.profile-fit', 'fits', 'clear text for Google Talk', seen(clear), { profile: 'googletalk' })
  finds('s2s.profile-fit', 'encrypts', 'encryption for Google Talk', seen(encrypted), { profile: 'googletalk' })
  finds('s2s.profile-fit', 'no-dialback', 'no dialback for WebEx', seen({ ...encrypted, headerAgain: { ...HEADER, dialbackNamespace: false } }), { profile: 'webex' })
  finds('s2s.profile-fit', 'no-certificate-request', 'no request for a certificate for Expressway', seen(unasked), { profile: 'expressway' })
})

describe('TLS and authentication', () => {
  for (const starttls of ['required', 'optional', 'absent'] as const) finds('s2s.starttls-offer', starttls, starttls, seen({ features: { ...FEATURES, starttls } }))
  finds('s2s.starttls-unoffered', 'granted', 'a <proceed/> that was not offered', seen({ starttlsUnoffered: { proceeds: true } }))
  finds('s2s.starttls-unoffered', 'refused', 'an end of the stream', seen({ starttlsUnoffered: { failure: { at: 'stream', why: 'closed', received: 9 } } }))
  finds('s2s.clear-authentication', 'sasl', 'EXTERNAL in clear', seen({ features: { ...FEATURES, mechanisms: ['EXTERNAL'] } }))
  finds('s2s.stray-bytes', 'some', 'bytes before the handshake', seen({ tls: TLS, strayBytes: 7 }))
  finds('s2s.tls-handshake', 'refused-by-peer', 'an alert', seen(failing('tls', { at: 'tls', why: 'alert-from-peer', alert: 'handshake_failure' })))
  finds('s2s.tls-handshake', 'not-tls', 'no TLS', seen(failing('tls', { at: 'tls', why: 'not-tls' })))
  finds('s2s.tls-handshake', 'starttls-refused', '<failure/>', seen(failing('starttls', { at: 'starttls', why: 'refused' })))
  finds('s2s.tls-version', 'old', 'TLS 1.0', seen({ tls: { ...TLS, protocol: 'TLSv1' } }))
  finds('s2s.client-certificate', 'not-requested', 'no request', seen({ tls: { ...TLS, clientCertificateRequested: false } }))
  finds('s2s.certificate-trust', 'incomplete', 'a chain without its intermediate', seen({ tls: TLS, chain: { sent: [], trust: 'incomplete', path: [], anchors: 'given' } }))
  finds('s2s.authentication-offer', 'both', 'EXTERNAL and dialback', seen({ tls: TLS, header: HEADER, headerAgain: HEADER, featuresAgain: { ...FEATURES, mechanisms: ['EXTERNAL'], dialback: true } }))
  finds('s2s.authentication-offer', 'legacy-dialback', 'a namespace alone', seen({ tls: TLS, headerAgain: HEADER, featuresAgain: FEATURES }))
  const nothing = { headerAgain: { ...HEADER, dialbackNamespace: false }, featuresAgain: FEATURES }
  const shown = seen({ ...nothing, tls: TLS })
  finds('s2s.authentication-offer', 'none', 'nothing, and no certificate is asked for', seen({ ...nothing, tls: { ...TLS, clientCertificateRequested: false } }))
  finds('s2s.authentication-offer', 'none', 'nothing for our certificate', { ...shown, asked: { ...shown.asked, clientCertificate: true } })
  finds('s2s.authentication-offer', 'withheld', 'nothing for those who show no certificate', shown)
})

describe('the claim question', () => {
  const asked = (claim: Observation['claim'][number]['answer'], control: Observation['claim'][number]['answer']): Observation => ({
    ...observation(), claim: [{ endpoint: 'e', role: 'claim', to: 'ours.example', answer: claim, ms: 1 }, { endpoint: 'e', role: 'control', to: 'x.invalid', answer: control, ms: 1 }],
  })
  finds('s2s.claim', 'claimed', 'served, and the control denied', asked('serves', 'denies'))
  finds('s2s.claim', 'inconclusive', 'both served', asked('serves', 'serves'))
  finds('s2s.claim', 'denied', 'denied', asked('denies', 'denies'))
  finds('s2s.claim', 'unanswered', 'no answer', asked('no-answer', 'no-answer'))
})

it('lets a profile change levels, and nothing else', () => {
  const clear = seen({ features: FEATURES })
  const level = (profile: JudgeConfig['profile']) => examine(clear, { ...DEFAULT_JUDGE_CONFIG, profile }).find(({ check }) => check === 's2s.starttls-offer')
  expect(level('standard')).toMatchObject({ outcome: 'absent', level: 'warning' })
  expect(level('googletalk')).toMatchObject({ outcome: 'absent', level: 'ok' })
})

it('has checks whose ids are unique and never a cause, and an outcome table for each', () => {
  expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length)
  for (const { id, outcomes } of CHECKS) {
    expect(id).toMatch(/^s2s\.[a-z-]+$/)
    expect(Object.keys(outcomes).length).toBeGreaterThan(1)
  }
})

function finds (check: string, outcome: string, name: string, observed: Observation, config: Partial<JudgeConfig> = {}): void {
  it(`${check} finds ${outcome}: ${name}`, () => {
    expect(examine(observed, { ...DEFAULT_JUDGE_CONFIG, ...config }).filter(finding => finding.check === check).map(finding => finding.outcome)).toContain(outcome)
  })
}

function through (stage: Stage): Partial<EndpointObservation> {
  const at = STARTTLS_LADDER.indexOf(stage)
  return { steps: STARTTLS_LADDER.map((each, index) => ({ stage: each, outcome: index <= at ? 'ok' : 'not-asked', atMs: 0, ms: 1 })) }
}

function failing (stage: Stage, failure: Failure): Partial<EndpointObservation> {
  const at = STARTTLS_LADDER.indexOf(stage)
  return { steps: STARTTLS_LADDER.map((each, index) => ({ stage: each, outcome: index < at ? 'ok' : index === at ? 'failed' : 'not-asked', atMs: 0, ms: 1, ...(index === at ? { failure } : {}) })) }
}

function seen (endpoint: Partial<EndpointObservation>): Observation {
  const steps = STARTTLS_LADDER.map(stage => ({ stage, outcome: 'ok' as const, atMs: 0, ms: 1 }))
  return { ...observation(), endpoints: [{ id: 'e', kind: 'starttls', source: 'srv', target: HOST, port: 5269, address: '192.0.2.1', family: 4, steps, received: 0, transcript: [], ...endpoint }] }
}

function observation (): Observation {
  return {
    v: 1, domain: 'partner.example', vantage: 'here', startedAt: '2026-01-01T00:00:00Z', ms: 1, dns: [], endpoints: [], claim: [], certificates: {}, messages: {}, leftOut: 0,
    asked: { from: 'dialtone.invalid', resolver: '192.0.2.53:53', resolverTrusted: false, controlName: '.', overrides: [], fallbackPort: 5269, families: [4, 6], depth: 'none', clientCertificate: false },
  }
}
