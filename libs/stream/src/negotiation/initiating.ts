/**
 * The initiating side of an S2S stream as a table of states (RFC 6120 §4 to §6, XEP-0178, XEP-0220 §2.1.1). Event in, next state and commands
 * out; nothing here waits, sends or decides how bad something is. A pair of state and event without a row closes the stream and names both.
 */
import type { EndpointKind, Failure, FeaturesSeen, HeaderSeen, StreamCondition } from '@dialtone/contracts'
import type { DialbackAnswer, Event } from './event.ts'

/** What the stream is for; it does not change while the stream lives. */
export type Plan = {
  kind: EndpointKind
  /** `offered`: STARTTLS when the peer offers it. `insist`: ask for it even if not. `never`: stay in clear. Without meaning for direct TLS. */
  tls: 'offered' | 'insist' | 'never'
  /** What to do after the last features: close cleanly, or authenticate by the first of these that the peer accepts. */
  authenticate: 'none' | readonly ('external' | 'dialback')[]
}

export type State =
  /** Direct TLS: the handshake comes first. */
  | { at: 'handshaking', plan: Plan }
  | { at: 'awaiting-header', plan: Plan, secured: boolean, authenticated: boolean }
  | { at: 'awaiting-features', plan: Plan, secured: boolean, authenticated: boolean, header: HeaderSeen }
  | { at: 'awaiting-proceed', plan: Plan }
  | { at: 'awaiting-sasl', plan: Plan, secured: boolean, header: HeaderSeen, features: FeaturesSeen }
  | { at: 'awaiting-dialback', plan: Plan }
  | { at: 'established', plan: Plan }
  /** Our footer is sent; the peer's is due. */
  | { at: 'closing', plan: Plan }
  /** `because` is absent after a clean close. `answer` is how a dialback was denied. */
  | { at: 'closed', plan: Plan, because?: Failure, answer?: DialbackAnswer }

export type Command =
  | { do: 'start-tls' }
  | { do: 'send-header' }
  | { do: 'send-starttls' }
  | { do: 'send-external' }
  | { do: 'send-dialback-key', streamId: string }
  | { do: 'send-error', condition: StreamCondition }
  | { do: 'send-footer' }
  | { do: 'close' }

type At<S extends State['at']> = Extract<State, { at: S }>
type Step = [State, ...Command[]]
type Row<S extends State['at']> = { [E in Event['on']]?: (state: At<S>, event: Extract<Event, { on: E }>) => Step }

/** The state in which a new connection begins, and what to do first. */
export function begin (plan: Plan): Step {
  return plan.kind === 'direct'
    ? [{ at: 'handshaking', plan }, { do: 'start-tls' }]
    : [{ at: 'awaiting-header', plan, secured: false, authenticated: false }, { do: 'send-header' }]
}

/** One step of the table. */
export function advance (state: State, event: Event): Step {
  const row = table[state.at] as Partial<Record<Event['on'], (state: State, event: Event) => Step>>
  const everywhere = anywhere as Partial<Record<Event['on'], (state: State, event: Event) => Step>>
  const rule = row[event.on] ?? (state.at === 'closed' ? undefined : everywhere[event.on])
  if (rule !== undefined) return rule(state, event)
  return state.at === 'closed' ? [state] : broke(state, 'undefined-condition', `${event.on} while ${state.at}`)
}

