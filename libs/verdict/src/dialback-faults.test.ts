import { DEFAULT_JUDGE_CONFIG, type Callback, type Failure, type JudgeConfig, type Observation, type Verdict } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { judge } from './index.ts'
import { endpoint } from './test-support/observation.ts'
import { asking, callback, connection, inOurName, keyed, listener, own, probed, shared, works, type Dialback } from './test-support/deep.ts'

const VALID = { answer: { type: 'valid' } } as const satisfies Partial<Dialback>
const INVALID = { answer: { type: 'invalid' } } as const satisfies Partial<Dialback>
const SILENT = { waitedMs: 95_000 }
const QUIET: Failure = { at: 'stream', why: 'went-silent', received: 900 }
const REFUSED: Failure = { at: 'tcp', why: 'refused' }
const UNTRUSTED: Failure = { at: 'tls', why: 'alert-from-peer', alert: 'unknown_ca' }
const error = (condition?: string, text?: string): Partial<Dialback> => ({ answer: { type: 'error', ...(condition === undefined ? {} : { condition }), ...(text === undefined ? {} : { text }) } })
const streamError = (condition: string, text?: string): Failure => ({ at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }) })
const POLICY = error('forbidden', 'Access denied by service policy')
const UNREACHED = error('remote-server-not-found', 'Connection failed: timeout')
const LOST = error('remote-server-not-found', 'DNS lookup failed: enoname')
const judged = (o: Observation, config: Partial<JudgeConfig> = {}): Verdict => judge([o], { ...DEFAULT_JUDGE_CONFIG, ...config })
/** At depth probe: what came of the key, and what reached the listener. */
const heard = (dialback: Partial<Dialback>, callbacks: Callback[] = [], stop?: Failure): Observation => probed({ connections: [keyed(dialback, stop)], callbacks })
const astray = (published: 'elsewhere' | 'nowhere' | 'unknown', dialback: Partial<Dialback>): Observation => probed({ listener: listener({ published, leadsTo: published === 'elsewhere' ? ['192.0.2.77:5269'] : [] }), connections: [keyed(dialback)] })
const unheard = (dialback: Partial<Dialback>, ...others: Parameters<typeof shared>[0]): Observation => shared([keyed(dialback), ...others])
const rightful = own({ type: 'valid' })

describe('dialback that works', () => {
  it.each<[string, Observation]>([
    ['after a callback', heard(VALID, [asking('valid')])],
    ['without one', heard(VALID)],
    ['in the name of ours', unheard(VALID, rightful)],
  ])('%s is healthy, and no longer untested', (_, o) => {
    const verdict = judged(o)
    expect(verdict).toMatchObject({ cause: 'healthy', state: 'up', pair: { out: { state: 'up', cause: 'healthy' } } })
    expect(verdict.untested.map(({ what }) => what)).not.toContain('dialback')
    expect(verdict.sentence).not.toContain('dialback')
  })
})

