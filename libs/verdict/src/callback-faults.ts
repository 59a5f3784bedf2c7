/**
 * Why a dialback failed, as far as the callback tells (XEP-0220 §2.1.2): what reached our listener, whether our records lead to it, and, where our real
 * server was to be called, what our own endpoints say. The records of ours are looked at before anybody else is blamed.
 */
import { addressesOf, arrivals, callbackOf, comesFrom, earlyMs, seconds, strays, told, worded, type CallbackOutcome, type DeepObservation } from '@dialtone/checks'
import type { DeepConnection, JudgeConfig } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Seen } from './faults.ts'
import { ownEndpoints } from './own-endpoints.ts'

/** Servers that say nothing of a time-out say it by taking this long. */
const TIME_OUT_MS = 5000

/** What we answered the callback proves, whatever the peer says: undefined where that was valid, or nobody asked. */
export function provedByCallback (connection: DeepConnection, { deep }: DeepObservation): Seen | undefined {
  const { is, callback } = callbackOf(connection, deep)
  const from = quoted(callback?.source ?? '', 60)
  const { endpoint } = connection
  switch (is) {
    case 'denied': return { cause: 'dialback.denied', text: `the callback from ${from} was answered invalid`, endpoint }
    case 'unserved': return { cause: 'dialback.callback-misdirected', text: `the callback from ${from} was answered item-not-found`, endpoint }
    case 'refused': return { cause: 'policy.refused-by-us', text: `the callback from ${from} was answered policy-violation`, endpoint }
    case 'strange-id': return { cause: 'peer.protocol-error', text: `the callback from ${from} asked about the stream id ${quoted(callback?.strangeId ?? '', 60)}, which is none of this check`, endpoint }
    default: return undefined
  }
}

/**
 * A connection that was broken off before it asked, where the peer itself names no cause. Who comes from elsewhere may be anybody in the peer's name; so may
 * who said no name at all, whose failure is worth naming only where it is about TLS.
 */
export function brokenOff (connection: DeepConnection, o: DeepObservation): Seen | undefined {
  const { endpoint } = connection
  const { is, callback } = callbackOf(connection, o.deep)
  if (is === 'aborted') return { cause: 'dialback.callback-aborted', text: `a connection from ${quoted(callback?.source ?? '', 60)} ended before db:verify (${told(callback?.failure)})`, endpoint, ...(comesFrom(callback?.source ?? '', addressesOf(o)) ? {} : { unsure: true }) }
  const stray = strays(o.deep)
  return is === 'not-seen' && stray !== undefined && isAboutTls(o) ? { cause: 'dialback.callback-aborted', text: `${stray}; whose is not known`, endpoint, unsure: true } : undefined
}

/** The other side spoke TLS, and one of both did not like it. */
function isAboutTls ({ deep: { strayConnections } }: DeepObservation): boolean {
  const failure = strayConnections?.failure
  return failure?.at === 'tls' && (failure.why === 'alert-from-peer' || failure.why === 'alert-from-us' || failure.why === 'protocol')
}

/**
 * The peer says that the key is invalid. `claimed`: it says of itself that it serves OURS. `unasked`: what to make of it where nobody asked us, and it is
 * likely that the peer verified with itself or with another server.
 */
export function denied (connection: DeepConnection, o: DeepObservation, config: JudgeConfig, said: string, claimed: boolean, unasked = (seen: Seen): Seen => seen): Seen {
  const proved = provedByCallback(connection, o) ?? brokenOff(connection, o)
  if (proved !== undefined) return proved
  const { endpoint } = connection
  const callback = callbackOf(connection, o.deep).is
  if (wasAnswered(callback)) return { cause: 'peer.protocol-error', text: `${said}, although the callback was answered valid`, endpoint }
  if (callback === 'unasked') return ledAstray(o, endpoint, said) ?? open(endpoint, said, 'the peer connected to us, asked nothing about our key, and calls it invalid', PEER_LOG)
  if (callback !== 'not-observable') {
    const stray = strays(o.deep)
    return ledAstray(o, endpoint, said) ?? unasked(claims(o, config, connection, `${said}, and nobody asked us${stray === undefined ? '' : `; ${stray}, whose is not known`}`))
  }
  const own = ownEndpoints(o)
  if (own.denying.length > 0) return { cause: 'dialback.denied', text: said, endpoint }
  if (own.unserving.length > 0) return { cause: 'dialback.callback-misdirected', text: said, endpoint }
  if (own.all === 0 || own.valid < own.all) return open(endpoint, said, 'the peer says that the key is invalid, and who was asked is not known', own.all === 0 ? LOG : `Not all of our own endpoints answered whether the key is right. ${LOG}`)
  if (claimed) return claims(o, config, connection, `${said}, although all our own endpoints call the key valid`)
  return { cause: 'dialback.callback-misdirected', text: `${said}, although all our own endpoints call the key valid`, endpoint }
}

