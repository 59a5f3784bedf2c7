import type { EndpointKind, HeaderSeen } from '@dialtone/contracts'
import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DialbackAnswer } from './event.ts'
import { accept, advanceReceiving, type Event, type State } from './receiving.ts'
import type { Command } from './receiving-command.ts'
import type { Offer, Rules } from './rules.ts'

/** One set of rules for all pairs, but for which domains are ours and whom policy refuses. */
type Terms = Omit<Rules, 'served' | 'ours' | 'denied'> & { kind: EndpointKind, serves: readonly string[], denies?: readonly string[] }

const offerOf = ({ kind, serves, denies = [], ...rest }: Terms): Offer => ({ kind, rules: ({ from, to }) => ({ ...rest, served: serves.includes(to), ours: serves.includes(from), denied: denies.includes(from) }) })
const OFFER: Terms = { kind: 'starttls', tls: 'required', dialback: 'over-tls', external: true, withoutDialback: true, bidi: true, legacy: false, serves: ['ours.example', 'chat.ours.example'] }
const CLEAR: Terms = { ...OFFER, tls: 'optional', dialback: 'always' }

const header = (given: Partial<HeaderSeen> = {}, identity = false): Event =>
  ({ on: 'header', header: { from: 'partner.example', to: 'ours.example', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true, ...given }, identity })
const headerWithout = (missing: 'from' | 'to' | 'version'): Event => {
  const { [missing]: _, ...rest }: HeaderSeen = { from: 'partner.example', to: 'ours.example', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true }
  return { on: 'header', header: rest }
}
const starttls: Event = { on: 'starttls' }
const secured: Event = { on: 'secured', identity: false }
const external = (authzid?: string, identity = true): Event => ({ on: 'sasl-auth', mechanism: 'EXTERNAL', identity, ...(authzid === undefined ? {} : { authzid }) })
const key = (from = 'partner.example', to = 'ours.example', identity = false): Event => ({ on: 'dialback-key', from, to, key: 'k', identity })
const judged = (number: number, answer: DialbackAnswer = { type: 'valid' }): Event => ({ on: 'dialback-judged', number, answer })
const question = (to = 'ours.example'): Event => ({ on: 'dialback-question', from: 'partner.example', to, id: 'i', key: 'k' })
const stanza = (from: string, to = 'user@ours.example'): Event => ({ on: 'stanza', name: 'message', from, to })
const SECURE = [header(), starttls, secured, header()]

