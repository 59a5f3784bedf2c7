/**
 * The initiating side of an S2S stream as a table of states (RFC 6120 §4 to §6, XEP-0178, XEP-0288, XEP-0220 §2.1.1 and, for the stream on which
 * a receiving server asks back, §2.2.1). Event in, next state and commands out; nothing here waits, sends or decides how bad something is.
 * A pair of state and event without a row closes the stream and names both.
 */
import type { EndpointKind, Failure, FeaturesSeen, HeaderSeen, StreamCondition } from '@dialtone/contracts'
import { SERVER } from '../namespaces.ts'
import type { DialbackAnswer, Event } from './event.ts'
import { isLegacy } from '../read-header.ts'
import { pairOfAddresses, pairOfDomains, reversed, samePair, type Pair } from './pair.ts'

/** What the stream is for; it does not change while the stream lives, but that it is not bidirectional with a peer that has proved nothing. */
export type Plan = {
  kind: EndpointKind
  /** `offered`: STARTTLS when the peer offers it. `insist`: ask for it even if not, and never go on in clear. `never`: stay in clear. Without meaning for direct TLS. */
  tls: 'offered' | 'insist' | 'never'
} & (
  /** Look and leave: a clean close after the last features, or after the answer to one db:verify. */
  | { authenticate: 'none', question?: Question }
  /** Authenticate as `pair.from`, by EXTERNAL before dialback, as far as these allow and the peer offers. */
  | { authenticate: readonly ('external' | 'dialback')[], pair: Pair, certificate?: 'any' | 'valid', bidi?: boolean, /** XEP-0198, without resumption, where the peer offers it. */ streamManagement?: boolean, /** For the test of row C3 alone. */ externalInClear?: true }
)

/** What a receiving server asks the authoritative one: `id` is that of the stream on which the key came. */
export type Question = Pair & { id: string, key: string }

export type State =
  /** The handshake owns the connection; on direct TLS it comes first. */
  | { at: 'handshaking', plan: Plan }
  | { at: 'awaiting-header', plan: Plan, secured: boolean, authenticated: boolean, bidi: boolean }
  | { at: 'awaiting-features', plan: Plan, secured: boolean, authenticated: boolean, bidi: boolean, header: HeaderSeen }
  | { at: 'awaiting-proceed', plan: Plan }
  | { at: 'awaiting-sasl', plan: Plan, bidi: boolean, header: HeaderSeen, features: FeaturesSeen }
  | { at: 'awaiting-dialback', plan: Plan, bidi: boolean, pair: Pair, features: FeaturesSeen }
  | { at: 'awaiting-answer', plan: Plan, question: Question }
  /** `managed`: stanzas are counted both ways (XEP-0198), once the peer has said so. */
  | { at: 'established', plan: Plan, by: 'external' | 'dialback', bidi: boolean, managed: 'no' | 'asked' | 'yes' }
  /** Our footer is sent; the peer's is due. `live`: what an established stream still brings. */
  | { at: 'closing', plan: Plan, answer?: DialbackAnswer, live?: { bidi: boolean, managed: boolean } }
  /** `because` is absent after a clean close. `answer` is that to the question, or how dialback was denied. */
  | { at: 'closed', plan: Plan, because?: Failure, answer?: DialbackAnswer }

export type Command =
  | { do: 'start-tls' }
  | { do: 'send-header' }
  | { do: 'send-starttls' }
  | { do: 'send-bidi' }
  | { do: 'send-external' }
  | { do: 'send-dialback-key', streamId: string, secured: boolean }
  | { do: 'send-dialback-question', question: Question }
  /** A stanza of the peer on a bidirectional stream. */
  | { do: 'deliver', pair: Pair }
  /** On a bidirectional stream: say whether the key is ours (XEP-0220 §2.2.2); and that no other pair is taken on it. */
  | { do: 'answer-question', pair: Pair, id: string, key: string }
  | { do: 'send-dialback-result', pair: Pair, answer: DialbackAnswer }
  /** XEP-0198: `<enable/>`, `<a/>` with what was handled, and what the peer has handled. */
  | { do: 'send-enable' }
  | { do: 'send-acknowledgement' }
  | { do: 'acknowledged', handled: number }
  | { do: 'send-error', condition: StreamCondition, text?: string }
  | { do: 'send-footer' }
  | { do: 'close' }

type At<S extends State['at']> = Extract<State, { at: S }>
type Step = [State, ...Command[]]
type Row<S extends State['at']> = { [E in Event['on']]?: (state: At<S>, event: Extract<Event, { on: E }>) => Step }

