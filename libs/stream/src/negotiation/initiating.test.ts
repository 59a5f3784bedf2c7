import type { FeaturesSeen, HeaderSeen } from '@dialtone/contracts'
import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Event } from './event.ts'
import { advance, begin, type Command, type Plan, type State } from './initiating.ts'

const PAIR = { from: 'ours.example', to: 'partner.example' }
const LIGHT: Plan = { kind: 'starttls', tls: 'offered', authenticate: 'none' }
const DEEP: Plan = { kind: 'starttls', tls: 'insist', authenticate: ['external', 'dialback'], pair: PAIR, bidi: true }
const ASKING: Plan = { kind: 'starttls', tls: 'offered', authenticate: 'none', question: { ...PAIR, id: 'their-id', key: 'k' } }

const header = (given: Partial<HeaderSeen> = {}): Event => ({ on: 'header', header: { id: 'i', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true, ...given } })
const old: Event = { on: 'header', header: { id: 'i', contentNamespace: 'jabber:server', dialbackNamespace: true } }
const offers = (given: Partial<FeaturesSeen> = {}): Event => ({ on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [], ...given } })
const proceed: Event = { on: 'proceed' }
const secured: Event = { on: 'secured', identity: false }
const footer: Event = { on: 'footer', received: 1 }
const refused: Event = { on: 'sasl-failure', condition: 'not-authorized', text: 'who?' }
const answered = (type: 'valid' | 'invalid', from = 'partner.example', to = 'ours.example'): Event => ({ on: 'dialback-result', from, to, answer: { type } })
const verified = (id: string, from = 'partner.example'): Event => ({ on: 'dialback-verified', from, to: 'ours.example', id, answer: { type: 'valid' } })
const stanza = (from: string, to = 'user@ours.example'): Event => ({ on: 'stanza', name: 'message', from, to })

describe('a light check', () => {
  it('encrypts, restarts, looks at the features again and leaves cleanly', () => {
    expect(walk(LIGHT, header(), offers({ starttls: 'required' }), proceed, secured, header(), offers({ dialback: true }), footer)).toEqual([
      'awaiting-header send-header', 'awaiting-features', 'awaiting-proceed send-starttls', 'handshaking start-tls', 'awaiting-header send-header',
      'awaiting-features', 'closing send-footer', 'closed close',
    ])
  })
  it('begins with the handshake on direct TLS', () => {
    expect(walk({ ...LIGHT, kind: 'direct' }, secured, header(), offers(), footer)).toEqual(['handshaking start-tls', 'awaiting-header send-header', 'awaiting-features', 'closing send-footer', 'closed close'])
  })
  it('leaves cleanly where no STARTTLS is offered, and where none is wanted', () => {
    expect(walk(LIGHT, header(), offers()).at(-1)).toBe('closing send-footer')
    expect(walk({ ...LIGHT, tls: 'never' }, header(), offers({ starttls: 'required' })).at(-1)).toBe('closing send-footer')
  })
  it('leaves after the header of a peer from before features', () => expect(walk(LIGHT, old).at(-1)).toBe('closing send-footer'))
  it('looks at a header with another content namespace and goes on', () => expect(walk(LIGHT, header({ contentNamespace: 'jabber:client' })).at(-1)).toBe('awaiting-features'))
  it('ends where STARTTLS is refused', () => {
    expect(last(LIGHT, header(), offers({ starttls: 'optional' }), { on: 'starttls-failure' })).toMatchObject({ at: 'closed', because: { at: 'starttls', why: 'refused' } })
  })
  it('says nothing after its own footer, whatever still comes', () => {
    const told = walk(LIGHT, header(), offers(), stanza('x@partner.example'), offers(), { on: 'unknown-element', name: '{urn:x}y' }, answered('valid'), { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'not-well-formed' } })
    expect(told.slice(2)).toEqual(['closing send-footer', 'closing', 'closing', 'closing', 'closing', 'closed close'])
    expect(walk(LIGHT, header(), offers(), { on: 'stream-error', condition: 'reset' }).at(-1)).toBe('closed close')
    expect(walk(LIGHT, header(), offers(), proceed).at(-1)).toBe('closed close')
    expect(walk(LIGHT, header(), offers(), { on: 'silence', received: 1 }).at(-1)).toBe('closed close')
  })
  it('says nothing into a handshake', () => {
    for (const event of [proceed, { on: 'silence', received: 0 }, footer] as const) expect(walk({ ...LIGHT, kind: 'direct' }, event).at(-1)).toBe('closed close')
  })
})

