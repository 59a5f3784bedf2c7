/**
 * The receiving side of an S2S stream as a table of states (RFC 6120 §4 to §6, XEP-0178, XEP-0288, XEP-0220 §2.1.2 and §2.2). It also answers
 * db:verify in the authoritative role. What needs policy, keys or another stream is a command; its result comes back as an event.
 */
import type { Failure, StreamCondition } from '@dialtone/contracts'
import { canonicalDomain } from '../domain.ts'
import { SERVER } from '../namespaces.ts'
import { isLegacy } from '../read-header.ts'
import type { DialbackAnswer, Event as StreamEvent } from './event.ts'
import { pairOfAddresses, pairOfDomains, samePair, type Pair } from './pair.ts'
import type { Command, Named } from './receiving-command.ts'
import { offersDialback, refusalOf, takesKeys, type Offer } from './rules.ts'

export type State =
  | { at: 'awaiting-header', offer: Offer, secured: boolean, first?: Named, standing: Standing }
  | { at: 'negotiating', offer: Offer, secured: boolean, pair: Named, standing: Standing, pending: readonly Pending[] }
  | { at: 'handshaking', offer: Offer, first?: Named, standing: Standing }
  /** Our footer is sent; what the peer had on its way still counts, until its footer. */
  | { at: 'closing', offer: Offer, standing: Standing }
  | { at: 'closed', offer: Offer, because?: Failure }

/**
 * What outlives a stream restart by SASL; STARTTLS keeps only the counts. `asked` numbers the keys, so that a judgement is taken for no other key than
 * its own. `strikes` counts what is answered a few times and then ends the stream. `withdrawn` are pairs that were authenticated and no longer are.
 */
export type Standing = { authenticated: readonly Pair[], withdrawn: readonly Pair[], bidi: boolean, managed: boolean, asked: number, strikes: number }
type Pending = Pair & { number: number }

/** What came of a command that had to ask elsewhere: `number` is that of `verify-key`. */
export type Event = StreamEvent | { on: 'dialback-judged', number: number, answer: DialbackAnswer }

type At<S extends State['at']> = Extract<State, { at: S }>
type Step = [State, ...Command[]]
type Row<S extends State['at']> = { [E in Event['on']]?: (state: At<S>, event: Extract<Event, { on: E }>) => Step }

/** Pairs that may wait for their verification on one stream, and pairs that one stream may carry. */
const MOST_PENDING = 4
const MOST_PAIRS = 64
/** Refused SASL, keys in clear, answers that nobody asked for and the like, in all, before the stream ends. */
const MOST_STRIKES = 3

/** The state in which an accepted connection begins, and what to do first. */
export function accept (offer: Offer): Step {
  const standing: Standing = { authenticated: [], withdrawn: [], bidi: false, managed: false, asked: 0, strikes: 0 }
  return offer.kind === 'direct'
    ? [{ at: 'handshaking', offer, standing }, { do: 'start-tls' }]
    : [{ at: 'awaiting-header', offer, secured: false, standing }]
}

/** One step of the table. */
export function advanceReceiving (state: State, event: Event): Step {
  const rule = (table[state.at] as AnyRow)[event.on] ?? (state.at === 'closed' ? undefined : (anywhere as AnyRow)[event.on])
  if (rule !== undefined) return rule(state, event)
  return state.at === 'closed' ? [state] : end(state, OUT_OF_PLACE.has(event.on) ? 'unsupported-stanza-type' : 'undefined-condition', `${event.on} while ${state.at}`)
}

/** First-level elements that a receiving server sends, never the one that opened the stream (row X7). */
const OUT_OF_PLACE: ReadonlySet<Event['on']> = new Set<Event['on']>(['features', 'proceed', 'starttls-failure', 'sasl-success', 'sasl-failure'])

type AnyRow = Partial<Record<Event['on'], (state: State, event: Event) => Step>>