describe('authentication', () => {
  it('by EXTERNAL after STARTTLS, then delivers', () => {
    expect(walk(OFFER, header(), starttls, secured, header({}, true), { on: 'bidi' }, external('partner.example'), header({}, true), stanza('user@partner.example/x'), { on: 'footer', received: 1 })).toEqual([
      'awaiting-header', 'negotiating send-header send-features', 'handshaking send-proceed start-tls', 'awaiting-header', 'negotiating send-header send-features', 'negotiating',
      'awaiting-header send-sasl-success', 'negotiating send-header send-features', 'negotiating deliver', 'closed send-footer close',
    ])
  })
  it('offers each feature only when it can be used', () => {
    const features = (...events: Event[]) => commands(OFFER, ...events).findLast(command => command.do === 'send-features')
    expect(features(header({}, true))).toMatchObject({ starttls: 'required', external: false, dialback: true, bidi: false })
    expect(features(...SECURE)).toMatchObject({ starttls: 'absent', external: false, bidi: true })
    expect(features(header(), starttls, secured, header({}, true))).toMatchObject({ external: true })
    expect(features(header(), starttls, secured, header({}, true), external(''), header({}, true))).toMatchObject({ external: false, bidi: false })
  })
  it('by dialback, through a verification elsewhere', () => {
    expect(walk(OFFER, ...SECURE, key(), judged(1), stanza('user@partner.example')).slice(5)).toEqual(['negotiating verify-key', 'negotiating send-dialback-result', 'negotiating deliver'])
  })
  it('without dialling back where the certificate is good for the very domain of the key', () => {
    expect(walk(OFFER, ...SECURE, key('partner.example', 'ours.example', true), stanza('user@partner.example')).slice(5)).toEqual(['negotiating send-dialback-result', 'negotiating deliver'])
  })
  it('of several pairs on one stream, each by itself', () => {
    const state = last(OFFER, ...SECURE, key(), key('chat.partner.example'), key('partner.example', 'chat.ours.example'), judged(2), judged(3, { type: 'invalid' }), judged(1))
    expect(state).toMatchObject({ standing: { authenticated: [{ from: 'chat.partner.example', to: 'ours.example' }, { from: 'partner.example', to: 'ours.example' }] }, pending: [] })
  })
  it('ends the stream on an invalid key, unless other pairs live on it', () => {
    expect(walk(OFFER, ...SECURE, key(), judged(1, { type: 'invalid' })).at(-1)).toBe('closed send-dialback-result send-footer close')
    expect(commands(OFFER, ...SECURE, key(), judged(1), key('b.example'), judged(2, { type: 'invalid' })).at(-1)).toMatchObject({ answer: { type: 'error', condition: 'forbidden' } })
  })
  it('of a peer from before features by dialback alone, where the offer says so', () => {
    expect(walk({ ...CLEAR, legacy: true }, headerWithout('version'), key(), judged(1))).toEqual(['awaiting-header', 'negotiating send-header', 'negotiating verify-key', 'negotiating send-dialback-result'])
    expect(last(CLEAR, headerWithout('version'))).toMatchObject({ because: { condition: 'unsupported-version' } })
    expect(last({ ...OFFER, legacy: true }, headerWithout('version'))).toMatchObject({ because: { condition: 'unsupported-version' } })
  })
})

describe('the authoritative role', () => {
  it('answers for domains that are served here, and says so of others without ending the stream', () => {
    expect(commands(OFFER, ...SECURE, question()).at(-1)).toEqual({ do: 'answer-question', pair: { from: 'partner.example', to: 'ours.example' }, id: 'i', key: 'k' })
    expect(commands(OFFER, ...SECURE, question('other.example')).at(-1)).toMatchObject({ do: 'refuse-question', condition: 'item-not-found' })
    expect(commands(OFFER, header(), question()).at(-1)).toMatchObject({ do: 'refuse-question', condition: 'policy-violation' })
  })
})

describe('a header that cannot be served is answered by ours and the reason', () => {
  for (const [name, event, condition] of [
    ['to a domain that is not served', header({ to: 'other.example' }), 'host-unknown'],
    ['to no domain', headerWithout('to'), 'improper-addressing'],
    ['from what is no domain', header({ from: 'user@partner.example' }), 'improper-addressing'],
    ['D13: from a domain that is served here', header({ from: 'chat.OURS.example' }), 'not-authorized'],
    ['of a client', header({ contentNamespace: 'jabber:client' }), 'invalid-namespace'],
  ] as const) {
    it(name, () => {
      expect(walk(OFFER, event).at(-1)).toBe('closed send-header send-error send-footer close')
      expect(last(OFFER, event)).toMatchObject({ because: { condition } })
    })
  }
  it('silence before any header too', () => expect(walk(OFFER, { on: 'silence', received: 0 }).at(-1)).toBe('closed send-header send-error send-footer close'))
})

