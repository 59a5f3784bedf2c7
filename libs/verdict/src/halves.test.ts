import { DEFAULT_JUDGE_CONFIG, type DeepConnection, type Failure, type Observation, type Verdict } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { judge } from './index.ts'
import { observation } from './test-support/observation.ts'
import { TLS_SEEN, asking, callback, connection, features, inOurName, keyed, probed, shared, works, type Dialback } from './test-support/deep.ts'

const ACCEPTED = connection('external', { sasl: { success: true } })
const WITHHELD = connection('external')
const VALID = keyed({ answer: { type: 'valid' } })
const BLOCKED = keyed({ answer: { type: 'error', condition: 'remote-connection-failed' } })
const DENIED = keyed({ answer: { type: 'invalid' } })
const ALERT: Failure = { at: 'tls', why: 'alert-from-peer', alert: 'unknown_ca' }
const without = { featuresAgain: features({ dialback: false }), headerAgain: { contentNamespace: 'jabber:server', dialbackNamespace: false, id: 'i' } }
const judged = (...connections: DeepConnection[]): Verdict => judge([probed({ connections })], DEFAULT_JUDGE_CONFIG)

describe('EXTERNAL', () => {
  it('that is accepted carries us out', () => {
    expect(judged(ACCEPTED)).toMatchObject({ cause: 'healthy', state: 'up', pair: { ours: 'probe.example', peer: 'partner.example', out: { state: 'up', cause: 'healthy', side: 'nobody', sentence: 'accepts probe.example by EXTERNAL' } } })
    expect(judged(ACCEPTED, VALID).pair?.out.sentence).toBe('accepts probe.example by EXTERNAL and dialback')
  })
  it('that is accepted while the callback fails leaves out up, and brings in down', () => {
    expect(judged(ACCEPTED, BLOCKED)).toMatchObject({ cause: 'dialback.callback-blocked', state: 'degraded', side: 'path', pair: { out: { state: 'up' }, in: { state: 'down', cause: 'dialback.callback-blocked', side: 'path' } } })
  })
  it('that is accepted excuses a peer that wants certificates from dialback', () => {
    expect(judged(ACCEPTED, keyed({ answer: { type: 'error', condition: 'not-authorized' } }))).toMatchObject({ cause: 'healthy' })
    expect(judged(ACCEPTED, connection('dialback', {}, { at: 'features-again', failure: { at: 'stream', why: 'stream-error', condition: 'policy-violation' } }))).toMatchObject({ cause: 'healthy' })
  })
  it('that is accepted alone says that dialback was refused', () => {
    expect(judged(ACCEPTED, keyed({ answer: { type: 'error', condition: 'not-authorized' } })).sentence).toContain('not asked: dialback (the peer demands a certificate)')
    expect(judged(ACCEPTED, connection('dialback', {}, { at: 'features-again', failure: { at: 'stream', why: 'stream-error', condition: 'policy-violation' } })).sentence).toContain('dialback (the peer refuses who shows no certificate)')
    expect(judged(ACCEPTED, VALID).sentence).not.toContain('dialback (')
  })
  it('that was refused to a certificate that was shown does not ask for it again', () => {
    const remedy = judged(WITHHELD, BLOCKED).remedy.join(' ')
    expect(remedy).not.toContain('--key FILE')
    expect(remedy).toContain('The certificate must name probe.example')
    expect(judge([probed({ connections: [{ ...WITHHELD, ...without, certificate: false }] }, { asked: { clientCertificate: false } })], DEFAULT_JUDGE_CONFIG).remedy.join(' ')).toContain('--key FILE')
  })
  it.each<[string, DeepConnection]>([
    ['withheld', WITHHELD],
    ['refused at the handshake', connection('external', {}, { at: 'tls', failure: ALERT })],
    ['refused on the first read', connection('external', {}, { at: 'features-again', failure: { ...ALERT, late: true } })],
    ['refused by a stream error', connection('external', {}, { at: 'features-again', failure: { at: 'stream', why: 'stream-error', condition: 'not-authorized', text: "Your server's certificate has expired" } })],
    ['refused by SASL', connection('external', { sasl: { success: false, condition: 'not-authorized' } })],
  ])('that is %s degrades where dialback works, and is down where neither does', (_, refused) => {
    expect(judged(refused, VALID)).toMatchObject({ cause: 'auth.external-refused', state: 'degraded', pair: { out: { state: 'up' } } })
    expect(judged(refused, BLOCKED)).toMatchObject({ cause: 'auth.external-refused', state: 'down', pair: { out: { state: 'down', cause: 'auth.external-refused' } } })
    expect(judged({ ...refused, ...without })).toMatchObject({ cause: 'auth.external-refused', state: 'down' })
    expect(judged(refused)).toMatchObject({ cause: 'auth.external-refused', state: 'degraded' })
  })
  it('that is refused for its dates, its purpose or its chain is ours to mend, and otherwise the peer’s to explain', () => {
    expect(judged(connection('external', {}, { at: 'tls', failure: ALERT }), VALID)).toMatchObject({ side: 'ours', hop: 'our-server', actor: 'server-admin' })
    expect(judged(connection('external', { certificateUsages: ['1.3.6.1.5.5.7.3.1'] }), VALID)).toMatchObject({ side: 'ours', actor: 'server-admin' })
    expect(judged(connection('external', { certificateUsages: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'] }), VALID)).toMatchObject({ side: 'peer', actor: 'peer-admin' })
    expect(judged(WITHHELD, VALID)).toMatchObject({ side: 'peer', actor: 'peer-admin' })
  })
  it('that is refused while dialback is open is not known to stop anything', () => {
    expect(judged(WITHHELD, keyed({ waitedMs: 15_000, cutShort: true }))).toMatchObject({ state: 'unknown' })
  })
  it('that could not be tried for want of a certificate is unknown, and only where nothing else could carry it', () => {
    expect(judged({ ...WITHHELD, certificate: false })).toMatchObject({ cause: 'healthy' })
    expect(judged({ ...WITHHELD, ...without, certificate: false })).toMatchObject({ cause: 'auth.external-refused', state: 'unknown' })
    expect(judged({ ...WITHHELD, ...without, certificate: false }, BLOCKED)).toMatchObject({ cause: 'dialback.callback-blocked', state: 'down' })
  })
  it('that is not offered to who shows no certificate is no fault', () => expect(judged(VALID)).toMatchObject({ cause: 'healthy' }))
  it('that nobody requests is none either', () => {
    expect(judged(connection('external', { tls: { ...TLS_SEEN, clientCertificateRequested: false } }), VALID)).toMatchObject({ cause: 'healthy' })
  })
  it('that was not reached is untested', () => {
    const verdict = judged(connection('external', {}, { at: 'tcp', failure: { at: 'tcp', why: 'timeout' } }), VALID)
    expect(verdict).toMatchObject({ cause: 'healthy' })
    expect(verdict.untested.map(({ what }) => what)).toContain('EXTERNAL at xmpp.partner.example:5269, 192.0.2.1')
  })
  it('in the name of ours says how ours goes out, although dialback was the probe’s', () => {
    const o = probed({ connections: [inOurName(ACCEPTED), DENIED], callbacks: [asking('invalid')] }, { asked: { as: 'ours.example' } })
    const verdict = judge([o], DEFAULT_JUDGE_CONFIG)
    expect(verdict).toMatchObject({ cause: 'healthy', pair: { ours: 'ours.example', out: { state: 'up', sentence: 'accepts ours.example by EXTERNAL' }, in: { state: 'unknown' } } })
    expect(verdict.untested.map(({ what }) => what)).toContain('dialback in the name of ours.example')
  })
  it('proves what a look from outside took for a refusal', () => {
    const strict = { ...works('192.0.2.1'), featuresAgain: features({ dialback: false }), headerAgain: { contentNamespace: 'jabber:server', dialbackNamespace: false, id: 'i' } }
    const seen = { endpoints: [strict], asked: { clientCertificate: false } }
    expect(judge([probed({ connections: [WITHHELD] }, seen)], DEFAULT_JUDGE_CONFIG).cause).toBe('auth.external-refused')
    expect(judge([probed({ connections: [ACCEPTED] }, seen)], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'healthy' })
  })
})

describe('the way in', () => {
  const inOf = (o: Observation) => judge([o], DEFAULT_JUDGE_CONFIG).pair?.in
  it('is up when our ping is answered, by whatever', () => {
    for (const ping of [{ answer: 'result', ms: 30 }, { answer: 'error', condition: 'service-unavailable', ms: 30 }] as const) expect(inOf(probed({ connections: [{ ...VALID, ping }] }))).toMatchObject({ state: 'up', cause: 'healthy' })
  })
  it('is up when the peer authenticated itself to us, and tested then', () => {
    const verdict = judge([probed({ connections: [VALID], callbacks: [callback({ authenticated: 'dialback' })] })], DEFAULT_JUDGE_CONFIG)
    expect(verdict.pair?.in).toMatchObject({ state: 'up', sentence: 'it authenticates itself to us by dialback' })
    expect(verdict.untested.map(({ what }) => what)).not.toContain('the inbound direction')
  })
  it('is unknown without an answer, and says what it would take', () => {
    expect(inOf(probed({ connections: [{ ...VALID, ping: { answer: 'none', ms: 10_000 } }] }))).toMatchObject({ state: 'unknown', cause: 'unknown', sentence: expect.stringContaining('a ping that is answered') as unknown })
  })
  it('is unknown at depth shared, whatever works', () => {
    expect(inOf(shared([VALID, ACCEPTED]))).toMatchObject({ state: 'unknown', sentence: expect.stringContaining('a check of our own domain from outside') as unknown })
  })
  it('is down when the callback is misdirected or aborted', () => {
    const misdirected: Partial<Dialback> = { answer: { type: 'error', condition: 'remote-server-not-found', text: 'DNS lookup failed: enoname' } }
    expect(inOf(probed({ connections: [keyed(misdirected)] }))).toMatchObject({ state: 'down', cause: 'dialback.callback-misdirected' })
    expect(inOf(probed({ connections: [DENIED], callbacks: [callback({ failure: ALERT })] }))).toMatchObject({ state: 'down', cause: 'dialback.callback-aborted' })
  })
})

it('says nothing about a pair that a light check did not ask about', () => {
  expect(judge([observation({ endpoints: [works('192.0.2.1')], asked: { as: 'ours.example' } })], DEFAULT_JUDGE_CONFIG).pair).toBeUndefined()
})

it('tells how the peer itself fails as the way out', () => {
  const refused: Failure = { at: 'tcp', why: 'refused' }
  const dead = { ...works('192.0.2.1'), steps: works('192.0.2.1').steps.map((step, at) => at === 0 ? { ...step, outcome: 'failed' as const, failure: refused } : { ...step, outcome: 'not-asked' as const }) }
  expect(judge([probed({ connections: [connection('dialback', {}, { at: 'tcp', failure: refused })] }, { endpoints: [dead] })], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'peer.unreachable', pair: { out: { state: 'down', cause: 'peer.unreachable', side: 'peer' }, in: { state: 'unknown' } } })
})

it('tells a claim as the way out, even where every stage passed', () => {
  const claim: Observation['claim'] = [{ endpoint: '192.0.2.1', role: 'claim', to: 'probe.example', answer: 'serves', ms: 1 }, { endpoint: '192.0.2.1', role: 'control', to: 'x.invalid', answer: 'denies', ms: 1 }]
  expect(judge([probed({ connections: [VALID] }, { claim })], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'dialback.domain-claimed', pair: { out: { state: 'down', cause: 'dialback.domain-claimed' } } })
})