describe('at depth probe', () => {
  it.each<[string, Verdict['cause'], Observation]>([
    ['a callback that was answered invalid is denied', 'dialback.denied', heard(INVALID, [asking('invalid')])],
    ['forbidden after such a callback is denied too', 'dialback.denied', heard(error('forbidden'), [asking('invalid')])],
    ['invalid, and nobody asked us: the peer verified with itself', 'dialback.domain-claimed', heard(INVALID)],
    ['invalid, and it came only to authenticate itself: the same', 'dialback.domain-claimed', heard(INVALID, [callback({ authenticated: 'external' })])],
    ['invalid, although it was told valid, contradicts the authoritative answer', 'peer.protocol-error', heard(INVALID, [asking('valid')])],
    ['invalid, after a question about another stream', 'peer.protocol-error', heard(INVALID, [callback({ strangeId: 'x' })])],
    ['invalid, after a callback that it broke off', 'dialback.callback-aborted', heard(INVALID, [callback({ failure: UNTRUSTED })])],
    ['a callback that our listener refused is our own policy', 'policy.refused-by-us', heard(INVALID, [asking('policy-violation')])],
    ['a callback to a listener without the domain is misdirected', 'dialback.callback-misdirected', heard(INVALID, [asking('item-not-found')])],
    ['silence, and nothing reached the listener: blocked', 'dialback.callback-blocked', heard(SILENT, [], QUIET)],
    ['Prosody’s end after 90 s is silence', 'dialback.callback-blocked', heard({ waitedMs: 90_000 }, [], streamError('connection-timeout'))],
    ['silence after a callback that ended before db:verify', 'dialback.callback-aborted', heard(SILENT, [callback({ failure: UNTRUSTED })], QUIET)],
    ['silence after a callback that was answered valid', 'dialback.timeout', heard(SILENT, [asking('valid')], QUIET)],
    ['silence after a callback that was answered invalid', 'dialback.denied', heard(SILENT, [asking('invalid')], QUIET)],
    ['silence from a peer that connected and asked nothing', 'unknown', heard(SILENT, [callback({ authenticated: 'external' })], QUIET)],
    ['a close at once proves no firewall', 'unknown', heard({}, [], { at: 'stream', why: 'closed', received: 900 })],
    ['a close after a callback that was answered valid', 'dialback.timeout', heard({}, [asking('valid')], { at: 'stream', why: 'closed', received: 900 })],
    ['ejabberd’s failed connection is blocked', 'dialback.callback-blocked', heard(UNREACHED)],
    ['remote-connection-failed as stream error is blocked', 'dialback.callback-blocked', heard({}, [], streamError('remote-connection-failed'))],
    ['an unreachable server that was reached and told valid is a contradiction', 'peer.protocol-error', heard(UNREACHED, [asking('valid')])],
    ['an unreachable server whose connection was broken off is what the peer says', 'dialback.callback-blocked', heard(UNREACHED, [callback({ failure: UNTRUSTED })])],
    ['a refusal after a callback that was broken off is a refusal', 'peer.busy', heard(POLICY, [callback({ failure: UNTRUSTED })])],
    ['a stream error that says nothing known, after one that was broken off', 'dialback.callback-aborted', heard({}, [callback({ failure: UNTRUSTED })], streamError('undefined-condition'))],
    ['no reason, after one that was broken off', 'dialback.callback-aborted', heard(error('remote-server-timeout'), [callback({ failure: UNTRUSTED })])],
    ['silence, and a connection that is open still', 'unknown', heard(SILENT, [callback()], QUIET)],
    ['invalid, and a connection that is open still', 'unknown', heard(INVALID, [callback()])],
    ['an unreachable server that holds a connection open is what the peer says', 'dialback.callback-blocked', heard(UNREACHED, [callback()])],
    ['a time-out of the peer that nobody waited for proves no firewall', 'unknown', heard({ waitedMs: 1 }, [], streamError('connection-timeout'))],
    ['no address of ours is misdirected', 'dialback.callback-misdirected', heard(LOST)],
    ['no reason, and nothing reached the listener: blocked', 'dialback.callback-blocked', heard(error('remote-server-timeout'))],
    ['another host', 'service.wrong-host', heard(error('item-not-found'))],
    ['another host in ejabberd’s words', 'service.wrong-host', heard(error('not-allowed', 'Host unknown'))],
    ['another host as stream error', 'service.wrong-host', heard({}, [], streamError('host-unknown'))],
    ['not now', 'peer.busy', heard(error('resource-constraint'))],
    ['encryption, where none is offered', 'tls.not-offered', probed({ connections: [inClear('absent')] })],
    ['encryption, where it is offered and not used', 'tls.required-by-peer', probed({ connections: [inClear('optional')] })],
    ['a certificate in place of dialback', 'auth.external-refused', heard(error('not-authorized'))],
    ['an answer for another pair', 'peer.protocol-error', heard({}, [], { at: 'stream', why: 'broke-protocol', condition: 'invalid-from', detail: 'a dialback result for a pair that was not asked for' })],
    ['an error without a condition', 'peer.protocol-error', heard(error())],
    ['an error that nobody knows', 'unknown', heard(error('made-up'))],
    ['our name taken for its own', 'dialback.domain-claimed', heard({}, [], streamError('undefined-condition', 'Attempt to connect from a host we serve'))],
  ])('%s', (_, cause, o) => expect(judged(o).cause).toBe(cause))

  it.each(['elsewhere', 'nowhere'] as const)('our own records that lead %s are said before the peer is blamed', published => {
    for (const dialback of [INVALID, error('forbidden'), SILENT, UNREACHED, error('remote-server-timeout'), LOST]) {
      const verdict = judged(astray(published, dialback))
      expect(verdict).toMatchObject({ cause: 'dialback.callback-misdirected', state: 'down', side: 'ours', hop: 'public-dns', actor: 'dns-admin' })
      expect(verdict.sentence).toContain('our own records do not lead the callback to our listener')
      expect(verdict.remedy.join(' ')).toContain('_xmpp-server._tcp.probe.example')
    }
  })
  it('accuses nobody where it is not known where our records lead', () => {
    for (const dialback of [INVALID, SILENT]) expect(judged(astray('unknown', dialback))).toMatchObject({ cause: 'unknown', state: 'unknown' })
  })
  it('blames the view of the peer where our records are right and it was led elsewhere', () => {
    expect(judged(heard(LOST))).toMatchObject({ cause: 'dialback.callback-misdirected', side: 'peer', actor: 'peer-admin' })
  })
  it('says of a peer that gave up early that it is likely alone', () => {
    for (const [waitedMs, confidence] of [[3000, 'likely'], [90_000, 'single-vantage']] as const) expect(judged(heard({ waitedMs }, [], streamError('connection-timeout')))).toMatchObject({ cause: 'dialback.callback-blocked', confidence })
  })
  it('says of a connection from elsewhere, or against the word of the peer, that it is likely alone', () => {
    const confidenceOf = (dialback: Partial<Dialback>, source: string) => judged(heard(dialback, [callback({ source, failure: UNTRUSTED })], QUIET))
    expect(confidenceOf(SILENT, '192.0.2.1:40000')).toMatchObject({ cause: 'dialback.callback-aborted', confidence: 'single-vantage' })
    expect(confidenceOf(SILENT, '203.0.113.9:40000')).toMatchObject({ cause: 'dialback.callback-aborted', confidence: 'likely' })
    expect(confidenceOf(UNREACHED, '192.0.2.1:40000')).toMatchObject({ cause: 'dialback.callback-blocked', confidence: 'likely', sentence: expect.stringContaining('a connection from 192.0.2.1:40000 ended before db:verify') as unknown })
  })
  it('says of an open connection what is known of it', () => {
    expect(judged(heard(SILENT, [callback()], QUIET)).sentence).toContain('the peer connected to us, and asked nothing about our key')
    expect(judged(heard(INVALID, [callback({ authenticated: 'external' })])).cause).toBe('dialback.domain-claimed')
  })
  it('believes callbacks that came although the records say otherwise', () => {
    expect(judged(probed({ listener: listener({ published: 'elsewhere' }), connections: [keyed(INVALID)], callbacks: [asking('invalid')] })).cause).toBe('dialback.denied')
  })
  describe('an invalid without a callback, and the claim question', () => {
    const claimed = (claim: 'serves' | 'denies' | 'other-error', control: 'serves' | 'denies', dialback: Partial<Dialback> = INVALID): Observation => ({
      ...heard(dialback), asked: { ...heard({}).asked, as: 'probe.example' },
      claim: [{ endpoint: '192.0.2.1', role: 'claim', to: 'probe.example', answer: claim, ms: 1 }, { endpoint: '192.0.2.1', role: 'control', to: 'x.invalid', answer: control, ms: 1 }],
    })
    it('that was answered as by our own server proves the claim', () => {
      expect(judged(claimed('serves', 'denies'))).toMatchObject({ cause: 'dialback.domain-claimed', state: 'down', confidence: 'single-vantage' })
    })
    it('that was denied speaks against it: another server was asked', () => {
      const verdict = judged(claimed('denies', 'denies'))
      expect(verdict).toMatchObject({ cause: 'dialback.callback-misdirected', state: 'down', side: 'peer', actor: 'peer-admin', confidence: 'likely' })
      expect(verdict.sentence).toContain('it asked another server than our records name, as it seems')
      expect(judged(claimed('denies', 'denies', error('forbidden'))).cause).toBe('peer.busy')
    })
    it('that tells nothing, or that nobody asked, leaves the claim likely', () => {
      for (const o of [claimed('serves', 'serves'), claimed('other-error', 'denies')]) expect(judged(o)).toMatchObject({ cause: 'dialback.domain-claimed', confidence: 'likely' })
      const verdict = judged(heard(INVALID))
      expect(verdict).toMatchObject({ cause: 'dialback.domain-claimed', confidence: 'likely', sentence: expect.stringContaining('as it seems') as unknown })
      expect(verdict.remedy.join(' ')).toContain('dialtone check partner.example --as probe.example')
    })
  })

  describe('connections that never said whose they are', () => {
    const strayed = (dialback: Partial<Dialback>, failure: Failure | undefined, sources = ['203.0.113.9:40000'], stop?: Failure): Observation =>
      probed({ connections: [keyed(dialback, stop)], strayConnections: { count: sources.length, sources, ...(failure === undefined ? {} : { failure }) } })
    it.each<[string, Verdict['cause'], Observation]>([
      ['beside silence leave the firewall likely', 'dialback.callback-blocked', strayed(SILENT, undefined, undefined, QUIET)],
      ['that were closed in the handshake are no refusal of it', 'dialback.callback-blocked', strayed(SILENT, { at: 'tls', why: 'closed' }, undefined, QUIET)],
      ['from the peer itself leave it open', 'unknown', strayed(SILENT, undefined, ['203.0.113.9:40000', '192.0.2.1:40000'], QUIET)],
      ['that failed in TLS may be the callback', 'dialback.callback-aborted', strayed(SILENT, UNTRUSTED, undefined, QUIET)],
      ['and an invalid key: the same', 'dialback.callback-aborted', strayed(INVALID, UNTRUSTED)],
      ['do not gainsay the peer', 'dialback.callback-blocked', strayed(UNREACHED, UNTRUSTED)],
      ['without TLS leave a claim likely', 'dialback.domain-claimed', strayed(INVALID, undefined)],
    ])('%s, and are named', (_, cause, o) => {
      const verdict = judged(o)
      expect(verdict).toMatchObject({ cause, confidence: 'likely' })
      expect(verdict.sentence).not.toContain('no connection reached')
      expect(verdict.sentence).toContain('203.0.113.9:40000')
    })
    it('change nothing where the peer was led astray by its own resolver, or accepted us', () => {
      expect(judged(strayed(LOST, UNTRUSTED))).toMatchObject({ cause: 'dialback.callback-misdirected', confidence: 'single-vantage' })
      expect(judged(strayed(VALID, UNTRUSTED)).cause).toBe('healthy')
    })
  })

  it('makes nothing of callbacks that are missing where more came than were kept', () => {
    for (const connections of [[keyed(INVALID)], [keyed(SILENT, QUIET)]]) expect(judged(probed({ connections, callbacksLeftOut: 3 }))).toMatchObject({ cause: 'unknown', state: 'unknown' })
  })
  it('reads what Openfire says when it wants no dialback, or none in clear', () => {
    expect(judged(heard({}, [], streamError('policy-violation', 'Dialback has been disabled by configuration.')))).toMatchObject({ cause: 'auth.external-refused', state: 'unknown' })
    expect(judged(heard({}, [], streamError('policy-violation', 'Remote domain is not allowed to establish a connection to this server.')))).toMatchObject({ cause: 'peer.busy' })
  })
  it('puts the alert about our certificate into the sentence', () => {
    expect(judged(heard(SILENT, [callback({ failure: UNTRUSTED })], QUIET)).sentence).toContain('TLS alert-from-peer unknown_ca')
  })
  it('calls a provider that was named rightful, and proves nothing by it', () => {
    expect(judged(heard(INVALID), { hostedBy: ['partner.example'] })).toMatchObject({ cause: 'unknown', sentence: expect.stringContaining('hosts probe.example, as it should') as unknown })
  })
  it('says whose each fault is', () => {
    expect(judged(heard(INVALID, [asking('invalid')]))).toMatchObject({ state: 'down', side: 'ours', hop: 'our-server', actor: 'server-admin' })
    expect(judged(heard(SILENT, [], QUIET))).toMatchObject({ state: 'down', side: 'path', hop: 'firewall', actor: 'firewall-admin' })
    expect(judged(heard(INVALID))).toMatchObject({ state: 'down', side: 'peer', hop: 'peer-server', actor: 'peer-admin' })
    expect(judged(heard(SILENT, [callback({ failure: UNTRUSTED })], QUIET))).toMatchObject({ state: 'down', side: 'ours', actor: 'server-admin' })
  })
})