describe('authentication', () => {
  const secure = [header(), offers({ starttls: 'optional' }), proceed, secured, header({ id: 'j' })]
  it('by EXTERNAL, with bidi asked before it and the features awaited after it', () => {
    expect(walk(DEEP, ...secure, offers({ mechanisms: ['EXTERNAL'], bidi: true, dialback: true }), { on: 'sasl-success' }, header(), offers()).slice(5)).toEqual([
      'awaiting-features', 'awaiting-sasl send-bidi send-external', 'awaiting-header send-header', 'awaiting-features', 'established',
    ])
  })
  it('by dialback when EXTERNAL is refused, with the id of the latest header', () => {
    expect(walk(DEEP, ...secure, offers({ mechanisms: ['EXTERNAL'], dialback: true }), refused, answered('valid')).slice(6)).toEqual([
      'awaiting-sasl send-external', 'awaiting-dialback send-dialback-key', 'established',
    ])
    expect(commands(DEEP, ...secure, offers({ dialback: true })).at(-1)).toEqual({ do: 'send-dialback-key', streamId: 'j', secured: true })
  })
  it('by dialback with a peer from before features, if clear text is allowed', () => {
    expect(walk({ ...DEEP, tls: 'offered' }, old, answered('valid'))).toEqual(['awaiting-header send-header', 'awaiting-dialback send-dialback-key', 'established'])
    expect(last(DEEP, old)).toMatchObject({ at: 'closed', because: { condition: 'unsupported-version' } })
  })
  it('ends with the reason when there is nothing left to try', () => {
    const external: Plan = { ...DEEP, authenticate: ['external'] }
    expect(last(external, ...secure, offers({ mechanisms: ['EXTERNAL'], dialback: true }), refused)).toMatchObject({ at: 'closed', because: { condition: 'not-authorized', text: 'who?' } })
    expect(last(DEEP, header(), offers({ starttls: 'optional' }), proceed, secured, header({ dialbackNamespace: false }), offers({ mechanisms: ['PLAIN'] }))).toMatchObject({ at: 'closed', because: { condition: 'unsupported-feature' } })
  })
  it('keeps how dialback was denied', () => {
    expect(last(DEEP, ...secure, offers({ dialback: true }), answered('invalid'))).toMatchObject({ at: 'closed', answer: { type: 'invalid' } })
  })
  it('insists on a good certificate where the plan does, and says so', () => {
    const plan: Plan = { ...DEEP, kind: 'direct', certificate: 'valid' }
    expect(walk(plan, secured).at(-1)).toBe('closed send-header send-error send-footer close')
    expect(walk(plan, { on: 'secured', identity: true }).at(-1)).toBe('awaiting-header send-header')
  })
  it('refuses a header that is not that of an S2S stream', () => {
    expect(last(DEEP, header({ contentNamespace: 'jabber:client' }))).toMatchObject({ at: 'closed', because: { condition: 'invalid-namespace' } })
  })
  it('delivers the stanzas of the other direction on a bidirectional stream, and of no other pair', () => {
    const open = [...secure, offers({ bidi: true, dialback: true }), answered('valid')]
    expect(walk(DEEP, ...open, stanza('user@Partner.Example/x')).at(-1)).toBe('established deliver')
    expect(last(DEEP, ...open, stanza('user@evil.example'))).toMatchObject({ because: { condition: 'invalid-from' } })
    expect(last({ ...DEEP, bidi: false }, ...open, stanza('user@partner.example'))).toMatchObject({ because: { condition: 'not-authorized' } })
    expect(walk(DEEP, ...open, { on: 'stream-management', name: 'r' }, { on: 'silence', received: 1 }, footer).slice(-3)).toEqual(['established', 'closing send-footer', 'closed close'])
  })
})

