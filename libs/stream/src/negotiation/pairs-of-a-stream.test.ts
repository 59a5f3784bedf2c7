// One stream, many pairs: each is judged by its own rules, at every decision anew, and the end of a stream is the table's alone.
import type { HeaderSeen } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import type { DialbackAnswer, Event as OutEvent } from './event.ts'
import { advance, begin, type Command as OutCommand, type Plan, type State as OutState } from './initiating.ts'
import { accept, advanceReceiving, type Event, type State } from './receiving.ts'
import type { Command } from './receiving-command.ts'
import type { Rules } from './rules.ts'

const ORDINARY: Rules = { served: true, ours: false, tls: 'required', dialback: 'over-tls', external: true, withoutDialback: true, bidi: true, legacy: false }
const PAIR = { from: 'partner.example', to: 'ours.example' }

const header = (given: Partial<HeaderSeen> = {}, identity = false): Event =>
  ({ on: 'header', header: { ...PAIR, version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true, ...given }, identity })
const key = (from = 'partner.example', identity = false, to = 'ours.example'): Event => ({ on: 'dialback-key', from, to, key: 'k', identity })
const judged = (number: number, answer: DialbackAnswer = { type: 'valid' }): Event => ({ on: 'dialback-judged', number, answer })
const stanza = (from: string, to = 'user@ours.example'): Event => ({ on: 'stanza', name: 'message', from, to })
const managed = (name: string, handled?: number): Event => ({ on: 'stream-management', name, ...(handled === undefined ? {} : { handled }) })
const SECURE = [header(), { on: 'starttls' }, { on: 'secured', identity: false }, header()] as const
const EXTERNAL = [...SECURE.slice(0, 3), header({}, true), { on: 'sasl-auth', mechanism: 'EXTERNAL', authzid: '', identity: true }, header({}, true)] as const