describe('--quick', () => {
  const cut = heard({ waitedMs: 15_000, cutShort: true })
  it('that was stopped is unknown, and says so', () => {
    const verdict = judged({ ...cut, deep: { ...cut.deep!, quick: true } })
    expect(verdict).toMatchObject({ cause: 'unknown', state: 'unknown' })
    expect(verdict.sentence).toContain('no answer within 15 s; asked to stop there (--quick)')
  })
  it('is not named where another endpoint had been silent', () => {
    const verdict = judged(probed({ connections: [keyed({ waitedMs: 15_000, cutShort: true })] }))
    expect(verdict.sentence).toContain('no answer within 15 s; not waited for longer, because another endpoint had been silent')
    expect([verdict.sentence, ...verdict.remedy].join(' ')).not.toContain('--quick')
    const beside = judged(probed({ connections: [connection('external', { sasl: { success: true } }), keyed({ waitedMs: 15_000, cutShort: true })] }))
    expect(beside.untested).toContainEqual({ what: 'the end of the dialback', needs: 'a check of that endpoint alone' })
  })
  it('beside EXTERNAL that was accepted is no fault, and is listed', () => {
    const verdict = judged(probed({ quick: true, connections: [connection('external', { sasl: { success: true } }), keyed({ waitedMs: 15_000, cutShort: true })] }))
    expect(verdict).toMatchObject({ cause: 'healthy', state: 'up' })
    expect(verdict.untested).toContainEqual({ what: 'the end of the dialback', needs: 'a check without --quick' })
  })
})

