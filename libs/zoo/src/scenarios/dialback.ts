/**
 * The two sides are to be authenticated, and what becomes of it: dialback that works in every way, EXTERNAL, callbacks that do not arrive, and peers
 * that answer what nobody asked. The peer is in clear, so that what is said can be read; TLS is shown where it matters.
 */
import type { State, Cause } from '@dialtone/contracts'
import { clearServer, starttlsServer } from '../peer/scripts.ts'
import type { Dialback, Script } from '../peer/steps.ts'
import { DOMAIN, OURS, type Counterpart, type Scenario } from '../scenario.ts'
import { NOT_WITH_THESE, oneEndpoint } from './parts.ts'

/** Works, in clear: what is wrong with that is not the point here. */
const TALKS = { profile: 'googletalk' } as const
const AS_ANOTHER: Counterpart = { none: 'as dialback-policy-once, twice' }
const SILENT = { warn: 200, answer: 1200 }

export const DIALBACK: readonly Scenario[] = [
  works('dialback-valid', 'asks our listener about the key, answers valid, and answers a ping', {}, real('ejabberd without TLS')),
  {
    ...works('dialback-valid-in-tls', 'the same in TLS, both ways', { callbackTls: true }, real('jabberd2 with a certificate')),
    ...oneEndpoint({ usual: inTls({ callbackTls: true }, 'never') }), deep: { depth: 'probe', listener: 'tls' }, judge: {}, request: { as: OURS, clientCertificate: { names: { dns: [OURS] } } },
  },
  works('dialback-valid-without-callback', 'answers valid, and has asked nobody (XEP-0344)', { callback: 'none', answer: 'valid' }),
  works('dialback-echoes-the-key', 'repeats the key in its answer, with an id', { odd: 'echo' }, real('Prosody without TLS')),
  works('dialback-another-prefix', 'binds the namespace of dialback to another prefix', { odd: 'prefix' }),
  works('dialback-late', 'answers after the early warning', { afterMs: 500 }, NOT_WITH_THESE, { warn: 100 }),
  works('dialback-no-pong', 'lets us in, and answers no ping', { pings: 'never' }, NOT_WITH_THESE, { ping: 300 }),

  {
    ...fails('dialback-invalid-without-callback', 'answers invalid, and has asked nobody: it verified with itself', 'dialback.domain-claimed', { callback: 'none', answer: 'invalid' }, {}, real('ejabberd that serves our domain, by its own DNS')),
    ...oneEndpoint({ usual: inClear({ callback: 'none', answer: 'invalid' }, [DOMAIN, OURS]) }),
  },
  fails('dialback-invalid-elsewhere', 'answers invalid, has not asked us, and denies that it serves our domain: it asked somebody else', 'dialback.callback-misdirected', { callback: 'none', answer: 'invalid' }, {}, { none: 'as dialback-invalid-without-callback, of a server that does not serve our domain; where it asks another, that one says so' }),
  fails('dialback-denied', 'asks a node of ours that has another secret', 'dialback.denied', {}, { secretsDiffer: true }),
  fails('dialback-wrong-id', 'asks about a stream that we do not have', 'peer.protocol-error', { callback: 'wrong-id' }),
  fails('dialback-contradicts', 'is told that the key is valid, and answers invalid', 'peer.protocol-error', { answer: 'invalid' }),
  fails('dialback-other-pair', 'answers for a pair of domains that nobody asked about', 'peer.protocol-error', { odd: 'other-pair' }),
  fails('dialback-unsolicited-answer', 'answers a question that we did not ask', 'peer.protocol-error', { odd: 'unsolicited' }),
  fails('dialback-two-answers', 'answers valid, and then invalid', 'peer.protocol-error', { odd: 'twice' }),
  fails('dialback-answer-on-another-stream', 'answers on the stream of the callback', 'dialback.timeout', { odd: 'other-stream' }, { timeoutsMs: SILENT }),
  fails('dialback-no-conclusion', 'asks, is told valid, and says nothing', 'dialback.timeout', { answer: 'none' }, { timeoutsMs: SILENT }),
  fails('dialback-silent', 'says nothing, and nobody calls back', 'dialback.callback-blocked', { callback: 'none', answer: 'none' }, { timeoutsMs: SILENT }, real('Prosody behind a firewall that drops its callback')),
  {
    ...fails('dialback-callback-aborted', 'insists on TLS, and ends the callback because our listener has none', 'dialback.callback-aborted', {}, { timeoutsMs: SILENT }, real('Prosody that insists on TLS, and a listener without')),
    ...oneEndpoint({ usual: inTls({ callback: 'leave', answer: 'none' }) }), judge: {},
  },
  {
    ...fails('dialback-callback-distrusted', 'calls back, sees the certificate of our listener, and leaves', 'dialback.callback-aborted', {}, { listener: 'tls', timeoutsMs: SILENT }, { none: 'Prosody that distrusts us so does not hear us in the first place' }),
    ...oneEndpoint({ usual: inTls({ callback: 'leave', callbackTls: true, answer: 'none' }) }), judge: {},
  },
  fails('dialback-published-elsewhere', 'our records lead elsewhere, and it is told so there', 'dialback.callback-misdirected', { callback: 'none', answer: 'invalid' }, { published: 'elsewhere' }),
  fails('dialback-not-published', 'our domain publishes nothing', 'dialback.callback-misdirected', { callback: 'none', answer: 'none' }, { published: 'nowhere', timeoutsMs: SILENT }),
  { ...fails('dialback-quick', 'we ask to be told at the early warning, and no answer has come', 'unknown', { callback: 'none', answer: 'none' }, { quick: true, timeoutsMs: SILENT }), expects: { cause: 'unknown', state: 'unknown' } },

  ...([
    ['remote-connection-failed', undefined, 'dialback.callback-blocked', 'could not connect to our server'],
    ['remote-server-not-found', 'Connection failed: timeout', 'dialback.callback-blocked', 'could not connect to our server, as ejabberd says it'],
    ['remote-server-not-found', 'Stream closed by peer: This host does not serve ours.example (host-unknown)', 'dialback.callback-misdirected', 'reached a server that is not ours'],
    ['remote-server-not-found', 'DNS lookup failed: enoname', 'dialback.callback-misdirected', 'finds no address for us'],
    ['item-not-found', undefined, 'service.wrong-host', 'does not serve the domain after all'],
  ] as const).map(([error, text, cause, title], at) => fails(`dialback-error-${at + 1}-${error}`, title, cause, { callback: 'none', answer: { error, ...(text === undefined ? {} : { text }) } }, {}, text === undefined ? NOT_WITH_THESE : real('ejabberd, which says so'))),
  { ...fails('dialback-error-without-condition', 'answers an error that does not say which', 'peer.protocol-error', { odd: 'no-condition', answer: { error: 'x' } }) },
  { ...fails('dialback-policy-once', 'refuses us by policy, once', 'peer.busy', policy(), {}, real('ejabberd with s2s_access')), expects: { cause: 'peer.busy', state: 'degraded' } },
  { ...fails('dialback-policy', 'refuses us by policy, and again after its retry window', 'policy.refused-by-peer', policy(), {}, AS_ANOTHER), again: { afterSeconds: 301 } },

  {
    ...works('external-accepted', 'accepts our certificate', {}), ...oneEndpoint({ usual: withExternal() }), judge: {}, deep: { depth: 'probe', listener: 'tls' },
    request: { as: OURS, clientCertificate: { names: { dns: [OURS] } } }, counterpart: real('Prosody that trusts our authority'),
  },
  {
    ...works('external-refused', 'refuses our certificate by SASL, and lets us in by dialback', {}), ...oneEndpoint({ usual: withExternal('not-authorized') }), judge: {}, deep: { depth: 'probe', listener: 'tls' },
    expects: { cause: 'auth.external-refused', state: 'degraded' },
    request: { as: OURS, clientCertificate: { names: { dns: [OURS] } } }, counterpart: real('ejabberd that does not'),
  },
]

