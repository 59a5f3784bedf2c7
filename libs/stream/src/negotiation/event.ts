import type { FeaturesSeen, Failure, HeaderSeen, StreamCondition } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { childrenOf, isNamed, toElement, type Element } from '../element.ts'
import type { ElementFrame, HeaderFrame } from '../frame.ts'
import { BIDI, DIALBACK, SASL, STANZA_ERRORS, STREAM_ERRORS, STREAM_MANAGEMENT, STREAMS, TLS } from '../namespaces.ts'
import { readFeatures } from '../read-features.ts'
import { readAuthorisationIdentity } from './authorisation-identity.ts'
import type { Pair } from './pair.ts'

/** How a dialback answer ended (XEP-0220 §2.1, §2.5): `error` comes with a stanza error condition where the peer gives one. */
export type DialbackAnswer = { type: 'valid' | 'invalid' } | { type: 'error', condition: string, text?: string }

/** Everything that can happen on an S2S stream while it is negotiated, whoever opened it. Time and transport are events too. */
export type Event =
  /** `identity`, on the receiving side: the certificate of this connection, judged now, is good for the header's `from`. */
  | { on: 'header', header: HeaderSeen, identity?: boolean }
  | { on: 'features', features: FeaturesSeen }
  /** `surplus`: bytes other than white space that came in clear after it, before we answered (RFC 6120 §5.3.3). */
  | { on: 'starttls', surplus?: number }
  | { on: 'proceed' }
  | { on: 'starttls-failure' }
  /** The TLS handshake is over and its late refusal, if any, has been waited for. `identity`, on the initiating side: the peer's certificate is good for its domain. */
  | { on: 'secured', identity: boolean }
  /** SASL, from the peer that authenticates: `authzid` is decoded, '' for none, absent when it is no base64 of UTF-8. */
  /** `identity`: the certificate, judged now, is good for the `from` of the stream's header. */
  | { on: 'sasl-auth', mechanism: string, authzid?: string, identity?: boolean }
  | { on: 'sasl-success' }
  | { on: 'sasl-failure', condition: string, text?: string }
  /** `<db:result/>` with a key: the peer wants to be authenticated as `from`. `identity`: its certificate, judged now, is good for that (XEP-0344 §2.4). */
  | { on: 'dialback-key', from: string, to: string, key: string, identity?: boolean }
  /** `<db:verify/>` with a key: the peer asks whether we made it. */
  | { on: 'dialback-question', from: string, to: string, id: string, key: string }
  | { on: 'dialback-result', from: string, to: string, answer: DialbackAnswer }
  | { on: 'dialback-verified', from: string, to: string, id: string, answer: DialbackAnswer }
  | { on: 'bidi' }
  /** XEP-0198, by the element's name; `handled` is the `h` of `<a/>`, absent when it is no number below 2^32. */
  | { on: 'stream-management', name: string, handled?: number }
  | { on: 'stanza', name: 'message' | 'presence' | 'iq', from?: string, to?: string }
  /** `elsewhere`: where see-other-host sends us (RFC 6120 §4.9.3.19). */
  | { on: 'stream-error', condition: string, text?: string, application?: string, elsewhere?: string }
  /** A first-level element that no rule above knows. */
  | { on: 'unknown-element', name: string }
  | { on: 'footer', received: number }
  /** Policy no longer allows the pair, as it is authenticated on this stream: `from` is the one who sends. */
  | { on: 'withdrawn', pair: Pair }
  /** This server goes down: the stream ends as soon as what was on its way has come. */
  | { on: 'draining' }
  /** The end on demand: with a stream error and at once, or without one and when the peer has ended, too. */
  | { on: 'close', condition?: StreamCondition, text?: string }
  /** Nothing came within the time that the state allows. */
  | { on: 'silence', received: number }
  /** The transport or the framer ended it. */
  | { on: 'stopped', failure: Failure }

