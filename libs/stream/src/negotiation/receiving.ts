/**
 * The receiving side of an S2S stream as a table of states (RFC 6120 §4 to §6, XEP-0178, XEP-0220 §2.1.2 and §2.2). It also answers db:verify
 * in the authoritative role. What needs policy, keys or another stream is a command; its result comes back as an event.
 */
import type { Failure, StreamCondition } from '@dialtone/contracts'
import type { DialbackAnswer, Event as StreamEvent } from './event.ts'

/** What this side offers; it does not change while the stream lives. */
export type Offer = {
  kind: 'starttls' | 'direct'
  tls: 'required' | 'optional' | 'never'
  dialback: boolean
  /** Domains that are served here: a header to another is `host-unknown`. */
  serves: readonly string[]
}

export type Pair = { from: string, to: string }

export type State =
  | { at: 'awaiting-header', offer: Offer, secured: boolean, identity: boolean, first?: Pair, authenticated: readonly Pair[] }
  | { at: 'negotiating', offer: Offer, secured: boolean, identity: boolean, pair: Pair, authenticated: readonly Pair[], pending: readonly Pair[] }
  | { at: 'handshaking', offer: Offer, first?: Pair }
  | { at: 'closed', offer: Offer, because?: Failure }

/** What came of a command that had to ask elsewhere. */
export type Event = StreamEvent | { on: 'dialback-judged', pair: Pair, answer: DialbackAnswer }

export type Command =
  | { do: 'start-tls' }
  | { do: 'send-header', pair: Pair }
  | { do: 'send-features', starttls: 'required' | 'optional' | 'absent', external: boolean, dialback: boolean }
  | { do: 'send-proceed' }
  | { do: 'send-starttls-failure' }
  | { do: 'send-sasl-success' }
  | { do: 'send-sasl-failure', condition: 'encryption-required' | 'invalid-mechanism' | 'invalid-authzid' | 'not-authorized' }
  /** Ask the authoritative server of `pair.from`; `dialback-judged` brings the answer. */
  | { do: 'verify-key', pair: Pair, key: string }
  /** Compute whether the key is ours, and send the answer (XEP-0220 §2.2.2). */
  | { do: 'answer-question', pair: Pair, id: string, key: string }
  | { do: 'send-dialback-result', pair: Pair, answer: DialbackAnswer }
  | { do: 'deliver', pair: Pair }
  | { do: 'send-error', condition: StreamCondition }
  | { do: 'send-footer' }
  | { do: 'close' }

type At<S extends State['at']> = Extract<State, { at: S }>
type Step = [State, ...Command[]]
type Row<S extends State['at']> = { [E in Event['on']]?: (state: At<S>, event: Extract<Event, { on: E }>) => Step }

/** Pairs that may wait for their verification on one stream. */
const PENDING = 4

/** The state in which an accepted connection begins, and what to do first. */
export function accept (offer: Offer): Step {
  return offer.kind === 'direct'
    ? [{ at: 'handshaking', offer }, { do: 'start-tls' }]
    : [{ at: 'awaiting-header', offer, secured: false, identity: false, authenticated: [] }]
}

/** One step of the table. */
export function advanceReceiving (state: State, event: Event): Step {
  const row = table[state.at] as Partial<Record<Event['on'], (state: State, event: Event) => Step>>
  const everywhere = anywhere as Partial<Record<Event['on'], (state: State, event: Event) => Step>>
  const rule = row[event.on] ?? (state.at === 'closed' ? undefined : everywhere[event.on])
  if (rule !== undefined) return rule(state, event)
  return state.at === 'closed' ? [state] : end(state.offer, 'undefined-condition', `${event.on} while ${state.at}`)
}