describe('a probe’s own name, where another was named', () => {
  const asked = (dialback: Partial<Dialback>, callbacks: Callback[] = [], stop?: Failure): Observation => ({ ...heard(dialback, callbacks, stop), asked: { ...heard({}).asked, as: 'ours.example' } })
  it.each<[string, Observation]>([
    ['works', asked(VALID, [asking('valid')])],
    ['is denied', asked(INVALID, [asking('invalid')])],
    ['is claimed', asked(INVALID)],
    ['is blocked', asked(SILENT, [], QUIET)],
    ['is refused', asked(POLICY)],
  ])('that %s proves nothing about ours', (_, o) => {
    const verdict = judged(o)
    expect(verdict).toMatchObject({ cause: 'healthy', state: 'up', pair: { ours: 'ours.example', out: { state: 'unknown', cause: 'unknown' }, in: { state: 'unknown' } } })
    expect(verdict.untested).toContainEqual({ what: 'dialback in the name of ours.example', needs: '--depth shared --secret FILE' })
    expect(verdict.sentence).toContain('not asked: dialback in the name of ours.example')
  })
})

describe('at depth shared', () => {
  const claim = (control: 'serves' | 'denies'): Partial<Observation> => ({ claim: [['claim', 'serves'], ['control', control]].map(([role, answer]) => ({ endpoint: '192.0.2.1', role: role as 'claim', to: 'ours.example', answer: answer as 'serves', ms: 1 })) })
  it.each<[string, Verdict['cause'], Observation]>([
    ['one of our endpoints denies: two secrets', 'dialback.denied', unheard(INVALID, rightful, own({ type: 'invalid' }, 'starttls/b.ours.example:5269/192.0.2.51'))],
    ['all call the key valid, and the peer claims us', 'dialback.domain-claimed', { ...unheard(INVALID, rightful), ...claim('denies') }],
    ['all call the key valid, and the peer claims everybody', 'dialback.callback-misdirected', { ...unheard(INVALID, rightful), ...claim('serves') }],
    ['all call the key valid, and it does not claim us: it asked somebody else', 'dialback.callback-misdirected', unheard(INVALID, rightful)],
    ['forbidden is the same', 'dialback.callback-misdirected', unheard(error('forbidden'), rightful)],
    ['none was asked', 'unknown', unheard(INVALID)],
    ['one did not answer', 'unknown', unheard(INVALID, rightful, own(undefined))],
    ['one does not serve us', 'dialback.callback-misdirected', unheard(INVALID, own({ type: 'error', condition: 'item-not-found' }))],
    ['silence, and none of ours accepts a connection: blocked', 'dialback.callback-blocked', unheard(SILENT, own(REFUSED))],
    ['silence, and ours answer', 'unknown', unheard(SILENT, rightful)],
    ['no reason within a second', 'unknown', unheard(error('remote-server-not-found'), rightful)],
    ['no reason, after the time of a time-out: blocked', 'dialback.callback-blocked', unheard({ ...error('remote-server-not-found'), waitedMs: 10_000 }, rightful)],
    ['blocked, as ejabberd says', 'dialback.callback-blocked', unheard(UNREACHED, rightful)],
    ['misdirected, as ejabberd says', 'dialback.callback-misdirected', unheard(LOST, rightful)],
  ])('%s', (_, cause, o) => expect(judged(o).cause).toBe(cause))

  it('names the endpoint of ours that denies, down where nothing works and degraded where it does', () => {
    const node = own({ type: 'invalid' }, 'starttls/b.ours.example:5269/192.0.2.51')
    expect(judged(unheard(INVALID, rightful, node))).toMatchObject({ cause: 'dialback.denied', state: 'down', side: 'ours', evidence: expect.arrayContaining([{ endpoint: 'starttls/b.ours.example:5269/192.0.2.51', text: 'our own endpoint calls a right key invalid' }]) as unknown })
    const verdict = judged(unheard(VALID, rightful, node))
    expect(verdict).toMatchObject({ cause: 'dialback.denied', state: 'degraded', pair: { out: { state: 'up' } } })
    expect(verdict.sentence).toContain('b.ours.example:5269, 192.0.2.51: our own endpoint calls a right key invalid')
  })
  it('says where nobody could ask our own endpoints whether they know the secret', () => {
    const about = (...others: Parameters<typeof shared>[0]) => judged(unheard(VALID, ...others)).untested.filter(({ what }) => what.startsWith('whether our own'))
    const needs = 'records of ours.example that lead to them, reachable from here'
    expect(about()).toEqual([{ what: 'whether our own endpoints know the secret', needs }])
    expect(about(own(REFUSED))).toEqual([{ what: 'whether our own endpoints know the secret', needs }])
    expect(about(rightful, own(REFUSED, 'starttls/b.ours.example:5269/192.0.2.51'))).toEqual([{ what: 'whether our own endpoints know the secret at b.ours.example:5269, 192.0.2.51', needs }])
    expect(about(rightful)).toEqual([])
    expect(judged(probed({ connections: [keyed(VALID)] })).untested.map(({ what }) => what).join()).not.toContain('our own endpoints')
  })
  it('names the secret of the check as a possible cause where some deny, too', () => {
    expect(judged(unheard(INVALID, rightful, own({ type: 'invalid' }, 'starttls/b.ours.example:5269/192.0.2.51'))).remedy.join(' ')).toContain('the secret of this check is not theirs')
    expect(judged(heard(INVALID, [asking('invalid')])).remedy.join(' ')).toContain('--secret-of ejabberd with the cookie')
  })
  it('does not say that nobody called back, which nobody could see', () => {
    const verdict = judged(unheard({ waitedMs: 5 }, own(REFUSED)))
    expect(judged(shared([keyed({ waitedMs: 5 }, { at: 'stream', why: 'closed', received: 900 }), own(REFUSED)])).sentence).not.toMatch(/call(ed)? back/)
    expect(verdict.cause).not.toBe('dialback.callback-blocked')
  })
  it('doubts the secret of the check where every endpoint of ours denies', () => {
    expect(judged(unheard(INVALID, own({ type: 'invalid' }))).remedy.join(' ')).toContain('Compare the secret of the check with that of our server first')
  })
  it('says that it is likely, and that the log of our server knows, where nobody saw the callback', () => {
    expect(judged(unheard(SILENT, own(REFUSED))).confidence).toBe('likely')
    expect(judged(unheard(SILENT, rightful)).remedy.join(' ')).toContain('log of our own server')
  })
  it('does not take a listener of the probe for the server that is called', () => {
    const o = unheard(INVALID, rightful)
    expect(judged({ ...o, deep: { ...o.deep!, listener: listener() } }).cause).toBe('dialback.callback-misdirected')
  })
})