describe('each pair has its own rules', () => {
  it('of which the ones for a header decide what is offered', () => {
    const offered = (rules: Partial<Rules>, identity = true) => step(rules, ...SECURE.slice(0, 3), header({}, identity)).told.at(-1)
    expect(offered({ streamManagement: true, limits: { maxBytes: 262_144, idleSeconds: 900 } })).toEqual({
      do: 'send-features', starttls: 'absent', external: true, dialback: true, bidi: true, streamManagement: true, limits: { maxBytes: 262_144, idleSeconds: 900 },
    })
    expect(offered({ external: false, bidi: false, dialback: 'never', withoutDialback: false })).toEqual({ do: 'send-features', starttls: 'absent', external: false, dialback: false, bidi: false, streamManagement: false })
    expect(offered({ dialback: 'never' })).toMatchObject({ dialback: true })
    expect(step({}, header()).told.at(-1)).toMatchObject({ starttls: 'required', streamManagement: false })
    expect(step({ tls: 'optional', streamManagement: true }, header()).told.at(-1)).toMatchObject({ starttls: 'optional', streamManagement: true })
  })

  for (const [name, rules, condition] of [
    ['a domain that is not served', { served: false }, 'host-unknown'], ['a peer that claims to be us', { ours: true }, 'not-authorized'], ['a peer that policy denies', { denied: true }, 'policy-violation'],
    ['a domain that is not served, though the peer is denied', { served: false, denied: true }, 'host-unknown'],
  ] as const) {
    it(`a header of ${name} is answered with ${condition} and a reason`, () => {
      const { state, told } = step(rules, header())
      expect(state).toMatchObject({ at: 'closed', because: { condition } })
      expect(told).toEqual([{ do: 'send-header', pair: PAIR }, { do: 'send-error', condition, text: expect.any(String) }, { do: 'send-footer' }, { do: 'close' }])
    })
  }

  for (const [name, rules, condition] of [
    ['a domain that is not served', { served: false }, 'item-not-found'], ['a domain that is ours', { ours: true }, 'policy-violation'], ['a domain that policy denies', { denied: true }, 'not-allowed'],
    ['a domain for which dialback never counts', { dialback: 'never' }, 'not-authorized'], ['nobody served, whoever is denied', { served: false, denied: true }, 'item-not-found'],
  ] as const) {
    it(`a key of ${name} is answered ${condition}, nobody is asked, and the other pair of the stream goes on`, () => {
      const { state, told } = step(pair => pair.from === 'other.example' ? rules : {}, ...SECURE, key(), judged(1), key('other.example'), stanza('partner.example'))
      expect(told.slice(-2)).toEqual([{ do: 'send-dialback-result', pair: { from: 'other.example', to: 'ours.example' }, answer: { type: 'error', condition } }, { do: 'deliver', pair: PAIR }])
      expect(told.filter(command => command.do === 'verify-key')).toHaveLength(1)
      expect(state).toMatchObject({ at: 'negotiating', standing: { authenticated: [PAIR] } })
    })
  }

  it('keys in clear: never where TLS is required or dialback bound to it; the third ends the stream', () => {
    for (const rules of [{ tls: 'required', dialback: 'always' }, { tls: 'optional', dialback: 'over-tls' }, { tls: 'never', dialback: 'over-tls' }] as const) {
      const { told } = step(rules, header(), key(), key('b.example'), key())
      expect(told.slice(2, 4).map(command => command.do === 'send-dialback-result' && command.answer)).toEqual(Array.from({ length: 2 }, () => ({ type: 'error', condition: 'policy-violation' })))
      expect(told.slice(-4).map(command => command.do)).toEqual(['send-dialback-result', 'send-error', 'send-footer', 'close'])
    }
    for (const tls of ['optional', 'never'] as const) expect(step({ tls, dialback: 'always' }, header(), key()).told.at(-1)).toMatchObject({ do: 'verify-key' })
  })

  it('a certificate answers for a key only where that is allowed (XEP-0344 §2.4), and without it there is nobody to ask under never', () => {
    expect(step({ dialback: 'never' }, ...SECURE, key('partner.example', true)).told.at(-1)).toMatchObject({ answer: { type: 'valid' } })
    expect(step({ dialback: 'never', withoutDialback: false }, ...SECURE, key('partner.example', true)).told.at(-1)).toMatchObject({ answer: { condition: 'not-authorized' } })
    expect(step({ withoutDialback: false }, ...SECURE, key('partner.example', true)).told.at(-1)).toMatchObject({ do: 'verify-key' })
    expect(step({ tls: 'optional', dialback: 'never' }, header(), key('partner.example', true)).told.at(-1)).toMatchObject({ answer: { condition: 'not-authorized' } })
  })

  it('the same key twice while it is asked about is a conflict', () => {
    expect(step({}, ...SECURE, key(), key()).told.at(-1)).toMatchObject({ answer: { type: 'error', condition: 'conflict' } })
    expect(step({}, ...SECURE, key(), key(), judged(1)).state).toMatchObject({ standing: { authenticated: [PAIR] }, pending: [] })
  })

  it('EXTERNAL is asked of the rules once more when it is used', () => {
    for (const rules of [{ external: false }, { denied: true }, { served: false }, { ours: true }] as const) {
      let now: Partial<Rules> = {}
      const run = driver(() => now)
      for (const event of [...SECURE.slice(0, 3), header({}, true)]) run.hear(event)
      now = rules
      expect(run.hear({ on: 'sasl-auth', mechanism: 'EXTERNAL', authzid: '', identity: true })).toEqual([{ do: 'send-sasl-failure', condition: 'not-authorized' }])
    }
  })

  it('a policy that changes while the authoritative server is asked decides', () => {
    let now: Partial<Rules> = {}
    const run = driver(() => now)
    for (const event of [...SECURE, key()]) run.hear(event)
    now = { denied: true }
    expect(run.hear(judged(1))).toEqual([{ do: 'send-dialback-result', pair: PAIR, answer: { type: 'error', condition: 'not-allowed' } }])
    expect(run.state()).toMatchObject({ standing: { authenticated: [] }, pending: [] })
  })

  it('questions about our keys are answered to whom policy refuses, too: our own streams may need them', () => {
    const asked = step(pair => ({ denied: pair.from === 'denied.example' }), ...SECURE, { on: 'dialback-question', from: 'denied.example', to: 'ours.example', id: 'i', key: 'k' })
    expect(asked.told.at(-1)).toMatchObject({ do: 'answer-question' })
  })
})