/** The state in which a new connection begins, and what to do first. */
export function begin (plan: Plan): Step {
  return plan.kind === 'direct'
    ? [{ at: 'handshaking', plan }, { do: 'start-tls' }]
    : [{ at: 'awaiting-header', plan, secured: false, authenticated: false, bidi: false }, { do: 'send-header' }]
}

/** One step of the table. */
export function advance (state: State, event: Event): Step {
  const rule = (table[state.at] as AnyRow)[event.on] ?? (state.at === 'closed' ? undefined : (anywhere as AnyRow)[event.on])
  if (rule !== undefined) return rule(state, event)
  return state.at === 'closed' ? [state] : broke(state, 'undefined-condition', `${event.on === 'unknown-element' ? `element ${event.name}` : event.on} while ${state.at}`)
}

type AnyRow = Partial<Record<Event['on'], (state: State, event: Event) => Step>>

const table: { [S in State['at']]: Row<S> } = {
  handshaking: {
    secured: ({ plan: planned }, { identity }) => {
      // Whoever is let speak by a stream of ours has to be proved: by its certificate, or, where dialback is good enough, by that DNS led us to it (XEP-0288 §3).
      const proved = planned.authenticate === 'none' || planned.bidi !== true || identity || planned.authenticate.includes('dialback')
      const plan: Plan = proved ? planned : { ...planned, bidi: false }
      if (plan.authenticate === 'none' || plan.certificate !== 'valid' || identity) return [{ at: 'awaiting-header', plan, secured: true, authenticated: false, bidi: false }, { do: 'send-header' }]
      // A silent close would leave the peer's operator without a reason, so the stream is opened to give one.
      return [{ at: 'closed', plan, because: broken('not-authorized', 'the certificate is not good for the domain') }, { do: 'send-header' }, { do: 'send-error', condition: 'not-authorized' }, { do: 'send-footer' }, { do: 'close' }]
    },
  },
  'awaiting-header': {
    header: (state, { header }) => {
      const { plan, secured, authenticated, bidi } = state
      // A light check reports what it sees; whoever relies on the stream refuses what is no S2S stream.
      if (plan.authenticate !== 'none' && header.contentNamespace !== SERVER) return broke(state, 'invalid-namespace', 'the content namespace is not jabber:server')
      if (!isLegacy(header)) return [{ at: 'awaiting-features', plan, secured, authenticated, bidi, header }]
      // Before XMPP 1.0 there were no features: the header is all that comes (RFC 6120 §4.7.5), and dialback may begin.
      if (authenticated || (plan.authenticate !== 'none' && plan.tls === 'insist' && !secured)) return broke(state, 'unsupported-version', 'a header without version')
      return afterFeatures(plan, secured, header, NO_FEATURES)
    },
  },
  'awaiting-features': {
    features: ({ plan, secured, authenticated, bidi, header }, { features }) => {
      if (authenticated) return established(plan, 'external', bidi, features)
      const wanted = plan.tls === 'insist' || (plan.tls === 'offered' && features.starttls !== 'absent')
      if (!secured && wanted) return [{ at: 'awaiting-proceed', plan }, { do: 'send-starttls' }]
      return afterFeatures(plan, secured, header, features)
    },
  },
  'awaiting-proceed': {
    proceed: ({ plan }) => [{ at: 'handshaking', plan }, { do: 'start-tls' }],
    'starttls-failure': ({ plan }) => [{ at: 'closed', plan, because: { at: 'starttls', why: 'refused' } }, { do: 'close' }],
  },
  'awaiting-sasl': {
    'sasl-success': ({ plan, bidi }) => [{ at: 'awaiting-header', plan, secured: true, authenticated: true, bidi }, { do: 'send-header' }],
    // XEP-0178 §3 step 11: after a refusal the stream stays, and dialback may follow.
    'sasl-failure': ({ plan, bidi, header, features }, { condition, text }) => toDialback(plan, true, header, features, bidi) ?? leave(plan, refusal(condition, text)),
  },
  'awaiting-dialback': {
    'dialback-result': (state, { from, to, answer }) => {
      const { plan, bidi, pair, features } = state
      if (!answers(pair, from, to)) return broke(state, 'invalid-from', 'a dialback result for a pair that was not asked for')
      return answer.type === 'valid' ? established(plan, 'dialback', bidi, features) : [{ at: 'closed', plan, answer }, { do: 'send-footer' }, { do: 'close' }]
    },
  },
  'awaiting-answer': {
    'dialback-verified': (state, { from, to, id, answer }) => {
      const { plan, question } = state
      if (id !== question.id || !answers(question, from, to)) return broke(state, 'invalid-id', 'an answer to a question that was not asked')
      return [{ at: 'closing', plan, answer }, { do: 'send-footer' }]
    },
  },
  established: {
    stanza: (state, { from, to }) => {
      if (!state.bidi) return broke(state, 'not-authorized', 'a stanza on a stream that is not bidirectional')
      const pair = ofPeer(state.plan, from, to)
      return pair === undefined ? broke(state, 'invalid-from', 'a stanza of a pair that is not authenticated') : [state, { do: 'deliver', pair }]
    },
    // A peer may ask by the stream that it has, and is told to prove what else it wants by another (XEP-0220 §2.5, XEP-0288).
    'dialback-question': (state, { from, to, id, key }) => {
      const pair = pairOfDomains(from, to)
      if (!state.bidi || pair === undefined || id === '') return broke(state, 'undefined-condition', 'a dialback question on a stream that is not bidirectional, or that makes no sense')
      return [state, { do: 'answer-question', pair, id, key }]
    },
    'dialback-key': (state, { from, to }) => {
      const pair = pairOfDomains(from, to)
      if (!state.bidi || pair === undefined) return broke(state, 'undefined-condition', 'a dialback key on a stream that is not bidirectional, or that makes no sense')
      return [state, { do: 'send-dialback-result', pair, answer: { type: 'error', condition: 'resource-constraint' } }]
    },
    'stream-management': (state, { name, handled }) => {
      const { managed } = state
      if (managed === 'asked' && name === 'enabled') return [{ ...state, managed: 'yes' }]
      if (managed === 'asked' && name === 'failed') return [{ ...state, managed: 'no' }]
      // What the peer says of it unasked means nothing.
      if (managed !== 'yes') return [state]
      if (name === 'r') return [state, { do: 'send-acknowledgement' }]
      return name === 'a' && handled !== undefined ? [state, { do: 'acknowledged', handled }] : broke(state, 'undefined-condition', `stream management, <${name}/>, that makes no sense`)
    },
    withdrawn: (state, { pair }) => state.plan.authenticate !== 'none' && (samePair(pair, state.plan.pair) || (state.bidi && samePair(pair, reversed(state.plan.pair)))) ? goodbye(state) : [state],
    draining: state => goodbye(state),
    footer: ({ plan }) => [{ at: 'closed', plan }, { do: 'send-footer' }, { do: 'close' }],
    silence: state => goodbye(state),
  },
  closing: {
    footer: state => done(state),
    silence: state => done(state),
    // What was on its way when we said goodbye matters only on an established stream.
    features: state => [state],
    stanza: (state, { from, to }) => {
      const pair = state.live?.bidi === true ? ofPeer(state.plan, from, to) : undefined
      return pair === undefined ? [state] : [state, { do: 'deliver', pair }]
    },
    'stream-management': (state, { name, handled }) => state.live?.managed === true && name === 'a' && handled !== undefined ? [state, { do: 'acknowledged', handled }] : [state],
    withdrawn: state => [state],
    draining: state => [state],
    close: state => done(state),
    'unknown-element': state => [state],
    'dialback-key': state => [state],
    'dialback-question': state => [state],
    'dialback-result': state => [state],
    'dialback-verified': state => [state],
  },
  closed: {},
}