describe('attacks', () => {
  it('C1: bytes sent ahead in clear end the stream; a reader that goes on would take them as secured', () => {
    const ahead: Event[] = [key('victim.example'), judged(1)]
    // Without the rule the key counts, on the stream that is then encrypted.
    expect(last(CLEAR, header(), ...ahead)).toMatchObject({ standing: { authenticated: [{ from: 'victim.example' }] } })
    expect(walk(CLEAR, header(), { on: 'starttls', surplus: 17 }).at(-1)).toBe('closed send-error send-footer close')
    // What was authenticated in clear is forgotten with the restart, and a judgement that is still on its way is nobody's.
    expect(last(CLEAR, header(), ...ahead, starttls, secured, header())).toMatchObject({ standing: { authenticated: [] } })
    expect(last(CLEAR, header(), key(), starttls, judged(1), secured, judged(1), header(), judged(1))).toMatchObject({ at: 'negotiating', standing: { authenticated: [] } })
  })
  it('C3: EXTERNAL in clear is refused', () => {
    expect(commands(CLEAR, header({}, true), external('partner.example')).at(-1)).toEqual({ do: 'send-sasl-failure', condition: 'encryption-required' })
  })
  it('C2: keys and questions in clear are refused where TLS is required, and the third ends the stream', () => {
    expect(walk(OFFER, header(), key(), question(), key()).slice(2)).toEqual(['negotiating send-dialback-result', 'negotiating refuse-question', 'closed send-dialback-result send-error send-footer close'])
  })
  it('D1: dialback answers that nobody asked for authenticate nobody, and the third ends the stream', () => {
    const answer: Event = { on: 'dialback-result', from: 'partner.example', to: 'ours.example', answer: { type: 'valid' } }
    const verified: Event = { ...answer, on: 'dialback-verified', id: 'i' }
    expect(last(OFFER, ...SECURE, answer, verified)).toMatchObject({ standing: { authenticated: [] } })
    expect(last(OFFER, ...SECURE, key(), answer, verified)).toMatchObject({ standing: { authenticated: [] } })
    expect(last(OFFER, ...SECURE, answer, verified, answer)).toMatchObject({ because: { condition: 'invalid-id' } })
  })
  it('D7: a certificate good for the stream proves no second domain', () => {
    expect(walk({ ...OFFER, dialback: 'never' }, header(), starttls, secured, header({}, true), key('victim.example')).at(-1)).toBe('negotiating send-dialback-result')
    expect(last({ ...OFFER, dialback: 'never' }, header(), starttls, secured, header({}, true), key('victim.example'))).toMatchObject({ standing: { authenticated: [] } })
  })
  it('D11: the restart may not change who speaks to whom, only name who was not named', () => {
    for (const changed of [header({ from: 'evil.example' }), header({ to: 'chat.ours.example' })]) {
      expect(last(OFFER, header(), starttls, secured, changed)).toMatchObject({ because: { condition: 'improper-addressing' } })
    }
    expect(last(OFFER, headerWithout('from'), starttls, secured, header())).toMatchObject({ at: 'negotiating', pair: { from: 'partner.example' } })
    expect(last(OFFER, header(), starttls, secured, header({ from: 'PARTNER.example.' }))).toMatchObject({ at: 'negotiating' })
  })
  it('D14, D15: EXTERNAL needs a certificate that is good for from, and no other identity', () => {
    const good = [header(), starttls, secured, header({}, true)]
    for (const [events, condition] of [
      [[...good, external('partner.example', false)], 'not-authorized'], [[...good, external('other.example')], 'invalid-authzid'], [[...good, external()], 'incorrect-encoding'],
      [[headerWithout('from'), starttls, secured, headerWithout('from'), external('')], 'not-authorized'], [[...good, { on: 'sasl-auth', mechanism: 'PLAIN', authzid: '' }], 'invalid-mechanism'],
    ] as const) expect(commands(OFFER, ...events).at(-1)).toEqual({ do: 'send-sasl-failure', condition })
    expect(walk(OFFER, ...good, external('Partner.Example')).at(-1)).toBe('awaiting-header send-sasl-success')
    expect(commands(OFFER, ...good, external(''), header({}, true), external('')).at(-1)).toEqual({ do: 'send-sasl-failure', condition: 'not-authorized' })
    expect(walk(CLEAR, header(), key('partner.example', 'ours.example', true)).at(-1)).toBe('negotiating verify-key')
    expect(walk(OFFER, ...SECURE, external('', false), external('', false), external('', false)).at(-1)).toBe('closed send-sasl-failure send-error send-footer close')
  })
  it('stanzas of pairs that are not authenticated end the stream, however the domain is dressed', () => {
    const open = [...SECURE, key(), judged(1)]
    for (const [event, condition] of [
      [stanza('user@victim.example'), 'invalid-from'], [stanza('victim.example/partner.example'), 'invalid-from'], [stanza('evilpartner.example'), 'invalid-from'],
      [stanza('user@partner.example', 'chat.ours.example'), 'invalid-from'], [stanza('a@victim.example@partner.example'), 'improper-addressing'], [stanza(''), 'improper-addressing'],
    ] as const) expect(last(OFFER, ...open, event)).toMatchObject({ because: { condition } })
    expect(last(OFFER, ...SECURE, stanza('partner.example'))).toMatchObject({ because: { condition: 'not-authorized' } })
  })
  it('one stream starts no more than four verifications at once and carries no more than 64 pairs', () => {
    const crowd = Array.from({ length: 10 }, (_, i) => key(`d${i}.example`))
    expect(commands(OFFER, ...SECURE, ...crowd).filter(command => command.do === 'verify-key')).toHaveLength(4)
    expect(commands(OFFER, ...SECURE, ...crowd).at(-1)).toMatchObject({ answer: { condition: 'resource-constraint' } })
    const many = Array.from({ length: 100 }, (_, i) => key(`d${i}.example`, 'ours.example', true))
    expect(last(OFFER, ...SECURE, ...many)).toMatchObject({ standing: { authenticated: { length: 64 } } })
    expect(last(OFFER, ...SECURE, ...Array.from({ length: 100 }, () => key('d.example', 'ours.example', true)))).toMatchObject({ standing: { authenticated: { length: 1 } } })
  })
  it('a key that is empty, endless, for a domain elsewhere or from a domain here starts no verification', () => {
    for (const [event, condition] of [
      [{ ...key(), key: '' }, 'bad-request'], [{ ...key(), key: 'k'.repeat(1025) }, 'bad-request'], [key('partner.example', 'other.example'), 'item-not-found'], [key('chat.ours.example'), 'policy-violation'],
    ] as const) expect(commands(OFFER, ...SECURE, event as Event).at(-1)).toMatchObject({ do: 'send-dialback-result', answer: { condition } })
  })
})