describe('a stanza whose addressee is wrong', () => {
  const rules = ({ to }: { to: string }) => ({ served: to === 'ours.example' || to === 'chat.ours.example' })
  it('gets an error, and the stream goes on, if its sender may speak here', () => {
    const { state, told } = step(rules, ...SECURE, key(), judged(1), stanza('x@partner.example', 'y@gone.example'), stanza('partner.example'))
    expect(told.slice(-2)).toEqual([{ do: 'refuse-stanza', pair: { from: 'partner.example', to: 'gone.example' }, condition: 'item-not-found' }, { do: 'deliver', pair: PAIR }])
    expect(state.at).toBe('negotiating')
  })
  it('ends the stream if the addressee is served and the pair not authenticated, or the sender unknown', () => {
    for (const event of [stanza('partner.example', 'chat.ours.example'), stanza('victim.example', 'gone.example')]) {
      expect(step(rules, ...SECURE, key(), judged(1), event).state).toMatchObject({ because: { condition: 'invalid-from' } })
    }
    expect(step(rules, ...SECURE, stanza('partner.example', 'gone.example')).state).toMatchObject({ because: { condition: 'not-authorized' } })
  })
})

describe('a pair that is taken back', () => {
  const withdrawn = (from: string): Event => ({ on: 'withdrawn', pair: { from, to: 'ours.example' } })
  const two = [...SECURE, key(), judged(1), key('b.example'), judged(2)]
  it('is refused from then on, and the others go on', () => {
    const { state, told } = step({}, ...two, withdrawn('partner.example'), stanza('partner.example'), stanza('b.example'))
    expect(told.slice(-2)).toEqual([{ do: 'refuse-stanza', pair: PAIR, condition: 'not-allowed' }, { do: 'deliver', pair: { from: 'b.example', to: 'ours.example' } }])
    expect(state).toMatchObject({ standing: { authenticated: [{ from: 'b.example' }], withdrawn: [PAIR] } })
  })
  it('ends the stream when it was the last, and may come back by a key', () => {
    expect(step({}, ...two, withdrawn('partner.example'), withdrawn('b.example')).told.slice(-3)).toEqual([{ do: 'send-error', condition: 'policy-violation', text: expect.any(String) }, { do: 'send-footer' }, { do: 'close' }])
    expect(step({}, ...two, withdrawn('partner.example'), key(), judged(3)).state).toMatchObject({ standing: { authenticated: [{ from: 'b.example' }, PAIR], withdrawn: [] } })
  })
  it('is answered when its key is still asked about, and the judgement is nobody\'s', () => {
    const { state, told } = step({}, ...SECURE, key(), withdrawn('partner.example'), judged(1))
    expect(told.at(-1)).toEqual({ do: 'send-dialback-result', pair: PAIR, answer: { type: 'error', condition: 'not-allowed' } })
    expect(state).toMatchObject({ at: 'negotiating', standing: { authenticated: [] }, pending: [] })
  })
  it('that nobody has changes nothing, in any state', () => {
    for (let length = 0; length <= two.length; length++) expect(step({}, ...two.slice(0, length), withdrawn('nobody.example')).state).toEqual(step({}, ...two.slice(0, length)).state)
  })
  it('between EXTERNAL and the header leaves nobody authenticated', () => {
    expect(step({}, ...EXTERNAL.slice(0, 5), withdrawn('partner.example'), header({}, true), stanza('partner.example')).state).toMatchObject({ because: { condition: 'not-authorized' } })
  })
})