/** What any open state does with these; its own row speaks first. */
const anywhere: Row<State['at']> = {
  'stream-error': (state, { condition, text, application, elsewhere }) => over(state, {
    at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }), ...(application === undefined ? {} : { application }), ...(elsewhere === undefined ? {} : { detail: `sends us to ${elsewhere}` }),
  }),
  withdrawn: (state, { pair }) => state.plan.authenticate !== 'none' && samePair(pair, state.plan.pair) ? over(state) : [state],
  draining: state => over(state),
  close: (state, { condition, text }) => condition === undefined && state.at === 'established' ? goodbye(state) : over(state, undefined, condition, text),
  footer: (state, { received }) => over(state, { at: 'stream', why: 'ended', received }),
  silence: (state, { received }) => over(state, { at: 'stream', why: 'went-silent', received, detail: state.at }, 'connection-timeout'),
  stopped: (state, { failure }) => failure.at === 'stream' && failure.why === 'broke-protocol'
    ? over(state, failure, failure.condition)
    : [closed(state, failure), { do: 'close' }],
}

const NO_FEATURES: FeaturesSeen = { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }

function afterFeatures (plan: Plan, secured: boolean, header: HeaderSeen, features: FeaturesSeen): Step {
  if (plan.authenticate === 'none') {
    return plan.question === undefined ? [{ at: 'closing', plan }, { do: 'send-footer' }] : [{ at: 'awaiting-answer', plan, question: plan.question }, { do: 'send-dialback-question', question: plan.question }]
  }
  // XEP-0288 §2.2: after TLS, before authentication.
  const bidi = secured && plan.bidi === true && features.bidi
  const first: Command[] = bidi ? [{ do: 'send-bidi' }] : []
  if ((secured || plan.externalInClear === true) && plan.authenticate.includes('external') && features.mechanisms.includes('EXTERNAL')) return [{ at: 'awaiting-sasl', plan, bidi, header, features }, ...first, { do: 'send-external' }]
  const [next, ...commands] = toDialback(plan, secured, header, features, bidi) ?? leave(plan, refusal('unsupported-feature', 'neither EXTERNAL nor dialback can be used'))
  return [next, ...(next.at === 'closed' ? [] : first), ...commands]
}