const table: { [S in State['at']]: Row<S> } = {
  handshaking: {
    secured: ({ offer, first, standing }) => [{ at: 'awaiting-header', offer, secured: true, ...(first === undefined ? {} : { first }), standing }],
    draining: ({ offer }) => [{ at: 'closed', offer }, { do: 'close' }],
    close: ({ offer }) => [{ at: 'closed', offer }, { do: 'close' }],
  },
  'awaiting-header': {
    header: (state, { header, identity = false }) => {
      const { offer, secured, first, standing } = state
      if (header.contentNamespace !== SERVER) return end(state, 'invalid-namespace', 'the content namespace is not jabber:server')
      const from = header.from === undefined ? first?.from ?? '' : canonicalDomain(header.from)
      // From before XMPP 1.0 the header may name nobody; the key that follows does (XEP-0220 §2.1.1).
      const nameless = isLegacy(header) && from !== undefined && offer.rules({ from, to: '' }).legacy ? '' : undefined
      const to = header.to === undefined ? first?.to ?? nameless : canonicalDomain(header.to)
      if (from === undefined || to === undefined) return end(state, 'improper-addressing', 'a header whose from or to is no domain')
      const pair = { from, to }
      // A header may not become another after TLS or SASL (RFC 6120 §4.7.1, §4.7.2), only name what it left out.
      if (first !== undefined && ((first.to !== '' && to !== first.to) || (first.from !== '' && from !== first.from))) return end(state, 'improper-addressing', 'from or to changed with the restart')
      const rules = offer.rules(pair)
      if (to !== '' && !rules.served) return end(state, 'host-unknown', `${to} is not served here`, pair)
      if (from !== '' && rules.ours) return end(state, 'not-authorized', `${from} is served here`, pair)
      // Not host-unknown, so that the peer's operator can tell.
      if (rules.denied === true) return end(state, 'policy-violation', 'the policy of this server refuses this peer', pair)
      if (isLegacy(header) && !(rules.legacy && rules.dialback !== 'never' && takesKeys(rules, secured))) return end(state, 'unsupported-version', 'a header without version', pair)
      const proved = secured && identity && from !== ''
      const next: State = { at: 'negotiating', offer, secured, pair, standing, pending: [] }
      const fresh = standing.authenticated.length === 0
      const features: Command = {
        do: 'send-features',
        starttls: secured || rules.tls === 'never' ? 'absent' : rules.tls,
        external: proved && fresh && rules.external,
        dialback: offersDialback(rules, secured),
        bidi: rules.bidi && secured && fresh,
        streamManagement: rules.streamManagement === true && (secured || rules.tls !== 'required'),
        ...(rules.limits === undefined ? {} : { limits: rules.limits }),
      }
      return [next, { do: 'send-header', pair, legacy: isLegacy(header) }, ...(isLegacy(header) ? [] : [features])]
    },
  },
  negotiating: {
    starttls: (state, { surplus = 0 }) => {
      const { offer, secured, pair, standing } = state
      if (secured || offer.rules(pair).tls === 'never') return [{ at: 'closed', offer, because: broken('unsupported-stanza-type', 'starttls was not offered') }, { do: 'send-starttls-failure' }, { do: 'send-footer' }, { do: 'close' }]
      // What was sent ahead in clear would be read as if it had come through TLS.
      if (surplus > 0) return end(state, 'not-well-formed', `${surplus} bytes in clear after starttls`)
      return [{ at: 'handshaking', offer, first: pair, standing: { ...standing, authenticated: [], withdrawn: [], bidi: false, managed: false } }, { do: 'send-proceed' }, { do: 'start-tls' }]
    },
    'sasl-auth': (state, { mechanism, authzid, identity = false }) => {
      const { offer, secured, pair, standing } = state
      const fail = (condition: Extract<Command, { do: 'send-sasl-failure' }>['condition']) => strike(state, 'not-authorized', 'refused authentication', { do: 'send-sasl-failure', condition })
      if (!secured) return fail('encryption-required')
      if (mechanism !== 'EXTERNAL') return fail('invalid-mechanism')
      if (authzid === undefined) return fail('incorrect-encoding')
      const rules = offer.rules(pair)
      // What was true when the header came may have been for its own time (I9): the offer is no promise.
      if (!identity || pair.from === '' || !rules.external || refusalOf(rules) !== undefined || standing.authenticated.length > 0) return fail('not-authorized')
      if (authzid !== '' && canonicalDomain(authzid) !== pair.from) return fail('invalid-authzid')
      return [{ at: 'awaiting-header', offer, secured, first: pair, standing: { ...standing, authenticated: [pair] } }, { do: 'send-sasl-success', pair }]
    },
    bidi: state => {
      const { offer, secured, pair, standing } = state
      return offer.rules(pair).bidi && secured && standing.authenticated.length === 0 ? [{ ...state, standing: { ...standing, bidi: true } }] : end(state, 'unsupported-feature', 'bidi was not offered')
    },
    'dialback-key': (state, { from, to, key, identity = false }) => {
      const { offer, secured, standing, pending } = state
      const pair = pairOfDomains(from, to)
      if (pair === undefined) return end(state, 'improper-addressing', 'db:result whose from or to is no domain')
      const denial = (condition: string): Command => ({ do: 'send-dialback-result', pair, answer: { type: 'error', condition } })
      if (key === '' || key.length > 1024) return [state, denial('bad-request')]
      const rules = offer.rules(pair)
      const refusal = refusalOf(rules)
      if (refusal !== undefined) return [state, denial(refusal)]
      if (!takesKeys(rules, secured)) return strike(state, 'policy-violation', 'dialback keys in clear', denial('policy-violation'))
      // XEP-0344 §2.4: a certificate is judged for the domain of this very key, never for that of the stream.
      if (secured && identity && rules.withoutDialback) return admitted(state, pair)
      if (rules.dialback === 'never') return [state, denial('not-authorized')]
      if (pending.some(other => samePair(other, pair))) return [state, denial('conflict')]
      if (pending.length >= MOST_PENDING || standing.authenticated.length + pending.length >= MOST_PAIRS) return [state, denial('resource-constraint')]
      const number = standing.asked + 1
      return [{ ...state, standing: { ...standing, asked: number }, pending: [...pending, { ...pair, number }] }, { do: 'verify-key', number, pair, key }]
    },
    'dialback-judged': (state, { number, answer }) => {
      const { offer, standing, pending } = state
      const found = pending.find(other => other.number === number)
      if (found === undefined) return [state]
      const pair = { from: found.from, to: found.to }
      const rest = pending.filter(other => other !== found)
      if (answer.type === 'valid') return admitted({ ...state, pending: rest }, pair)
      // An invalid key ends the stream, unless other pairs live on it (XEP-0220 §2.2.1).
      if (answer.type === 'invalid' && standing.authenticated.length === 0 && rest.length === 0) return [{ at: 'closed', offer }, { do: 'send-dialback-result', pair, answer }, { do: 'send-footer' }, { do: 'close' }]
      return [{ ...state, pending: rest }, { do: 'send-dialback-result', pair, answer: answer.type === 'invalid' ? { type: 'error', condition: 'forbidden' } : answer }]
    },
    'dialback-question': (state, { from, to, id, key }) => {
      const { offer, secured } = state
      const pair = pairOfDomains(from, to)
      if (pair === undefined || id === '') return end(state, 'improper-addressing', 'db:verify without domains or id')
      const rules = offer.rules(pair)
      if (!secured && rules.tls === 'required') return strike(state, 'policy-violation', 'dialback questions in clear', { do: 'refuse-question', pair, id, condition: 'policy-violation' })
      return [state, rules.served ? { do: 'answer-question', pair, id, key } : { do: 'refuse-question', pair, id, condition: 'item-not-found' }]
    },
    // This side has asked nothing on this stream, bidirectional or not (XEP-0220 §3.1; XEP-0288 §2.2 forbids to verify on it).
    'dialback-result': state => strike(state, 'invalid-id', 'dialback answers that nobody asked for'),
    'dialback-verified': state => strike(state, 'invalid-id', 'dialback answers that nobody asked for'),
    stanza: (state, { from, to }) => heard(state, from, to),
    'stream-management': (state, { name, handled }) => {
      const { offer, pair, standing } = state
      const { managed } = standing
      if (name === 'enable') {
        if (managed || standing.authenticated.length === 0) return strike(state, 'policy-violation', 'stream management out of turn', { do: 'send-enable-failure', condition: 'unexpected-request' })
        if (offer.rules(pair).streamManagement === true) return [{ ...state, standing: { ...standing, managed: true } }, { do: 'send-enabled' }]
      }
      if (name === 'enable' || name === 'resume') return strike(state, 'policy-violation', 'stream management that is not offered', { do: 'send-enable-failure', condition: 'feature-not-implemented' })
      return managed ? counted(state, name, handled) : end(state, 'unsupported-stanza-type', `stream management, <${name}/>, that is not enabled`)
    },
    'unknown-element': (state, { name }) => end(state, 'unsupported-stanza-type', name),
    withdrawn: (state, { pair }) => {
      const { standing, pending } = state
      const waiting = pending.find(other => samePair(other, pair))
      const next = { ...state, standing: without(standing, pair), pending: pending.filter(other => other !== waiting) }
      if (waiting !== undefined) return [next, { do: 'send-dialback-result', pair, answer: { type: 'error', condition: 'not-allowed' } }]
      return standing.authenticated.length > 0 && next.standing.authenticated.length === 0 ? end(next, 'policy-violation', 'the policy of this server no longer allows this peer') : [next]
    },
    draining: state => goodbye(state, 'system-shutdown', 'this server is going down'),
    footer: ({ offer }) => [{ at: 'closed', offer }, { do: 'send-footer' }, { do: 'close' }],
  },
  closing: {
    stanza: (state, { from, to }) => {
      const pair = pairOfAddresses(from, to)
      return pair !== undefined && state.standing.authenticated.some(other => samePair(other, pair)) ? [state, { do: 'deliver', pair }] : [state]
    },
    withdrawn: (state, { pair }) => [{ ...state, standing: without(state.standing, pair) }],
    // Nothing is answered any more, but what the peer acknowledges is of use.
    'stream-management': (state, { name, handled }) => state.standing.managed && name === 'a' && handled !== undefined ? [state, { do: 'acknowledged', handled }] : [state],
    starttls: state => [state],
    'sasl-auth': state => [state],
    bidi: state => [state],
    'dialback-key': state => [state],
    'dialback-question': state => [state],
    'dialback-result': state => [state],
    'dialback-verified': state => [state],
    'unknown-element': state => [state],
    draining: state => [state],
    close: ({ offer }) => [{ at: 'closed', offer }, { do: 'close' }],
    footer: ({ offer }) => [{ at: 'closed', offer }, { do: 'close' }],
    silence: ({ offer }) => [{ at: 'closed', offer }, { do: 'close' }],
  },
  closed: {},
}