describe('at depth knock', () => {
  const knock = (dialback: Partial<Dialback>): Observation => shared([keyed({ key: 'made-up', ...dialback })], { depth: 'knock' }, { asked: { depth: 'knock' } })
  it.each<[string, Observation]>([['invalid', knock(INVALID)], ['forbidden', knock(error('forbidden'))], ['valid', knock(VALID)]])('%s proves nothing', (_, o) => {
    const verdict = judged(o)
    expect(verdict).toMatchObject({ cause: 'healthy', pair: { out: { state: 'unknown' } } })
    expect(verdict.untested).toContainEqual({ what: 'dialback in the name of ours.example', needs: '--depth shared --secret FILE' })
  })
  it('an answer without a callback means what it says', () => {
    expect(judged(knock(POLICY)).cause).toBe('peer.busy')
    expect(judged(knock(error('item-not-found'))).cause).toBe('service.wrong-host')
  })
})

describe('a refusal', () => {
  const at = (startedAt: string, dialback: Partial<Dialback> = POLICY): Observation => ({ ...shared([keyed(dialback)]), startedAt })
  const [first, soon, later] = ['2026-01-01T00:00:00Z', '2026-01-01T00:04:59Z', '2026-01-01T00:05:00Z'] as const
  it.each<[string, Partial<Dialback>]>([
    ['ejabberd’s access rule', POLICY], ['not-allowed', error('not-allowed')], ['not-acceptable', error('not-acceptable', 'no')], ['policy-violation over TLS', error('policy-violation')],
    ['Metre’s and Tigase’s word for a sender of its own', error('not-acceptable')],
  ])('by %s is busy once, and policy when it is repeated after the window', (_, dialback) => {
    expect(judged(at(first, dialback))).toMatchObject({ cause: 'peer.busy', state: 'degraded' })
    expect(judge([at(first, dialback), at(soon, dialback)], DEFAULT_JUDGE_CONFIG).cause).toBe('peer.busy')
    expect(judge([at(first, dialback), at(later, dialback)], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'policy.refused-by-peer', state: 'down', pair: { out: { state: 'down', cause: 'policy.refused-by-peer' } } })
  })
  it('by forbidden, where our records are right and nobody asked, is one too', () => {
    const refused = (startedAt: string): Observation => ({ ...heard(error('forbidden')), startedAt })
    expect(judged(refused(first)).cause).toBe('peer.busy')
    expect(judge([refused(first), refused(later)], DEFAULT_JUDGE_CONFIG).cause).toBe('policy.refused-by-peer')
  })
  it('of two names is not one that was repeated', () => {
    const other: Observation = { ...heard(POLICY), startedAt: later, vantage: 'there' }
    expect(judge([at(first), other], DEFAULT_JUDGE_CONFIG).cause).toBe('peer.busy')
  })
  it('after a callback is what the callback says', () => expect(judged(heard(POLICY, [asking('invalid')])).cause).toBe('dialback.denied'))
  it('by a server that may serve us itself says how to find out', () => {
    expect(judged(at(first, error('not-acceptable'))).remedy.join(' ')).toContain('Ask the peer whether ours.example is among its own domains')
  })
})