describe('the end', () => {
  it('of a server that drains: said, and what was on its way still comes', () => {
    const { state, told } = step({}, ...SECURE, key(), judged(1), { on: 'draining' }, stanza('partner.example'), stanza('victim.example'), key('c.example'), { on: 'footer', received: 9 })
    expect(told.slice(-4)).toEqual([{ do: 'send-error', condition: 'system-shutdown', text: expect.any(String) }, { do: 'send-footer' }, { do: 'deliver', pair: PAIR }, { do: 'close' }])
    expect(state).not.toHaveProperty('because')
  })
  it('on demand: clean, or with a condition and at once', () => {
    expect(step({}, ...SECURE, { on: 'close' }).told.slice(-1)).toEqual([{ do: 'send-footer' }])
    expect(step({}, ...SECURE, { on: 'close' }, { on: 'silence', received: 1 }).told.slice(-2)).toEqual([{ do: 'send-footer' }, { do: 'close' }])
    expect(step({}, ...SECURE, { on: 'close', condition: 'policy-violation', text: 'too fast' }).told.slice(-3)).toEqual([{ do: 'send-error', condition: 'policy-violation', text: 'too fast' }, { do: 'send-footer' }, { do: 'close' }])
  })
  it('before a header: with ours where something is said; in a handshake: without a word', () => {
    expect(step({}, { on: 'draining' }).told.map(each => each.do)).toEqual(['send-header', 'send-error', 'send-footer', 'close'])
    expect(step({}, { on: 'close' }).told.map(each => each.do)).toEqual(['close'])
    for (const event of [{ on: 'draining' }, { on: 'close', condition: 'reset' }] as const) expect(step({}, header(), { on: 'starttls' }, event).told.at(-1)).toEqual({ do: 'close' })
  })
})

describe('stream management (XEP-0198)', () => {
  const rules = { streamManagement: true }
  const open = [...SECURE, key(), judged(1)]
  it('is enabled after authentication, counts both ways and is never resumed', () => {
    expect(step(rules, ...open, managed('enable'), managed('r'), managed('a', 7)).told.slice(-3)).toEqual([{ do: 'send-enabled' }, { do: 'send-acknowledgement' }, { do: 'acknowledged', handled: 7 }])
    expect(step(rules, ...open, managed('resume')).told.at(-1)).toEqual({ do: 'send-enable-failure', condition: 'feature-not-implemented' })
    expect(step(rules, ...EXTERNAL, managed('enable')).told.at(-1)).toEqual({ do: 'send-enabled' })
  })
  it('is refused before authentication, twice, and where it is not offered; the third time ends the stream', () => {
    expect(step(rules, ...SECURE, managed('enable')).told.at(-1)).toEqual({ do: 'send-enable-failure', condition: 'unexpected-request' })
    expect(step(rules, ...open, managed('enable'), managed('enable')).told.at(-1)).toEqual({ do: 'send-enable-failure', condition: 'unexpected-request' })
    expect(step({}, ...open, managed('enable')).told.at(-1)).toEqual({ do: 'send-enable-failure', condition: 'feature-not-implemented' })
    expect(step({}, ...open, managed('enable'), managed('enable'), managed('enable')).state).toMatchObject({ because: { condition: 'policy-violation' } })
  })
  it('X7: acknowledgements that nothing was counted for end the stream', () => {
    for (const event of [managed('a', 1), managed('r'), managed('enabled'), managed('failed')]) expect(step(rules, ...open, event).state).toMatchObject({ because: { condition: 'unsupported-stanza-type' } })
    expect(step(rules, ...open, managed('enable'), managed('a')).state).toMatchObject({ because: { condition: 'undefined-condition' } })
  })

  const plan: Plan = { kind: 'starttls', tls: 'never', authenticate: ['dialback'], pair: { from: 'ours.example', to: 'partner.example' }, streamManagement: true }
  const features = (streamManagement: boolean): OutEvent => ({ on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: true, dialbackErrors: true, bidi: false, streamManagement, other: [] } })
  const sent = (plan: Plan, offered: boolean, ...events: OutEvent[]) => out(plan, { on: 'header', header: { id: 'i', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true } }, features(offered),
    { on: 'dialback-result', ...PAIR, answer: { type: 'valid' } }, ...events)
  it('is asked for on our own streams once they are established, where it is offered and wanted', () => {
    expect(sent(plan, true).told.at(-1)).toEqual({ do: 'send-enable' })
    expect(sent(plan, true).state).toMatchObject({ at: 'established', managed: 'asked' })
    expect(sent(plan, false).state).toMatchObject({ at: 'established', managed: 'no' })
    expect(sent({ ...plan, streamManagement: false }, true).told.some(command => command.do === 'send-enable')).toBe(false)
    const on = { on: 'stream-management', name: 'enabled' } as const
    expect(sent(plan, true, on, { on: 'stream-management', name: 'a', handled: 5 }, { on: 'stream-management', name: 'r' }).told.slice(-2)).toEqual([{ do: 'acknowledged', handled: 5 }, { do: 'send-acknowledgement' }])
    expect(sent(plan, true, { on: 'stream-management', name: 'a', handled: 5 }).told.at(-1)).toEqual({ do: 'send-enable' })
    expect(sent(plan, true, { on: 'stream-management', name: 'failed' }, on).state).toMatchObject({ managed: 'no' })
    expect(sent(plan, true, on, { on: 'stream-management', name: 'a' }).state).toMatchObject({ because: { condition: 'undefined-condition' } })
    expect(sent(plan, true, on, { on: 'close' }, { on: 'stream-management', name: 'a', handled: 9 }).told.slice(-2)).toEqual([{ do: 'send-footer' }, { do: 'acknowledged', handled: 9 }])
  })
  it('our own streams end on demand, too', () => {
    expect(sent(plan, false, { on: 'close' }).told.at(-1)).toEqual({ do: 'send-footer' })
    expect(sent(plan, false, { on: 'draining' }).state.at).toBe('closing')
    expect(sent(plan, false, { on: 'close', condition: 'policy-violation', text: 'why' }).told.slice(-3)).toEqual([{ do: 'send-error', condition: 'policy-violation', text: 'why' }, { do: 'send-footer' }, { do: 'close' }])
    expect(sent(plan, false, { on: 'withdrawn', pair: { from: 'ours.example', to: 'partner.example' } }).state.at).toBe('closing')
    expect(sent(plan, false, { on: 'withdrawn', pair: PAIR }).state.at).toBe('established')
    expect(out(plan, { on: 'close' }).told.map(command => command.do)).toEqual(['send-header', 'send-footer', 'close'])
    expect(out({ ...plan, kind: 'direct' }, { on: 'close', condition: 'reset' }).told.map(command => command.do)).toEqual(['start-tls', 'close'])
  })
})