/** What any open state does with these; its own row speaks first. */
const anywhere: Row<State['at']> = {
  // The restart has taken back what this was about.
  'dialback-judged': state => [state],
  withdrawn: (state, { pair }) => [state.at === 'closed' ? state : { ...state, standing: without(state.standing, pair) }],
  draining: state => over(state, undefined, greeted(state, { do: 'send-error', condition: 'system-shutdown' })),
  close: (state, { condition, text }) => {
    if (condition === undefined) return state.at === 'negotiating' ? goodbye(state) : over(state, undefined, [])
    return over(state, undefined, greeted(state, { do: 'send-error', condition, ...(text === undefined ? {} : { text }) }))
  },
  'stream-error': (state, { condition, text, application }) => over(state, { at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }), ...(application === undefined ? {} : { application }) }, []),
  footer: (state, { received }) => over(state, { at: 'stream', why: 'ended', received }, []),
  silence: (state, { received }) => over(state, { at: 'stream', why: 'went-silent', received, detail: state.at }, greeted(state, { do: 'send-error', condition: 'connection-timeout' })),
  stopped: (state, { failure }) => failure.at === 'stream' && failure.why === 'broke-protocol'
    ? over(state, failure, greeted(state, { do: 'send-error', condition: failure.condition }))
    : [{ at: 'closed', offer: state.offer, because: failure }, { do: 'close' }],
}