describe('several endpoints', () => {
  it('of which one accepts our key and another does not are degraded by the cause', () => {
    const o = probed({ connections: [keyed(VALID), keyed({ ...UNREACHED, streamId: 's2', sentAtMs: 1000 })], callbacks: [asking('valid')] })
    expect(judged(o)).toMatchObject({ cause: 'dialback.callback-blocked', state: 'degraded', pair: { out: { state: 'up' }, in: { state: 'degraded', cause: 'dialback.callback-blocked' } } })
  })
  it('of which one is dead are told as that, whatever it did to who came to authenticate', () => {
    const unknown = streamError('host-unknown')
    const dead = endpoint('192.0.2.2', unknown, 'features')
    const refusing = connection('dialback', { endpoint: '192.0.2.2' }, { at: 'features', failure: unknown })
    expect(judged(probed({ connections: [keyed(VALID), refusing], callbacks: [asking('valid')] }, { endpoints: [works('192.0.2.1'), dead] }))).toMatchObject({ cause: 'degraded.endpoint-dead', evidence: [{ endpoint: '192.0.2.2' }] })
    expect(judged(probed({ connections: [keyed(INVALID), refusing], callbacks: [asking('invalid')] }, { endpoints: [works('192.0.2.1'), dead] })).cause).toBe('dialback.denied')
  })
  it('of which one does not know the domain when it is asked for a key are the same', () => {
    const other = keyed({ ...error('item-not-found'), streamId: 's2', sentAtMs: 1000 }, undefined, { endpoint: '192.0.2.2' })
    expect(judged(probed({ connections: [keyed(VALID), other], callbacks: [asking('valid')] }, { endpoints: [works('192.0.2.1'), works('192.0.2.2')] }))).toMatchObject({ cause: 'degraded.endpoint-dead', state: 'degraded' })
  })
  it('that nobody could send a key to are untested, with their places', () => {
    const verdict = judged(probed({ connections: [connection('dialback', {}, { at: 'tcp', failure: REFUSED })] }))
    expect(verdict).toMatchObject({ cause: 'healthy', pair: { out: { state: 'unknown' } } })
    expect(verdict.untested.map(({ what }) => what)).toContain('dialback at xmpp.partner.example:5269, 192.0.2.1')
  })
  it('that a bound left out are said', () => {
    expect(judged(probed({ connections: [keyed(VALID)], callbacks: [asking('valid')], endpointsLeftOut: 2 })).sentence).toContain('authentication at 2 more endpoints')
  })
  it('say of what was interrupted that it was', () => {
    expect(judged(heard({ waitedMs: 3000 }, [], { at: 'probe', why: 'cancelled' })).untested.map(({ needs }) => needs)).toContain('a check that is not interrupted')
  })
})