it('a stream is made bidirectional with a peer whose certificate is good, or that dialback may prove, and with nobody else', () => {
  const asks = (plan: Plan, identity: boolean) => commands({ ...plan, kind: 'direct' }, { on: 'secured', identity }, header(), offers({ mechanisms: ['EXTERNAL'], bidi: true })).some(command => command.do === 'send-bidi')
  const external: Plan = { ...DEEP, authenticate: ['external'], certificate: 'any' }
  expect([asks(external, false), asks(external, true), asks(DEEP, false), asks(DEEP, true)]).toEqual([false, true, true, true])
  const heard = last({ ...external, kind: 'direct' }, secured, header(), offers({ mechanisms: ['EXTERNAL'], bidi: true }), { on: 'sasl-success' }, header(), offers({ bidi: true }), stanza('ceo@partner.example'))
  expect(heard).toMatchObject({ at: 'closed', because: { condition: 'not-authorized' } })
})

describe('a receiving server that asks back', () => {
  it('sends one question after the last features and leaves with the answer', () => {
    expect(walk(ASKING, header(), offers(), verified('their-id'), footer)).toEqual(['awaiting-header send-header', 'awaiting-features', 'awaiting-answer send-dialback-question', 'closing send-footer', 'closed close'])
    expect(last(ASKING, header(), offers(), verified('their-id'), { on: 'silence', received: 1 })).toMatchObject({ at: 'closed', answer: { type: 'valid' } })
  })
})

describe('D1: an answer counts only for the pair that was asked, on the stream and with the id of the question', () => {
  const deep = [header(), offers({ starttls: 'optional' }), proceed, secured, header()]
  for (const [name, plan, events] of [
    ['before the request', DEEP, [header(), answered('valid')]],
    ['from another domain', DEEP, [...deep, offers({ dialback: true }), answered('valid', 'evil.example')]],
    ['from a domain that ends alike', DEEP, [...deep, offers({ dialback: true }), answered('valid', 'evilpartner.example')]],
    ['with from and to swapped', DEEP, [...deep, offers({ dialback: true }), answered('valid', 'ours.example', 'partner.example')]],
    ['the answer to a question in place of the result', DEEP, [...deep, offers({ dialback: true }), verified('i')]],
    ['with another id', ASKING, [header(), offers(), verified('other')]],
    ['to the question, from another domain', ASKING, [header(), offers(), verified('their-id', 'evil.example')]],
  ] as const) {
    it(name, () => {
      const state = last(plan, ...events)
      expect(state).toMatchObject({ at: 'closed', because: { why: 'broke-protocol' } })
      expect(state).not.toHaveProperty('answer')
    })
  }
})

describe('every pair of state and event', () => {
  const states = everyState()
  for (const state of states) {
    it(`${state.at} has a row for it, or closes and names both`, () => {
      for (const event of EVERY_EVENT) {
        const [next, ...told] = advance(state, event)
        if (state.at === 'closed') {
          expect([next, told]).toEqual([state, []])
          continue
        }
        const detail = next.at === 'closed' && next.because !== undefined && 'detail' in next.because ? next.because.detail ?? '' : ''
        const named = detail.endsWith(` while ${state.at}`) && detail.includes(event.on === 'unknown-element' ? event.name : event.on)
        expect(named || HAS_ROW.has(`${state.at} ${event.on}`) || ANYWHERE.has(event.on), `${event.on} while ${state.at}: ${detail}`).toBe(true)
        expect(told.at(-1)?.do === 'close').toBe(next.at === 'closed')
      }
    })
  }
  it('covers every state', () => expect(new Set(states.map(state => state.at)).size).toBe(10))
})