/** Policy is asked once more: it may have changed while somebody else was asked about the key. */
function admitted (state: At<'negotiating'>, pair: Pair): Step {
  const { offer, standing } = state
  const refusal = refusalOf(offer.rules(pair))
  const authenticated = [...standing.authenticated.filter(other => !samePair(other, pair)), pair]
  const condition = refusal ?? (authenticated.length > MOST_PAIRS ? 'resource-constraint' : undefined)
  if (condition !== undefined) return [state, { do: 'send-dialback-result', pair, answer: { type: 'error', condition } }]
  return [{ ...state, standing: { ...standing, authenticated, withdrawn: standing.withdrawn.filter(other => !samePair(other, pair)) } }, { do: 'send-dialback-result', pair, answer: { type: 'valid' } }]
}

/** A stanza belongs to a pair that is authenticated, or the stream ends, unless the sender may speak here and only the addressee is wrong. */
function heard (state: At<'negotiating'>, from: string | undefined, to: string | undefined): Step {
  const { authenticated, withdrawn } = state.standing
  if (authenticated.length === 0) return end(state, 'not-authorized', 'a stanza before authentication')
  const pair = pairOfAddresses(from, to)
  if (pair === undefined) return end(state, 'improper-addressing', 'a stanza whose from or to has no domain')
  if (authenticated.some(other => samePair(other, pair))) return [state, { do: 'deliver', pair }]
  if (withdrawn.some(other => samePair(other, pair))) return [state, { do: 'refuse-stanza', pair, condition: 'not-allowed' }]
  if (authenticated.some(other => other.from === pair.from) && !state.offer.rules(pair).served) return [state, { do: 'refuse-stanza', pair, condition: 'item-not-found' }]
  return end(state, 'invalid-from', 'a stanza of a pair that is not authenticated')
}