const table: { [S in State['at']]: Row<S> } = {
  handshaking: {
    secured: ({ plan }) => [{ at: 'awaiting-header', plan, secured: true, authenticated: false }, { do: 'send-header' }],
  },
  'awaiting-header': {
    header: ({ plan, secured, authenticated }, { header }) => {
      // Before XMPP 1.0 there were no features: the header is all that comes (RFC 6120 §4.7.5), and dialback may begin.
      if (header.version === undefined) return afterFeatures(plan, secured, header, NO_FEATURES)
      return [{ at: 'awaiting-features', plan, secured, authenticated, header }]
    },
  },
  'awaiting-features': {
    features: ({ plan, secured, authenticated, header }, { features }) => {
      if (authenticated) return [{ at: 'established', plan }]
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
    'sasl-success': ({ plan, secured }) => [{ at: 'awaiting-header', plan, secured, authenticated: true }, { do: 'send-header' }],
    // XEP-0178 §3 step 11: after a refusal the stream stays, and dialback may follow.
    'sasl-failure': ({ plan, header, features }, { condition, text }) =>
      dialbackIsPossible(plan, header, features) ? toDialback(plan, header) : leave(plan, refusal(condition, text)),
  },
  'awaiting-dialback': {
    'dialback-result': ({ plan }, { answer }) => answer.type === 'valid' ? [{ at: 'established', plan }] : [{ at: 'closed', plan, answer }, { do: 'send-footer' }, { do: 'close' }],
  },
  established: {
    stanza: state => [state],
    bidi: state => [state],
    'stream-management': state => [state],
    'dialback-result': state => [state],
    footer: ({ plan }) => [{ at: 'closed', plan }, { do: 'send-footer' }, { do: 'close' }],
    silence: ({ plan }) => [{ at: 'closing', plan }, { do: 'send-footer' }],
  },
  closing: {
    footer: ({ plan }) => [{ at: 'closed', plan }, { do: 'close' }],
    silence: ({ plan }) => [{ at: 'closed', plan }, { do: 'close' }],
    // What was on its way when we said goodbye no longer matters.
    features: state => [state],
    stanza: state => [state],
    'unknown-element': state => [state],
    'dialback-result': state => [state],
  },
  closed: {},
}

/** What any open state does with these; its own row speaks first. */
const anywhere: Row<State['at']> = {
  'stream-error': ({ plan }, { condition, text, application }) => [
    { at: 'closed', plan, because: { at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }), ...(application === undefined ? {} : { application }) } },
    { do: 'send-footer' }, { do: 'close' },
  ],
  footer: ({ plan }, { received }) => [{ at: 'closed', plan, because: { at: 'stream', why: 'ended', received } }, { do: 'send-footer' }, { do: 'close' }],
  silence: ({ plan, at }, { received }) => [{ at: 'closed', plan, because: { at: 'stream', why: 'went-silent', received, detail: at } }, { do: 'send-error', condition: 'connection-timeout' }, { do: 'send-footer' }, { do: 'close' }],
  stopped: ({ plan }, { failure }) => failure.at === 'stream' && failure.why === 'broke-protocol'
    ? [{ at: 'closed', plan, because: failure }, { do: 'send-error', condition: failure.condition }, { do: 'send-footer' }, { do: 'close' }]
    : [{ at: 'closed', plan, because: failure }, { do: 'close' }],
}

const NO_FEATURES: FeaturesSeen = { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }

function afterFeatures (plan: Plan, secured: boolean, header: HeaderSeen, features: FeaturesSeen): Step {
  if (plan.authenticate === 'none') return [{ at: 'closing', plan }, { do: 'send-footer' }]
  if (secured && plan.authenticate.includes('external') && features.mechanisms.includes('EXTERNAL')) return [{ at: 'awaiting-sasl', plan, secured, header, features }, { do: 'send-external' }]
  if (dialbackIsPossible(plan, header, features)) return toDialback(plan, header)
  return leave(plan, refusal('unsupported-feature', 'neither EXTERNAL nor dialback can be used'))
}

/** Dialback is offered by the feature or by its namespace on the header (XEP-0220 §2.1), and needs the stream's id. */
function dialbackIsPossible ({ authenticate }: Plan, header: HeaderSeen, features: FeaturesSeen): boolean {
  return authenticate !== 'none' && authenticate.includes('dialback') && header.id !== undefined && (features.dialback || header.dialbackNamespace)
}

function toDialback (plan: Plan, header: HeaderSeen): Step {
  return [{ at: 'awaiting-dialback', plan }, { do: 'send-dialback-key', streamId: header.id ?? '' }]
}

function refusal (condition: string, text: string | undefined): Failure {
  return { at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }) }
}

function leave (plan: Plan, because: Failure): Step {
  return [{ at: 'closed', plan, because }, { do: 'send-footer' }, { do: 'close' }]
}

function broke ({ plan }: State, condition: StreamCondition, detail: string): Step {
  return [{ at: 'closed', plan, because: { at: 'stream', why: 'broke-protocol', condition, detail } }, { do: 'send-error', condition }, { do: 'send-footer' }, { do: 'close' }]
}
