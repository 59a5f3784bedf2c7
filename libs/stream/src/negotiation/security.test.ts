// Rows C and D of the tables: what an attacker gains where a guard is missing, shown first, and what it gains here. Over sockets, and the rows that
// need keys, limits or certificates: libs/ladder/src/listener/security.test.ts.
import { describe, expect, it } from 'vitest'
import type { EndpointKind, FeaturesSeen, HeaderSeen } from '@dialtone/contracts'
import { canonicalDomain } from '../domain.ts'
import type { Event } from './event.ts'
import { advance, begin, type Plan, type State } from './initiating.ts'
import { accept, advanceReceiving, type Event as ReceivingEvent, type State as ReceivingState } from './receiving.ts'
import type { Command } from './receiving-command.ts'
import type { Offer, Rules } from './rules.ts'

const PAIR = { from: 'ours.example', to: 'partner.example' }
const features = (given: Partial<FeaturesSeen>): Event => ({ on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [], ...given } })
const header: Event = { on: 'header', header: { id: 'i', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true } }
const secured: Event = { on: 'secured', identity: false }
const starttls = [header, features({ starttls: 'required' }), { on: 'proceed' }, secured, header] as const
const result = (from: string, to: string): Event => ({ on: 'dialback-result', from, to, answer: { type: 'valid' } })
const verified = (from: string, to: string, id: string): Event => ({ on: 'dialback-verified', from, to, id, answer: { type: 'valid' } })

/** One set of rules for all pairs, but for which domains are ours and whom policy refuses. */
type Terms = Omit<Rules, 'served' | 'ours' | 'denied'> & { kind: EndpointKind, serves: readonly string[], denies?: readonly string[] }

const offerOf = ({ kind, serves, denies = [], ...rest }: Terms): Offer => ({ kind, rules: ({ from, to }) => ({ ...rest, served: serves.includes(to), ours: serves.includes(from), denied: denies.includes(from) }) })
const OFFER: Terms = { kind: 'starttls', tls: 'required', dialback: 'over-tls', external: true, withoutDialback: true, bidi: true, legacy: false, serves: ['ours.example', 'chat.ours.example'] }
const named = (given: Partial<HeaderSeen> = {}, identity = false): ReceivingEvent =>
  ({ on: 'header', header: { from: 'partner.example', to: 'ours.example', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true, ...given }, identity })
const key = (from: string, identity = false): ReceivingEvent => ({ on: 'dialback-key', from, to: 'ours.example', key: 'k', identity })
const external = (authzid: string, identity = true): ReceivingEvent => ({ on: 'sasl-auth', mechanism: 'EXTERNAL', authzid, identity })
const stanza = (from: string): ReceivingEvent => ({ on: 'stanza', name: 'message', from, to: 'ours.example' })
const inside = (identity = false) => [named(), { on: 'starttls' }, secured, named({}, identity)] as const

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