/** XEP-0198 §4, once it is enabled. */
function counted (state: At<'negotiating'>, name: string, handled: number | undefined): Step {
  if (name === 'r') return [state, { do: 'send-acknowledgement' }]
  return name === 'a' && handled !== undefined ? [state, { do: 'acknowledged', handled }] : end(state, 'undefined-condition', `stream management, <${name}/>, that makes no sense`)
}

function without (standing: Standing, pair: Pair): Standing {
  const authenticated = standing.authenticated.filter(other => !samePair(other, pair))
  if (authenticated.length === standing.authenticated.length) return standing
  return { ...standing, authenticated, withdrawn: [...standing.withdrawn, pair].slice(-MOST_PAIRS) }
}

/** The end that is no failure: what the peer has on its way is waited for. */
function goodbye ({ offer, standing }: At<'negotiating'>, condition?: StreamCondition, text?: string): Step {
  return [{ at: 'closing', offer, standing }, ...(condition === undefined ? [] : [{ do: 'send-error', condition, ...(text === undefined ? {} : { text }) } as const]), { do: 'send-footer' }]
}

/** Answered for the first times, then the end. */
function strike (state: At<'negotiating'>, condition: StreamCondition, detail: string, ...answer: Command[]): Step {
  const strikes = state.standing.strikes + 1
  if (strikes < MOST_STRIKES) return [{ ...state, standing: { ...state.standing, strikes } }, ...answer]
  const [next, ...commands] = end(state, condition, detail)
  return [next, ...answer, ...commands]
}

function end (state: State, condition: StreamCondition, detail: string, pair?: Named): Step {
  return over(state, broken(condition, detail), greeted(state, { do: 'send-error', condition, text: detail }, pair))
}

/** An error about the peer's header follows our own (RFC 6120 §4.9.1.2). */
function greeted (state: State, error: Command, pair: Named = { from: '', to: '' }): Command[] {
  return state.at === 'awaiting-header' ? [{ do: 'send-header', pair }, error] : [error]
}

/** The end; nothing is said into a handshake or after our footer, and no footer where no header was. */
function over (state: State, because: Failure | undefined, last: Command[]): Step {
  const mute = state.at === 'handshaking' || state.at === 'closing'
  const headed = state.at !== 'awaiting-header' || last.length > 0
  return [{ at: 'closed', offer: state.offer, ...(because === undefined ? {} : { because }) }, ...(mute ? [] : last), ...(mute || !headed ? [] : [{ do: 'send-footer' } as const]), { do: 'close' }]
}

function broken (condition: StreamCondition, detail: string): Failure {
  return { at: 'stream', why: 'broke-protocol', condition, detail }
}