describe('a bidirectional stream (XEP-0288)', () => {
  const plan: Plan = { kind: 'direct', tls: 'insist', authenticate: ['dialback'], pair: { from: 'ours.example', to: 'partner.example' }, bidi: true }
  const open: OutEvent[] = [
    { on: 'secured', identity: false }, { on: 'header', header: { id: 'i', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true } },
    { on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: true, dialbackErrors: true, bidi: true, streamManagement: false, other: [] } }, { on: 'dialback-result', ...PAIR, answer: { type: 'valid' } },
  ]
  it('brings what was on its way when we ended it, of the one pair alone', () => {
    const { told } = out(plan, ...open, { on: 'close' }, { on: 'stanza', name: 'iq', from: 'a@partner.example', to: 'ours.example' }, { on: 'stanza', name: 'iq', from: 'a@victim.example', to: 'ours.example' }, { on: 'footer', received: 1 })
    expect(told.slice(-3)).toEqual([{ do: 'send-footer' }, { do: 'deliver', pair: PAIR }, { do: 'close' }])
  })
  it('goes on when its peer asks about a key or shows one: keys for other pairs belong on a stream of their own', () => {
    const question = { on: 'dialback-question', from: 'partner.example', to: 'ours.example', id: 'i', key: 'k' } as const
    const shown = { on: 'dialback-key', from: 'second.example', to: 'ours.example', key: 'k' } as const
    const { state, told } = out(plan, ...open, question, shown)
    expect(state).toMatchObject({ at: 'established' })
    expect(told.slice(-2)).toEqual([
      { do: 'answer-question', pair: PAIR, id: 'i', key: 'k' }, { do: 'send-dialback-result', pair: { from: 'second.example', to: 'ours.example' }, answer: { type: 'error', condition: 'resource-constraint' } },
    ])
    for (const event of [{ ...question, id: '' }, { ...question, from: 'a b' }, { ...shown, to: '' }]) expect(out(plan, ...open, event).state).toMatchObject({ at: 'closed', because: { why: 'broke-protocol' } })
    for (const event of [question, shown]) expect(out({ ...plan, bidi: false }, ...open, event).state).toMatchObject({ at: 'closed', because: { why: 'broke-protocol' } })
  })
  it('D2: answers for what was not asked bring in nobody, whoever opened it', () => {
    for (const on of ['dialback-result', 'dialback-verified'] as const) {
      const lie = { on, from: 'victim.example', to: 'ours.example', id: 'i', answer: { type: 'valid' } } as const
      expect(out(plan, ...open, lie).state).toMatchObject({ at: 'closed', because: { why: 'broke-protocol' } })
      const { state } = step({}, ...SECURE, { on: 'bidi' }, key(), judged(1), lie, lie)
      expect(state).toMatchObject({ standing: { bidi: true, authenticated: [PAIR], strikes: 2 } })
      expect(step({}, ...SECURE, { on: 'bidi' }, key(), judged(1), lie, lie, lie).state).toMatchObject({ because: { condition: 'invalid-id' } })
    }
  })
})