describe('D1: dialback answers that nobody asked for (CVE-2012-3525, CVE-2012-4669, CVE-2012-4670)', () => {
  const dialback: Plan = { kind: 'starttls', tls: 'offered', authenticate: ['dialback'], pair: PAIR }
  const asking: Plan = { kind: 'starttls', tls: 'offered', authenticate: 'none', question: { ...PAIR, id: 'their-id', key: 'k' } }
  const requested = [...starttls, features({ dialback: true })]
  const asked = [header, features({})]

  it('authenticate whomever they name, for a server that believes what says valid', () => {
    for (const lie of [result('partner.example', 'ours.example'), verified('victim.example', 'ours.example', 'x')]) expect(believed([lie])).toHaveLength(1)
  })
  it('on an inbound stream: nobody, before and while a key is being verified, and the third ends it', () => {
    const lies = [result('partner.example', 'ours.example'), verified('partner.example', 'ours.example', 'i')]
    for (const before of [inside(), [...inside(), key('partner.example')]]) {
      expect(received(OFFER, ...before, ...lies).state).toMatchObject({ standing: { authenticated: [], strikes: 2 } })
      expect(received(OFFER, ...before, ...lies, stanza('partner.example')).state).toMatchObject({ because: { condition: 'not-authorized' } })
      expect(received(OFFER, ...before, ...lies, ...lies).state).toMatchObject({ because: { condition: 'invalid-id' } })
    }
  })
  it('on an outbound stream before the request: end it', () => {
    for (let sent = 0; sent < requested.length; sent++) {
      for (const lie of [result('partner.example', 'ours.example'), verified('partner.example', 'ours.example', 'i')]) expect(last(dialback, ...requested.slice(0, sent), lie).at).toBe('closed')
    }
  })
  it('with another pair, the pair as it was asked, or the other kind of answer: end it', () => {
    for (const lie of [
      result('ours.example', 'partner.example'), result('victim.example', 'ours.example'), result('partner.example', 'victim.example'), result('', ''), verified('partner.example', 'ours.example', 'i'),
    ]) expect(last(dialback, ...requested, lie)).toMatchObject({ at: 'closed', because: { why: 'broke-protocol' } })
    expect(last(dialback, ...requested, result('partner.example', 'ours.example')).at).toBe('established')
  })
  it('to a question, with another id, pair or kind: are no answer', () => {
    for (const lie of [
      verified('partner.example', 'ours.example', 'other-id'), verified('partner.example', 'ours.example', ''), verified('ours.example', 'partner.example', 'their-id'), verified('victim.example', 'ours.example', 'their-id'),
      result('partner.example', 'ours.example'),
    ]) {
      const state = last(asking, ...asked, lie)
      expect(state).toMatchObject({ at: 'closed', because: { why: 'broke-protocol' } })
      expect(state).not.toHaveProperty('answer')
    }
    expect(last(asking, ...asked, verified('partner.example', 'ours.example', 'their-id'))).toMatchObject({ answer: { type: 'valid' } })
  })
  it('on another stream than the question\'s: leave that one waiting', () => {
    const [first, second] = [last(asking, ...asked), last({ ...asking, question: { ...PAIR, id: 'second', key: 'k' } }, ...asked)]
    // A table that all streams share takes it.
    expect(new Set(['their-id', 'second']).has('their-id')).toBe(true)
    expect(advance(second, verified('partner.example', 'ours.example', 'their-id'))[0]).toMatchObject({ at: 'closed', because: { condition: 'invalid-id' } })
    expect(first).toMatchObject({ at: 'awaiting-answer' })
  })
})

describe('D2: the same on a bidirectional stream (XEP-0288 §4)', () => {
  const bidi: Plan = { kind: 'starttls', tls: 'insist', authenticate: ['dialback'], pair: PAIR, bidi: true }
  const established = [...starttls, features({ dialback: true, bidi: true }), result('partner.example', 'ours.example')]
  const lies = [result('victim.example', 'ours.example'), verified('victim.example', 'ours.example', 'i')]

  it('they bring in a second domain where they are believed', () => expect(believed(lies)).toEqual(['victim.example', 'victim.example']))
  it('of the initiating side: end it, and nothing of the victim is delivered', () => {
    expect(last(bidi, ...established)).toMatchObject({ at: 'established', bidi: true })
    for (const lie of lies) expect(last(bidi, ...established, lie).at).toBe('closed')
    expect(last(bidi, ...established, { on: 'stanza', name: 'message', from: 'victim.example', to: 'ours.example' })).toMatchObject({ because: { condition: 'invalid-from' } })
  })
  it('of the receiving side: bring in nobody', () => {
    const open = [...inside(true), { on: 'bidi' }, external('partner.example'), named({}, true)] as const
    expect(received(OFFER, ...open, ...lies).state).toMatchObject({ standing: { bidi: true, authenticated: [{ from: 'partner.example', to: 'ours.example' }] } })
    expect(received(OFFER, ...open, ...lies, stanza('victim.example')).state).toMatchObject({ because: { condition: 'invalid-from' } })
  })
})