/** The peer says nothing to the end, or that the authoritative server did not answer it. `dueToTime`: it says so, and how long it took tells more. */
export function unanswered (connection: DeepConnection, o: DeepObservation, said: string, dueToTime: boolean): Seen {
  const proved = provedByCallback(connection, o) ?? brokenOff(connection, o)
  if (proved !== undefined) return proved
  const { endpoint, dialback } = connection
  const callback = callbackOf(connection, o.deep).is
  if (wasAnswered(callback)) return { cause: 'dialback.timeout', text: `${said}, although the callback was answered valid`, endpoint }
  if (callback !== 'not-observable') {
    const astray = ledAstray(o, endpoint, said)
    if (astray !== undefined) return astray
    if (arrivals(connection, o.deep).length > 0) return open(endpoint, said, `the peer connected to us${callback === 'unasked' ? '' : ' and authenticated itself'}, and asked nothing about our key`, PEER_LOG)
    const stray = strays(o.deep)
    if (stray !== undefined) return unassigned(o, endpoint, `${said}; ${stray}, whose is not known`)
    return { cause: 'dialback.callback-blocked', text: `${said}, and no connection reached ${o.deep.listener?.places.map(place => quoted(place, 60)).join(', ') ?? 'the listener'}`, endpoint, ...(isEarly(connection, o) ? { unsure: true } : {}) }
  }
  const own = ownEndpoints(o)
  if (dueToTime && (dialback?.waitedMs ?? 0) >= TIME_OUT_MS) return { cause: 'dialback.callback-blocked', text: `${said} after ${seconds(dialback?.waitedMs ?? 0)}`, endpoint, unsure: true }
  if (own.all > 0 && own.unreachable === own.all) return { cause: 'dialback.callback-blocked', text: `${said}, and none of our own endpoints accepts a connection from here`, endpoint, unsure: true, fromHere: true }
  return open(endpoint, said, NOT_KNOWN_HERE, LOG)
}

/** The peer itself says that the callback was blocked or misdirected. */
export function explained (connection: DeepConnection, o: DeepObservation, cause: 'dialback.callback-blocked' | 'dialback.callback-misdirected', said: string): Seen {
  const proved = provedByCallback(connection, o)
  if (proved !== undefined) return proved
  const { endpoint } = connection
  if (wasAnswered(callbackOf(connection, o.deep).is)) return { cause: 'peer.protocol-error', text: `${said}, although the callback was answered valid`, endpoint }
  const astray = ledAstray(o, endpoint, said)
  if (astray !== undefined) return astray
  // Here the records are right: what the peer sees of them is not what we publish.
  const theirs = cause === 'dialback.callback-misdirected' && o.deep.listener?.published === 'leads-here'
  // What was broken off may be the peer's, and does not gainsay it; of who said no name, only that it could connect is worth a word.
  const broken = cause === 'dialback.callback-blocked' || callbackOf(connection, o.deep).is === 'aborted' ? brokenOff(connection, o) : undefined
  return { cause, text: broken === undefined ? said : `${said}; ${broken.text}`, endpoint, ...(broken === undefined ? {} : { unsure: true }), ...(theirs ? THEIR_VIEW : {}) }
}

const THEIR_VIEW = { side: 'peer', actor: 'peer-admin', remedy: 'Ask the peer to compare dig SRV _xmpp-server._tcp.OURS on its own host with what we publish: a stale cache, a view of its own or a hosts file leads it elsewhere.' } as const

/** It gave up before others that can call back would have: it was in a hurry, or the callback under way. */
function isEarly ({ dialback }: DeepConnection, { deep }: DeepObservation): boolean {
  return dialback?.answer === undefined && (dialback?.waitedMs ?? 0) < earlyMs(deep)
}