/** What a first-level element is. `header` supplies the prefixes that were declared on the stream. */
export function readEvent (frame: ElementFrame, header: HeaderFrame): Event {
  const { namespace, name } = frame
  if (namespace === STREAMS && name === 'features') return { on: 'features', features: readFeatures(toElement(frame, header)) }
  if (namespace === STREAMS && name === 'error') return streamError(toElement(frame, header))
  if (namespace === TLS) return tls(name)
  if (namespace === SASL) return sasl(toElement(frame, header))
  if (namespace === DIALBACK) return dialback(frame, toElement(frame, header))
  if (namespace === BIDI && name === 'bidi') return { on: 'bidi' }
  if (namespace === STREAM_MANAGEMENT) return { on: 'stream-management', name: bounded(name, 40), ...optional('handled', name === 'a' ? count(String(toElement(frame, header).attrs['h'] ?? '')) : undefined) }
  const { kind } = frame
  if (kind !== undefined) return { on: 'stanza', name: kind, ...optional('from', frame.from), ...optional('to', frame.to) }
  return { on: 'unknown-element', name: bounded(`{${namespace}}${name}`, 200) }
}

function tls (name: string): Event {
  if (name === 'starttls') return { on: 'starttls' }
  if (name === 'proceed') return { on: 'proceed' }
  return name === 'failure' ? { on: 'starttls-failure' } : { on: 'unknown-element', name: `{${TLS}}${bounded(name, 40)}` }
}

function sasl (element: Element): Event {
  const name = element.getName()
  if (name === 'success') return { on: 'sasl-success' }
  if (name === 'failure') return { on: 'sasl-failure', ...condition(element, SASL) }
  if (name === 'auth') return { on: 'sasl-auth', mechanism: bounded(String(element.attrs['mechanism'] ?? ''), 64), ...optional('authzid', readAuthorisationIdentity(element.text().trim())) }
  return { on: 'unknown-element', name: `{${SASL}}${bounded(name, 40)}` }
}

function dialback (frame: ElementFrame, element: Element): Event {
  const { from = '', to = '', id = '', type } = frame
  const key = element.text().trim()
  if (frame.name === 'result') return type === undefined ? { on: 'dialback-key', from, to, key } : { on: 'dialback-result', from, to, answer: answer(type, element) }
  if (frame.name === 'verify') return type === undefined ? { on: 'dialback-question', from, to, id, key } : { on: 'dialback-verified', from, to, id, answer: answer(type, element) }
  return { on: 'unknown-element', name: `{${DIALBACK}}${bounded(frame.name, 40)}` }
}

function answer (type: string, element: Element): DialbackAnswer {
  if (type === 'valid' || type === 'invalid') return { type }
  const error = childrenOf(element).find(child => child.getName() === 'error')
  return { type: 'error', ...condition(error ?? element, STANZA_ERRORS) }
}

function streamError (element: Element): Event {
  const application = childrenOf(element).find(child => child.getNS() !== STREAM_ERRORS)
  const elsewhere = childrenOf(element).find(child => isNamed(child, STREAM_ERRORS, 'see-other-host'))?.text().trim()
  return {
    on: 'stream-error',
    ...condition(element, STREAM_ERRORS),
    ...optional('application', application === undefined ? undefined : bounded(`{${application.getNS() ?? ''}}${application.getName()}`, 199)),
    ...optional('elsewhere', elsewhere === undefined || elsewhere === '' ? undefined : bounded(elsewhere, 300)),
  }
}

/** The defined condition and the text beside it, in the error's own namespace. */
function condition (element: Element, namespace: string): { condition: string, text?: string } {
  const children = childrenOf(element).filter(child => child.getNS() === namespace)
  const name = children.find(child => child.getName() !== 'text')?.getName() ?? 'undefined-condition'
  const text = children.find(child => isNamed(child, namespace, 'text'))?.text().trim()
  return { condition: bounded(name, 60), ...optional('text', text === undefined || text === '' ? undefined : bounded(text, 300)) }
}

/** xs:unsignedInt (XEP-0198 §11). */
function count (text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : undefined
}

/** Safe to print and, unlike `quoted`, never longer than `max` after escaping: what the contracts allow. */
function bounded (text: string, max: number): string {
  return quoted(text, max).slice(0, max)
}

function optional<Name extends string, Value> (name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return value === undefined ? {} : { [name]: value } as { [N in Name]?: Value }
}