it('X7: first-level elements that steer a stream are never delivered, and end it', () => {
  const open = [...SECURE, key(), judged(1)]
  const steering: Event[] = [
    { on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] } }, { on: 'proceed' }, { on: 'starttls-failure' }, { on: 'sasl-success' },
    { on: 'sasl-failure', condition: 'not-authorized' }, { on: 'unknown-element', name: '{urn:ietf:params:xml:ns:xmpp-sasl}challenge' }, { on: 'unknown-element', name: '{jabber:server:dialback}other' }, { on: 'starttls' }, managed('r'), managed('a', 0),
    { on: 'unknown-element', name: '{jabber:client}message' },
  ]
  for (const event of steering) {
    const { state, told } = step({}, ...open, event)
    expect([event, state]).toEqual([event, expect.objectContaining({ at: 'closed', because: expect.objectContaining({ condition: 'unsupported-stanza-type' }) })])
    expect(told.some(command => command.do === 'deliver')).toBe(false)
  }
  expect(step({}, ...open, { on: 'bidi' }).state).toMatchObject({ because: { condition: 'unsupported-feature' } })
  expect(step({}, ...open, { on: 'stream-error', condition: 'see-other-host', elsewhere: 'evil.example' }).told.slice(-2)).toEqual([{ do: 'send-footer' }, { do: 'close' }])
})

it('D12: an id that the peer chose like one of ours has no effect: a judgement belongs to the number of a key', () => {
  const { state } = step({}, header({ id: 'ours' }), ...SECURE.slice(1), key(), judged(2), judged(7))
  expect(state).toMatchObject({ standing: { authenticated: [] }, pending: [{ number: 1 }] })
})

type Judge = Partial<Rules> | ((pair: { from: string, to: string }) => Partial<Rules>)

function driver (rules: Judge): { hear: (event: Event) => Command[], state: () => State } {
  let [state] = accept({ kind: 'starttls', rules: pair => ({ ...ORDINARY, ...(typeof rules === 'function' ? rules(pair) : rules) }) })
  return {
    hear: event => {
      const [next, ...told] = advanceReceiving(state, event)
      state = next
      return told
    },
    state: () => state,
  }
}

function step (rules: Judge, ...events: readonly Event[]): { state: State, told: Command[] } {
  const run = driver(rules)
  const told = events.flatMap(event => run.hear(event))
  const state = run.state()
  // Functions are no part of what is compared.
  return { state: JSON.parse(JSON.stringify(state)) as State, told }
}

function out (plan: Plan, ...events: OutEvent[]): { state: OutState, told: OutCommand[] } {
  let [state, ...told] = begin(plan)
  for (const event of events) {
    const [next, ...more] = advance(state, event)
    state = next
    told = [...told, ...more]
  }
  return { state, told }
}