function works (name: string, title: string, manner: Dialback, counterpart: Counterpart = NOT_WITH_THESE, timeoutsMs: Partial<{ warn: number, ping: number }> = {}): Scenario {
  return {
    name, title, expects: { cause: 'healthy', state: 'up' }, ...oneEndpoint({ usual: inClear(manner) }), request: { as: OURS }, judge: TALKS, deep: { depth: 'probe', timeoutsMs }, counterpart,
  }
}

function fails (name: string, title: string, cause: Cause, manner: Dialback, deep: Partial<NonNullable<Scenario['deep']>> = {}, counterpart: Counterpart = NOT_WITH_THESE): Scenario {
  const state: State = 'down'
  return { name, title, expects: { cause, state }, ...oneEndpoint({ usual: inClear(manner) }), request: { as: OURS }, judge: TALKS, deep: { depth: 'probe', ...deep }, counterpart }
}

function real (inNamespaces: string): Counterpart {
  return { inNamespaces }
}

/** As ejabberd's access rule refuses (lab: s2s_access). */
function policy (): Dialback {
  return { callback: 'none', answer: { error: 'forbidden', text: 'Access denied by service policy', type: 'auth' } }
}

function inClear (manner: Dialback, serves?: readonly string[]): Script {
  return concluded(clearServer(serves === undefined ? {} : { header: { serves } }), manner)
}

/** `clientCertificate`: jabberd2 asks nobody for one. */
function inTls (manner: Dialback, clientCertificate: 'asked' | 'never' = 'asked'): Script {
  return concluded(starttlsServer({ tls: { clientCertificate } }), manner)
}

/** A peer that offers EXTERNAL and takes it, unless it refuses it. */
function withExternal (refusesExternal?: string): Script {
  return concluded(starttlsServer({ featuresAgain: { external: true, dialback: 'errors' } }), { callbackTls: true, ...(refusesExternal === undefined ? {} : { refusesExternal }) })
}

/** What a server does instead of waiting for a goodbye alone. */
function concluded (script: Script, manner: Dialback): Script {
  return [...script.slice(0, -1), { do: 'dialback', ...manner }]
}
