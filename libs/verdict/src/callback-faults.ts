/**
 * Why a dialback failed, as far as the callback tells (XEP-0220 §2.1.2): what reached our listener, whether our records lead to it, and, where our real
 * server was to be called, what our own endpoints say. The records of ours are looked at before anybody else is blamed.
 */
import { arrivals, callbackOf, seconds, told, worded, type CallbackOutcome, type DeepObservation } from '@dialtone/checks'
import type { DeepConnection, JudgeConfig } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Seen } from './faults.ts'
import { ownEndpoints } from './own-endpoints.ts'

/** Servers that say nothing of a time-out say it by taking this long. */
const TIME_OUT_MS = 5000

/** What the callback itself proves, whatever the peer answers: undefined where it was answered valid, or none was seen. */
export function provedByCallback (connection: DeepConnection, { deep }: DeepObservation): Seen | undefined {
  const { is, callback } = callbackOf(connection, deep)
  const from = quoted(callback?.source ?? '', 60)
  const { endpoint } = connection
  switch (is) {
    case 'denied': return { cause: 'dialback.denied', text: `the callback from ${from} was answered invalid`, endpoint }
    case 'unserved': return { cause: 'dialback.callback-misdirected', text: `the callback from ${from} was answered item-not-found`, endpoint }
    case 'refused': return { cause: 'policy.refused-by-us', text: `the callback from ${from} was answered policy-violation`, endpoint }
    case 'strange-id': return { cause: 'peer.protocol-error', text: `the callback from ${from} asked about the stream id ${quoted(callback?.strangeId ?? '', 60)}, which is none of ours`, endpoint }
    case 'aborted': return { cause: 'dialback.callback-aborted', text: `a connection from ${from} ended before db:verify${callback?.failure === undefined ? '' : ` (${told(callback.failure)})`}`, endpoint }
    default: return undefined
  }
}

/** The peer says that the key is invalid. `claimed`: it says of itself that it serves OURS. */
export function denied (connection: DeepConnection, o: DeepObservation, config: JudgeConfig, said: string, claimed: boolean): Seen {
  const proved = provedByCallback(connection, o)
  if (proved !== undefined) return proved
  const { endpoint } = connection
  const callback = callbackOf(connection, o.deep).is
  if (wasAnswered(callback)) return { cause: 'peer.protocol-error', text: `${said}, although the callback was answered valid`, endpoint }
  if (callback !== 'not-observable') return ledAstray(o, endpoint, said) ?? claims(o, config, endpoint, `${said}, and nobody asked us`)
  const own = ownEndpoints(o)
  if (own.denying.length > 0) return { cause: 'dialback.denied', text: said, endpoint }
  if (own.unserving.length > 0) return { cause: 'dialback.callback-misdirected', text: said, endpoint }
  if (own.all === 0 || own.valid < own.all) return open(endpoint, said, 'the peer says that the key is invalid, and who was asked is not known', own.all === 0 ? LOG : `Not all of our own endpoints answered whether the key is right. ${LOG}`)
  if (claimed) return claims(o, config, endpoint, `${said}, although all our own endpoints call the key valid`)
  return { cause: 'dialback.callback-misdirected', text: `${said}, although all our own endpoints call the key valid`, endpoint }
}

/** The peer says nothing to the end, or that the authoritative server did not answer it. `dueToTime`: it says so, and how long it took tells more. */
export function unanswered (connection: DeepConnection, o: DeepObservation, said: string, dueToTime: boolean): Seen {
  const proved = provedByCallback(connection, o)
  if (proved !== undefined) return proved
  const { endpoint, dialback } = connection
  const callback = callbackOf(connection, o.deep).is
  if (wasAnswered(callback)) return { cause: 'dialback.timeout', text: `${said}, although the callback was answered valid`, endpoint }
  if (callback !== 'not-observable') {
    const astray = ledAstray(o, endpoint, said)
    if (astray !== undefined) return astray
    if (arrivals(connection, o.deep).length > 0) return open(endpoint, said, 'the peer connected to us and authenticated itself, and asked nothing about our key', PEER_LOG)
    return { cause: 'dialback.callback-blocked', text: `${said}, and no connection reached ${o.deep.listener?.places.map(place => quoted(place, 60)).join(', ') ?? 'the listener'}`, endpoint }
  }
  const own = ownEndpoints(o)
  if (own.all > 0 && own.unreachable === own.all) return { cause: 'dialback.callback-blocked', text: `${said}, and none of our own endpoints accepts a connection from here`, endpoint, unsure: true }
  if (dueToTime && (dialback?.waitedMs ?? 0) >= TIME_OUT_MS) return { cause: 'dialback.callback-blocked', text: `${said} after ${seconds(dialback?.waitedMs ?? 0)}`, endpoint, unsure: true }
  return open(endpoint, said, 'the peer did not conclude the dialback, and whether it called back is not known here', LOG)
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
  return { cause, text: said, endpoint, ...(theirs ? { side: 'peer', actor: 'peer-admin', remedy: 'Ask the peer to compare dig SRV _xmpp-server._tcp.OURS on its own host with what we publish: a stale cache, a view of its own or a hosts file leads it elsewhere.' } as const : {}) }
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

/** A host of ours that was named does so rightly. */
function claims (o: DeepObservation, { hostedBy }: JudgeConfig, endpoint: string, text: string): Seen {
  return hostedBy.includes(o.domain)
    ? open(endpoint, text, 'the peer hosts OURS, as it should, and verifies keys with itself', 'Check from its side: a domain and its host need no federation between them.')
    : { cause: 'dialback.domain-claimed', text, endpoint }
}

const LOG = 'Look at the log of our own server for the same second: whether the callback came, and what was answered (Prosody: "dialback key"; ejabberd: mod_s2s_dialback).'
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