const table: { [S in State['at']]: Row<S> } = {
  handshaking: {
    secured: ({ offer, first }, { identity }) => [{ at: 'awaiting-header', offer, secured: true, identity, ...(first === undefined ? {} : { first }), authenticated: [] }],
  },
  'awaiting-header': {
    header: (state, { header }) => {
      const { offer, secured, identity, first, authenticated } = state
      const pair = { from: header.from ?? first?.from ?? '', to: header.to ?? first?.to ?? '' }
      const greeting: Command = { do: 'send-header', pair }
      if (header.contentNamespace !== 'jabber:server') return refuse(offer, greeting, 'invalid-namespace', 'the content namespace is not jabber:server')
      // A header may not become another after TLS or SASL (RFC 6120 §4.7.1, §4.7.2).
      if (first !== undefined && (pair.from !== first.from || pair.to !== first.to)) return refuse(offer, greeting, 'improper-addressing', 'from or to changed with the restart')
      if (pair.to === '') return refuse(offer, greeting, 'improper-addressing', 'a header without to')
      if (!offer.serves.includes(pair.to)) return refuse(offer, greeting, 'host-unknown', pair.to)
      if (offer.serves.includes(pair.from)) return refuse(offer, greeting, 'not-authorized', 'from is served here')
      const starttls = secured || offer.tls === 'never' ? 'absent' : offer.tls
      const external = secured && identity && authenticated.length === 0
      return [{ at: 'negotiating', offer, secured, identity, pair, authenticated, pending: [] }, greeting, { do: 'send-features', starttls, external, dialback: offer.dialback }]
    },
  },
  negotiating: {
    starttls: ({ offer, secured, pair }) => secured || offer.tls === 'never'
      ? [{ at: 'closed', offer, because: broken('unsupported-stanza-type', 'starttls was not offered') }, { do: 'send-starttls-failure' }, { do: 'send-footer' }, { do: 'close' }]
      : [{ at: 'handshaking', offer, first: pair }, { do: 'send-proceed' }, { do: 'start-tls' }],
    'sasl-auth': (state, { mechanism, authzid }) => {
      const { offer, secured, identity, pair, authenticated } = state
      if (!secured) return [state, { do: 'send-sasl-failure', condition: 'encryption-required' }]
      if (mechanism !== 'EXTERNAL') return [state, { do: 'send-sasl-failure', condition: 'invalid-mechanism' }]
      if (!identity) return [state, { do: 'send-sasl-failure', condition: 'not-authorized' }]
      if (authzid !== undefined && authzid !== base64(pair.from)) return [state, { do: 'send-sasl-failure', condition: 'invalid-authzid' }]
      return [{ at: 'awaiting-header', offer, secured, identity, first: pair, authenticated: [...authenticated, pair] }, { do: 'send-sasl-success' }]
    },
    'dialback-key': (state, { from, to, key }) => {
      const { offer, secured, pending } = state
      const pair = { from, to }
      const deny = (condition: string): Step => [state, { do: 'send-dialback-result', pair, answer: { type: 'error', condition } }]
      if (from === '' || to === '') return end(offer, 'improper-addressing', 'db:result without from or to')
      if (!offer.serves.includes(to)) return deny('item-not-found')
      if (offer.serves.includes(from)) return deny('policy-violation')
      if (!secured && offer.tls === 'required') return deny('policy-violation')
      if (!offer.dialback) return deny('not-authorized')
      if (key === '' || key.length > 1024) return deny('bad-request')
      if (pending.some(other => same(other, pair))) return deny('conflict')
      if (pending.length >= PENDING) return deny('resource-constraint')
      return [{ ...state, pending: [...pending, pair] }, { do: 'verify-key', pair, key }]
    },
    'dialback-judged': (state, { pair, answer }) => {
      const { offer, authenticated, pending } = state
      if (!pending.some(other => same(other, pair))) return [state]
      const rest = pending.filter(other => !same(other, pair))
      if (answer.type === 'valid') return [{ ...state, pending: rest, authenticated: [...authenticated, pair] }, { do: 'send-dialback-result', pair, answer }]
      // An invalid key ends the stream, unless other pairs live on it (XEP-0220 §2.2.1).
      if (answer.type === 'invalid' && authenticated.length === 0) return [{ at: 'closed', offer }, { do: 'send-dialback-result', pair, answer }, { do: 'send-footer' }, { do: 'close' }]
      return [{ ...state, pending: rest }, { do: 'send-dialback-result', pair, answer: answer.type === 'invalid' ? { type: 'error', condition: 'forbidden' } : answer }]
    },
    'dialback-question': (state, { from, to, id, key }) => from === '' || to === '' || id === ''
      ? end(state.offer, 'improper-addressing', 'db:verify without from, to or id')
      : [state, { do: 'answer-question', pair: { from, to }, id, key }],
    bidi: state => [state],
    stanza: (state, { from, to }) => {
      const pair = { from: domainOf(from), to: domainOf(to) }
      if (pair.from === '' || pair.to === '') return end(state.offer, 'improper-addressing', 'a stanza without from or to')
      return state.authenticated.some(other => same(other, pair)) ? [state, { do: 'deliver', pair }] : end(state.offer, state.authenticated.length === 0 ? 'not-authorized' : 'invalid-from', 'a stanza of a pair that is not authenticated')
    },
    'unknown-element': (state, { name }) => end(state.offer, 'unsupported-stanza-type', name),
    footer: ({ offer }) => [{ at: 'closed', offer }, { do: 'send-footer' }, { do: 'close' }],
  },
  closed: {},
}

/** What any open state does with these; its own row speaks first. */
const anywhere: Row<State['at']> = {
  'stream-error': ({ offer }, { condition, text }) => [{ at: 'closed', offer, because: { at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }) } }, { do: 'send-footer' }, { do: 'close' }],
  footer: ({ offer }, { received }) => [{ at: 'closed', offer, because: { at: 'stream', why: 'ended', received } }, { do: 'send-footer' }, { do: 'close' }],
  silence: ({ offer }) => end(offer, 'connection-timeout', 'nothing came in time'),
  stopped: ({ offer }, { failure }) => failure.at === 'stream' && failure.why === 'broke-protocol'
    ? [{ at: 'closed', offer, because: failure }, { do: 'send-error', condition: failure.condition }, { do: 'send-footer' }, { do: 'close' }]
    : [{ at: 'closed', offer, because: failure }, { do: 'close' }],
}

function refuse (offer: Offer, greeting: Command, condition: StreamCondition, detail: string): Step {
  return [{ at: 'closed', offer, because: broken(condition, detail) }, greeting, { do: 'send-error', condition }, { do: 'send-footer' }, { do: 'close' }]
}

function end (offer: Offer, condition: StreamCondition, detail: string): Step {
  return [{ at: 'closed', offer, because: broken(condition, detail) }, { do: 'send-error', condition }, { do: 'send-footer' }, { do: 'close' }]
}

function broken (condition: StreamCondition, detail: string): Failure {
  return { at: 'stream', why: 'broke-protocol', condition, detail }
}

function same (a: Pair, b: Pair): boolean {
  return a.from === b.from && a.to === b.to
}

function domainOf (address: string | undefined): string {
  return (address ?? '').replace(/\/.*$/s, '').replace(/^.*@/s, '')
}

/** Base64 of an ASCII domain: what an authorisation identity is compared with. */
function base64 (text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  let out = ''
  for (let at = 0; at < text.length; at += 3) {
    const bits = (text.charCodeAt(at) << 16) | ((text.charCodeAt(at + 1) || 0) << 8) | (text.charCodeAt(at + 2) || 0)
    out += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]! + (at + 1 < text.length ? alphabet[(bits >> 6) & 63]! : '=') + (at + 2 < text.length ? alphabet[bits & 63]! : '=')
  }
  return out
}