it('never throws, stays closed, and keeps keys and stanzas out of clear text when it insists, for any sequence of events', () => {
  const plan = constantFrom(LIGHT, DEEP, ASKING, { ...DEEP, tls: 'offered' } as const, { ...DEEP, kind: 'direct', certificate: 'valid' } as const, { ...LIGHT, tls: 'insist' } as const)
  assert(property(plan, array(constantFrom(...EVERY_EVENT), { maxLength: 30 }), (plan, events) => {
    let [state, ...told] = begin(plan)
    let encrypted = false
    let over = false
    let footers = 0
    for (const event of events) {
      const before = state
      ;[state, ...told] = advance(state, event)
      if (before.at === 'handshaking' && event.on === 'secured') encrypted = true
      footers += told.filter(command => command.do === 'send-footer').length
      if (plan.tls === 'insist' && plan.authenticate !== 'none' && !encrypted) expect(told.filter(command => SECRET.has(command.do))).toEqual([])
      if (!encrypted) expect(told.map(command => command.do)).not.toContain('send-external')
      if (over) expect([state, told]).toEqual([before, []])
      over ||= state.at === 'closed'
      expect(told.some(command => command.do === 'close')).toBe(over && before.at !== 'closed')
    }
    expect(footers).toBeLessThanOrEqual(1)
  }), { numRuns: 3000 })
})

const SECRET = new Set(['send-external', 'send-dialback-key', 'send-bidi', 'deliver'])
const ANYWHERE = new Set(['stream-error', 'footer', 'silence', 'stopped'])
const HAS_ROW = new Set([
  'handshaking secured', 'awaiting-header header', 'awaiting-features features', 'awaiting-proceed proceed', 'awaiting-proceed starttls-failure', 'awaiting-sasl sasl-success', 'awaiting-sasl sasl-failure',
  'awaiting-dialback dialback-result', 'awaiting-answer dialback-verified', 'established stanza', 'established stream-management', 'established dialback-key', 'established dialback-question',
  ...['features', 'stanza', 'stream-management', 'unknown-element', 'dialback-key', 'dialback-question', 'dialback-result', 'dialback-verified'].map(on => `closing ${on}`),
])
const EVERY_EVENT: readonly Event[] = [
  header(), header({ contentNamespace: 'jabber:client' }), old, offers(), offers({ starttls: 'required' }), offers({ mechanisms: ['EXTERNAL'], dialback: true, bidi: true }), { on: 'starttls' }, proceed,
  { on: 'starttls-failure' }, secured, { on: 'secured', identity: true }, { on: 'sasl-auth', mechanism: 'EXTERNAL', authzid: '' }, { on: 'sasl-success' }, refused, { on: 'dialback-key', ...PAIR, key: 'k' },
  { on: 'dialback-question', ...PAIR, id: 'x', key: 'k' }, answered('valid'), answered('invalid'), answered('valid', 'evil.example'), verified('their-id'), verified('other'), { on: 'bidi' },
  { on: 'stream-management', name: 'r' }, stanza('x@partner.example'), stanza('x@evil.example'), { on: 'stream-error', condition: 'host-unknown', text: 't', elsewhere: '192.0.2.1' },
  { on: 'unknown-element', name: '{urn:x}y' }, footer, { on: 'silence', received: 0 }, { on: 'stopped', failure: { at: 'tcp', why: 'reset' } },
  { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'not-well-formed' } },
]

/** One of each kind, found by walking. */
function everyState (): State[] {
  const secure = [header(), offers({ starttls: 'optional' }), proceed, secured, header()]
  return [
    last(LIGHT), last(LIGHT, header()), last(LIGHT, header(), offers({ starttls: 'optional' })), last({ ...LIGHT, kind: 'direct' }), last(LIGHT, header(), offers()), last(LIGHT, footer),
    last(ASKING, header(), offers()), last(DEEP, ...secure, offers({ mechanisms: ['EXTERNAL'] })), last(DEEP, ...secure, offers({ dialback: true })),
    last(DEEP, ...secure, offers({ dialback: true, bidi: true }), answered('valid')), last(DEEP), last(DEEP, header()), last(DEEP, ...secure),
  ]
}

function run (plan: Plan, events: readonly Event[]): { state: State, told: Command[] }[] {
  let [state, ...told] = begin(plan)
  const seen = [{ state, told }]
  for (const event of events) {
    [state, ...told] = advance(state, event)
    seen.push({ state, told })
  }
  return seen
}

function walk (plan: Plan, ...events: Event[]): string[] {
  return run(plan, events).map(({ state, told }) => [state.at, ...told.map(command => command.do)].join(' '))
}

function last (plan: Plan, ...events: Event[]): State {
  return run(plan, events).at(-1)!.state
}

function commands (plan: Plan, ...events: Event[]): Command[] {
  return run(plan, events).flatMap(({ told }) => told)
}