it('D7: a certificate that is judged once for the stream lets in every domain; judged for each key, its own alone (CVE-2021-32919)', () => {
  const offer: Terms = { ...OFFER, dialback: 'never' }
  // What was found for the header, taken for the key.
  expect(received(offer, ...inside(true), key('victim.example', true)).state).toMatchObject({ standing: { authenticated: [{ from: 'victim.example' }] } })
  for (const [which, then] of [[offer, 'send-dialback-result'], [OFFER, 'verify-key']] as const) {
    const { state, told } = received(which, ...inside(true), key('victim.example'))
    expect(told.at(-1)?.do).toBe(then)
    expect(state).toMatchObject({ standing: { authenticated: [] } })
  }
  // Nor is any certificate one for what is said in clear.
  expect(received({ ...OFFER, tls: 'optional', dialback: 'always' }, named(), key('partner.example', true)).told.at(-1)?.do).toBe('verify-key')
})

it('D9: a domain that ends, begins or goes on like another is another', () => {
  const victim = 'partner.example'
  const likes = ['evilpartner.example', 'evil.partner.example', 'partner.example.evil.example', 'partner.exampleevil', 'partner.exampl', 'artner.example', 'partner-example', 'partner.example.example']
  expect(likes.filter(like => like.endsWith(victim) || like.startsWith(victim) || victim.includes(like))).toHaveLength(7)
  for (const like of likes) {
    expect(last({ kind: 'starttls', tls: 'offered', authenticate: ['dialback'], pair: PAIR }, ...starttls, features({ dialback: true }), result(like, 'ours.example')).at).toBe('closed')
    expect(received(OFFER, ...inside(true), external(like)).told.at(-1)).toEqual({ do: 'send-sasl-failure', condition: 'invalid-authzid' })
    expect(received(OFFER, ...inside(true), external(victim), named({}, true), stanza(like)).state).toMatchObject({ because: { condition: 'invalid-from' } })
  }
})

describe('D10: one domain in forty dresses', () => {
  const SAME = ['partner.example', 'PARTNER.EXAMPLE', 'Partner.Example', 'partner.EXAMPLE', 'pArTnEr.eXaMpLe', 'partner.example.', 'PARTNER.EXAMPLE.', 'pArtner.example.']
  const SAME_IDN = ['m\u00FCller.example', 'M\u00DCLLER.example', 'mu\u0308ller.example', 'MU\u0308LLER.EXAMPLE', 'm\u00FCller.example.', 'xn--mller-kva.example', 'XN--MLLER-KVA.EXAMPLE', 'Xn--Mller-Kva.example.']
  const ANOTHER = ['\uFF50artner.example', 'p\u0430rtner.example', 'partner\uFF0Dx.example', 'partner.examp\u2113e', 'www.partner.example', 'partner.example.example']
  const NONE = [
    '', '.', '..', 'partner..example', '.partner.example', 'partner.example..', ' partner.example', 'partner.example ', 'partner .example', 'partner.example\t', 'partner.example\n', 'partner.example\0',
    'partner.example\u200B', 'partner\u00AD.example', 'partner\u3002example', 'partner\uFF0Eexample', '*.partner.example', 'user@partner.example', 'partner.example/x', 'partner.example:5269', '[2001:db8::1]', '2001:db8::1',
    '[::ffff:192.0.2.1]', 'partner,example', '-partner.example', 'partner-.example', `${'x'.repeat(64)}.example`, `${'x.'.repeat(130)}example`,
  ]
  it('is forty and more', () => expect(SAME.length + SAME_IDN.length + ANOTHER.length + NONE.length).toBeGreaterThan(40))
  it('is one where it is one: what is ours cannot come in by another spelling', () => {
    expect(SAME.filter(each => each !== 'partner.example')).toHaveLength(7) // compared as text, all of these get past "not in our name"
    for (const each of SAME) expect(received({ ...OFFER, serves: ['ours.example', 'partner.example'] }, named({ from: each })).state).toMatchObject({ because: { condition: 'not-authorized' } })
    expect(new Set(SAME.map(canonicalDomain))).toEqual(new Set(['partner.example']))
    expect(new Set(SAME_IDN.map(canonicalDomain))).toEqual(new Set(['xn--mller-kva.example']))
    for (const each of SAME_IDN) expect(received({ ...OFFER, serves: ['ours.example', 'xn--mller-kva.example'] }, named({ from: each })).state).toMatchObject({ because: { condition: 'not-authorized' } })
  })
  it('is another where it only looks the same', () => {
    expect('\uFF50artner.example'.normalize('NFKC')).toBe('partner.example') // folded, as some do, it becomes the victim
    for (const each of ANOTHER) expect(canonicalDomain(each)).not.toBe('partner.example')
    for (const each of ANOTHER) expect(received(OFFER, ...inside(true), external('partner.example'), named({}, true), stanza(each)).state).toMatchObject({ at: 'closed', because: { why: 'broke-protocol' } })
  })
  it('is none where it is none, and ends the stream', () => {
    for (const each of NONE) {
      expect(canonicalDomain(each)).toBeUndefined()
      expect(received(OFFER, named({ from: each })).state).toMatchObject({ because: { condition: 'improper-addressing' } })
      expect(received(OFFER, ...inside(), key(each)).state).toMatchObject({ because: { condition: 'improper-addressing' } })
    }
  })
})