/** The peer is silent, and somebody reached us without a word: one from the peer's own addresses may have been the callback. */
function unassigned (o: DeepObservation, endpoint: string, text: string): Seen {
  const own = addressesOf(o)
  return o.deep.strayConnections?.sources.some(source => comesFrom(source, own)) === true
    ? open(endpoint, text, 'the peer did not conclude the dialback, and connected to us without a word', PEER_LOG)
    : { cause: 'dialback.callback-blocked', text, endpoint, unsure: true }
}

/** Our own records do not lead to the listener, or nobody knows: undefined where they do, or nothing of ours listens. */
function ledAstray ({ deep: { listener } }: DeepObservation, endpoint: string, said: string): Seen | undefined {
  if (listener === undefined || listener.published === 'leads-here') return undefined
  const name = quoted(listener.domain, 120)
  if (listener.published === 'unknown') return open(endpoint, said, `whether the records of ${name} lead to the listener is not known`, `Ask another resolver (--resolver ADDRESS), or by hand: dig SRV _xmpp-server._tcp.${name}.`)
  const where = listener.published === 'nowhere' ? 'lead nowhere' : `lead to ${listener.leadsTo.slice(0, 3).map(place => quoted(place, 60)).join(', ')}`
  return {
    cause: 'dialback.callback-misdirected', text: `${said}; the records of ${name} ${where}, not to the listener`, endpoint, side: 'ours', actor: 'dns-admin',
    says: 'our own records do not lead the callback to our listener',
    remedy: `Point _xmpp-server._tcp.${name} at the public address of the listener, then check again; if NAT hides that address, name it to the check.`,
  }
}

/**
 * The peer verified with itself, or with a server that our records do not name: what it answers to the claim question tells which. A host of ours that was
 * named does so rightly.
 */
function claims (o: DeepObservation, { hostedBy }: JudgeConfig, { endpoint, pair }: DeepConnection, text: string): Seen {
  if (hostedBy.includes(o.domain)) return open(endpoint, text, 'the peer hosts OURS, as it should, and verifies keys with itself', 'Check from its side: a domain and its host need no federation between them.')
  const answer = (role: 'claim' | 'control') => o.claim.find(each => each.endpoint === endpoint && each.role === role && (role === 'control' || each.to === pair.from))?.answer
  const claim = answer('claim')
  if (claim === 'denies') return { cause: 'dialback.callback-misdirected', text: `${text}; asked for ${quoted(pair.from, 120)}, it denies to serve it`, endpoint, unsure: true, says: 'it asked another server than our records name, as it seems', ...THEIR_VIEW }
  if (claim === 'serves' && answer('control') === 'denies') return { cause: 'dialback.domain-claimed', text, endpoint }
  return { cause: 'dialback.domain-claimed', text, endpoint, unsure: true, says: 'the peer treats our domain as its own, as it seems', ...(claim === undefined ? { remedy: ASK_WHOSE } : {}) }
}

const ASK_WHOSE = 'Ask the claim question, which decides it: dialtone check DOMAIN --as OURS. If the peer serves OURS, let it or its provider remove OURS from its hosts; if it denies that, it asked another server: it should compare dig SRV _xmpp-server._tcp.OURS on its host with what we publish.'

/** Of a dialback that was not concluded, where nobody sees the callback. */
export const NOT_KNOWN_HERE = 'the peer did not conclude the dialback, and whether it called back is not known here'
export const LOG = 'Look at the log of our own server for the same second: whether the callback came, and what was answered (Prosody: "dialback key"; ejabberd: mod_s2s_dialback).'
const PEER_LOG = 'Ask the peer for its log of the same second.'

/** Nothing is proved: what is not known, and what would tell. */
export function open (endpoint: string, text: string, says: string, remedy: string): Seen {
  return { cause: 'unknown', text, endpoint, says, remedy }
}

function wasAnswered (callback: CallbackOutcome): boolean {
  return callback === 'answered-tls' || callback === 'answered-clear'
}

/** The answer as it is told in a text. */
export function answerText ({ dialback }: DeepConnection): string {
  const answer = dialback?.answer
  if (answer === undefined) return `no answer after ${seconds(dialback?.waitedMs ?? 0)}`
  return answer.type === 'error' ? `db:result error ${worded(answer)}` : `db:result ${answer.type}`
}