/** Dialback is offered by the feature or by its namespace on the header (XEP-0220 §2.1), and needs the stream's id. */
function toDialback (plan: Plan, secured: boolean, header: HeaderSeen, features: FeaturesSeen, bidi: boolean): Step | undefined {
  if (plan.authenticate === 'none' || !plan.authenticate.includes('dialback') || header.id === undefined || !(features.dialback || header.dialbackNamespace)) return undefined
  return [{ at: 'awaiting-dialback', plan, bidi, pair: plan.pair, features }, { do: 'send-dialback-key', streamId: header.id, secured }]
}

/** From here on stanzas flow. Stream management comes after authentication (XEP-0198 §3). */
function established (plan: Plan, by: 'external' | 'dialback', bidi: boolean, features: FeaturesSeen): Step {
  const asks = plan.authenticate !== 'none' && plan.streamManagement === true && features.streamManagement
  return [{ at: 'established', plan, by, bidi, managed: asks ? 'asked' : 'no' }, ...(asks ? [{ do: 'send-enable' } as const] : [])]
}

/** The pair of a stanza of the peer, if it is the one that a bidirectional stream is for. */
function ofPeer (plan: Plan, from: string | undefined, to: string | undefined): Pair | undefined {
  const pair = pairOfAddresses(from, to)
  return plan.authenticate !== 'none' && pair !== undefined && samePair(pair, reversed(plan.pair)) ? pair : undefined
}

/** The end that is no failure: what the peer has on its way is waited for. */
function goodbye ({ plan, bidi, managed }: At<'established'>): Step {
  return [{ at: 'closing', plan, live: { bidi, managed: managed === 'yes' } }, { do: 'send-footer' }]
}

/** An answer belongs to a request only with exactly its domains, the other way round (XEP-0220 §3.1). */
function answers (asked: Pair, from: string, to: string): boolean {
  const pair = pairOfDomains(from, to)
  return pair !== undefined && samePair(pair, reversed(asked))
}

function refusal (condition: string, text: string | undefined): Failure {
  return { at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }) }
}

function leave (plan: Plan, because: Failure): Step {
  return [{ at: 'closed', plan, because }, { do: 'send-footer' }, { do: 'close' }]
}

function broke (state: State, condition: StreamCondition, detail: string): Step {
  return over(state, broken(condition, detail), condition, detail)
}

function broken (condition: StreamCondition, detail: string): Failure {
  return { at: 'stream', why: 'broke-protocol', condition, detail }
}

/** The end, with an error where it is ours to give. Nothing is said into a handshake or after our footer. */
function over (state: State, because?: Failure, condition?: StreamCondition, text?: string): Step {
  const error: Command[] = condition === undefined ? [] : [{ do: 'send-error', condition, ...(text === undefined ? {} : { text }) }]
  const last: Command[] = state.at === 'handshaking' || state.at === 'closing' ? [] : [...error, { do: 'send-footer' }]
  return [closed(state, because), ...last, { do: 'close' }]
}

/** What was asked and answered before the end stays known. */
function closed (state: State, because?: Failure): State {
  return { at: 'closed', plan: state.plan, ...(because === undefined ? {} : { because }), ...(state.at === 'closing' && state.answer !== undefined ? { answer: state.answer } : {}) }
}

function done ({ plan, answer }: At<'closing'>): Step {
  return [{ at: 'closed', plan, ...(answer === undefined ? {} : { answer }) }, { do: 'close' }]
}