it('D11: a restart under another name (CVE-2018-10847)', () => {
  const restarts = [...inside(true), external('partner.example'), named({ from: 'victim.example' }, false)]
  // Whoever takes the last header for who speaks.
  expect(restarts.findLast(event => event.on === 'header')?.header.from).toBe('victim.example')
  expect(received(OFFER, ...restarts).state).toMatchObject({ because: { condition: 'improper-addressing' } })
  for (const other of [{ from: 'victim.example' }, { to: 'chat.ours.example' }, { from: 'evilpartner.example' }]) {
    expect(received(OFFER, named(), { on: 'starttls' }, secured, named(other, true)).state).toMatchObject({ because: { condition: 'improper-addressing' } })
  }
})

it('D13: a header or a key in the name of what is served here', () => {
  const [from, offer] = ['chat.ours.example', { ...OFFER, tls: 'optional', dialback: 'always' } as const]
  // Where only the one addressed is known to be ours, the other may come in.
  expect(received({ ...offer, serves: ['ours.example'] }, named({ from })).state.at).toBe('negotiating')
  expect(received({ ...offer, serves: ['ours.example'] }, named(), key(from)).told.at(-1)?.do).toBe('verify-key')
  expect(received(offer, named({ from })).state).toMatchObject({ because: { condition: 'not-authorized' } })
  expect(received(offer, named(), key(from)).told.at(-1)).toMatchObject({ answer: { type: 'error', condition: 'policy-violation' } })
})

it('D14, D15: an identity in <auth/> is the one that the certificate proves now, whatever it did when the header came, or none', () => {
  const claims = external('victim.example')
  expect(claims).toMatchObject({ authzid: 'victim.example' }) // all that one needs who asks for no more
  expect(received(OFFER, ...inside(true), claims).told.at(-1)).toEqual({ do: 'send-sasl-failure', condition: 'invalid-authzid' })
  expect(received(OFFER, ...inside(true), external('partner.example', false)).told.at(-1)).toEqual({ do: 'send-sasl-failure', condition: 'not-authorized' })
  expect(received(OFFER, ...inside(true), external('partner.example')).told.at(-1)).toEqual({ do: 'send-sasl-success', pair: { from: 'partner.example', to: 'ours.example' } })
})

/** Whom a server lets in that believes whatever says valid. */
function believed (events: readonly Event[]): string[] {
  return events.flatMap(event => (event.on === 'dialback-result' || event.on === 'dialback-verified') && event.answer.type === 'valid' ? [event.from] : [])
}

function last (plan: Plan, ...events: readonly Event[]): State {
  let [state] = begin(plan)
  for (const event of events) [state] = advance(state, event)
  return state
}

function received (offer: Terms, ...events: readonly ReceivingEvent[]): { state: ReceivingState, told: Command[] } {
  let [state, ...commands] = accept(offerOf(offer))
  const told = commands
  for (const event of events) {
    [state, ...commands] = advanceReceiving(state, event)
    told.push(...commands)
  }
  return { state, told }
}

function said (plan: Plan, ...events: Event[]): string[] {
  let [state, ...commands] = begin(plan)
  const all = commands.map(command => command.do)
  for (const event of events) {
    [state, ...commands] = advance(state, event)
    all.push(...commands.map(command => command.do))
  }
  return all
}