describe('several vantages', () => {
  it('that do not agree about our key are a partition', () => {
    const fails: Observation = { ...heard(SILENT, [], QUIET), vantage: 'there' }
    expect(judge([heard(VALID, [asking('valid')]), fails], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'peer.partition', pair: { out: { state: 'degraded', cause: 'peer.partition' } } })
  })
  it('of which one only looked do not contradict the one that asked', () => {
    const { deep: _, ...light } = heard(VALID)
    expect(judge([{ ...light, vantage: 'there' }, heard(SILENT, [], QUIET)], DEFAULT_JUDGE_CONFIG).cause).toBe('dialback.callback-blocked')
  })
})

it('keeps the order of judging over light and deep faults', () => {
  const dead = (o: Observation): Observation => ({ ...o, endpoints: o.endpoints.map(e => ({ ...e, steps: e.steps.map(step => step.stage === 'tcp' ? { ...step, outcome: 'failed', failure: REFUSED } : { ...step, outcome: 'not-asked' }) })) })
  expect(judged(dead(heard(SILENT, [], QUIET))).cause).toBe('peer.unreachable')
  expect(judged(dead(heard(INVALID))).cause).toBe('dialback.domain-claimed')
})

it('speaks of connections in the name of the pair alone', () => {
  expect(judged(probed({ connections: [inOurName(keyed(INVALID))] })).cause).toBe('healthy')
})

function inClear (starttls: 'absent' | 'optional') {
  const { tls: _, ...rest } = keyed({ ...error('policy-violation'), secured: false })
  return { ...rest, features: { ...rest.features!, starttls } }
}