it('has a row for every pair of state and event, or closes and names both', () => {
  const states = [last(OFFER), last(OFFER, header()), last(OFFER, header(), starttls), last(OFFER, ...SECURE, key()), last(OFFER, ...SECURE, { on: 'draining' }), last(OFFER, { on: 'footer', received: 0 })]
  expect(states.map(state => state.at)).toEqual(['awaiting-header', 'negotiating', 'handshaking', 'negotiating', 'closing', 'closed'])
  const lacking: string[] = []
  for (const state of states) {
    for (const event of EVERY_EVENT) {
      const [next, ...told] = advanceReceiving(state, event)
      if (state.at === 'closed') expect([next, told]).toEqual([state, []])
      else if (next.at === 'closed' && next.because?.at === 'stream' && next.because.detail === `${event.on} while ${state.at}`) lacking.push(next.because.detail)
      expect(told.at(-1)?.do === 'close').toBe(state.at !== 'closed' && next.at === 'closed')
    }
  }
  expect(new Set(lacking)).toEqual(new Set([
    ...['features', 'proceed', 'starttls-failure', 'sasl-success', 'sasl-failure'].flatMap(on => ['awaiting-header', 'negotiating', 'handshaking', 'closing'].map(at => `${on} while ${at}`)),
    'header while closing', 'secured while closing',
    ...['stream-management', 'starttls', 'sasl-auth', 'bidi', 'dialback-key', 'dialback-question', 'dialback-result', 'dialback-verified', 'stanza', 'unknown-element'].flatMap(on => ['awaiting-header', 'handshaking'].map(at => `${on} while ${at}`)),
    'header while negotiating', 'header while handshaking', 'secured while awaiting-header', 'secured while negotiating',
  ]))
})

it('never throws, stays closed, delivers only what is authenticated, and nothing of clear text where TLS is required, for any sequence of events', () => {
  const offer = constantFrom<Terms>(OFFER, CLEAR, { ...OFFER, kind: 'direct', streamManagement: true }, { ...CLEAR, legacy: true, streamManagement: true }, { ...CLEAR, dialback: 'over-tls', denies: ['b.example'] })
  assert(property(offer, array(constantFrom(...EVERY_EVENT), { maxLength: 40 }), (offer, events) => {
    let [state, ...told] = accept(offerOf(offer))
    let encrypted = false
    for (const event of events) {
      const before = state
      ;[state, ...told] = advanceReceiving(state, event)
      encrypted ||= before.at === 'handshaking' && event.on === 'secured'
      for (const command of told) {
        if (command.do === 'deliver') expect((before.at === 'negotiating' || before.at === 'closing') && before.standing.authenticated.some(({ from, to }) => from === command.pair.from && to === command.pair.to)).toBe(true)
        if (command.do === 'verify-key') expect(offer.denies ?? []).not.toContain(command.pair.from)
        if (before.at === 'closing') expect(['deliver', 'acknowledged', 'close']).toContain(command.do)
        if ((offer.tls === 'required' || offer.dialback === 'over-tls') && !encrypted) expect(command.do).not.toBe('verify-key')
        if (offer.tls === 'required' && !encrypted) expect(['deliver', 'verify-key', 'answer-question', 'send-sasl-success']).not.toContain(command.do)
      }
      expect(told.filter(command => command.do === 'close')).toHaveLength(state.at === 'closed' && before.at !== 'closed' ? 1 : 0)
      if (before.at === 'handshaking' && event.on !== 'secured') expect(told.every(command => command.do === 'close')).toBe(true)
    }
  }), { numRuns: 3000 })
})

const EVERY_EVENT: readonly Event[] = [
  header(), header({}, true), headerWithout('from'), headerWithout('to'), headerWithout('version'), header({ to: 'other.example' }), starttls, { on: 'starttls', surplus: 1 }, secured, external('partner.example'),
  external(''), external(), key(), key('b.example'), key('partner.example', 'ours.example', true), judged(1), judged(2, { type: 'invalid' }), judged(3, { type: 'error', condition: 'remote-server-timeout' }), question(),
  question('other.example'), { on: 'dialback-result', from: 'partner.example', to: 'ours.example', answer: { type: 'valid' } },
  { on: 'dialback-verified', from: 'partner.example', to: 'ours.example', id: 'i', answer: { type: 'valid' } }, stanza('user@partner.example'), stanza('b.example'), { on: 'bidi' },
  { on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] } }, { on: 'proceed' }, { on: 'starttls-failure' },
  { on: 'sasl-success' }, { on: 'sasl-failure', condition: 'x' }, { on: 'stream-management', name: 'enable' }, { on: 'stream-management', name: 'r' }, { on: 'stream-management', name: 'a', handled: 3 }, { on: 'stream-management', name: 'a' },
  { on: 'stream-management', name: 'resume' }, { on: 'withdrawn', pair: { from: 'partner.example', to: 'ours.example' } }, { on: 'withdrawn', pair: { from: 'b.example', to: 'ours.example' } }, { on: 'draining' }, { on: 'close' },
  { on: 'close', condition: 'policy-violation', text: 'too fast' }, { on: 'unknown-element', name: 'x' }, { on: 'stream-error', condition: 'reset' },
  { on: 'footer', received: 0 }, { on: 'silence', received: 0 }, { on: 'stopped', failure: { at: 'tcp', why: 'reset' } },
  { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'restricted-xml' } },
]

function run (offer: Terms, events: readonly Event[]): { state: State, told: Command[] }[] {
  let [state, ...told] = accept(offerOf(offer))
  const seen = [{ state, told }]
  for (const event of events) {
    [state, ...told] = advanceReceiving(state, event)
    seen.push({ state, told })
  }
  return seen
}

function walk (offer: Terms, ...events: Event[]): string[] {
  return run(offer, events).map(({ state, told }) => [state.at, ...told.map(command => command.do)].join(' '))
}

function last (offer: Terms, ...events: Event[]): State {
  return run(offer, events).at(-1)!.state
}

function commands (offer: Terms, ...events: Event[]): Command[] {
  return run(offer, events).flatMap(({ told }) => told)
}
