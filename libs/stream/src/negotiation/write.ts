// What we say on a stream, as text: always the prefixes `stream` and `db`, declared on the header, since some peers know no others.
import type { StreamCondition } from '@dialtone/contracts'
import { escapedText, escapedValue } from '../element.ts'
import { BIDI, BIDI_FEATURE, DIALBACK, DIALBACK_FEATURE, SASL, SERVER, STANZA_ERRORS, STREAM_ERRORS, STREAM_LIMITS, STREAM_MANAGEMENT, STREAMS, TLS } from '../namespaces.ts'
import type { DialbackAnswer } from './event.ts'
import type { StreamLimits } from './rules.ts'

/** What every header of ours declares, by prefix: what `serialise` is given for our streams, and what `ElementFrame.canonical` is about. */
export const OWN_DECLARATIONS: ReadonlyMap<string, string> = new Map([['', SERVER], ['stream', STREAMS], ['db', DIALBACK]])

/** A stream header (RFC 6120 §4.7). `id` is for the receiving side alone; a domain that is '' is left out. `lang` is what stanzas without one inherit (§4.7.4). `legacy`: without a version, for a peer from before XMPP 1.0. */
export function headerText ({ from, to, id, lang, legacy = false }: { from?: string, to?: string, id?: string, lang?: string, legacy?: boolean }): string {
  return `<?xml version='1.0'?><stream:stream xmlns='${SERVER}' xmlns:stream='${STREAMS}' xmlns:db='${DIALBACK}'${attribute('id', id)}${attribute('from', from)}${attribute('to', to)}${attribute('xml:lang', lang)}${legacy ? '' : " version='1.0'"}>`
}

export const FOOTER = '</stream:stream>'
export const STARTTLS = `<starttls xmlns='${TLS}'/>`
export const PROCEED = `<proceed xmlns='${TLS}'/>`
export const STARTTLS_FAILURE = `<failure xmlns='${TLS}'/>`

export const SASL_SUCCESS = `<success xmlns='${SASL}'/>`
export const BIDI_REQUEST = `<bidi xmlns='${BIDI}'/>`

/** XEP-0198 §3, §4, never with resumption. */
export const ENABLE = `<enable xmlns='${STREAM_MANAGEMENT}'/>`
export const ENABLED = `<enabled xmlns='${STREAM_MANAGEMENT}'/>`
export const ACKNOWLEDGEMENT_REQUEST = `<r xmlns='${STREAM_MANAGEMENT}'/>`

/** `<a/>`: how many stanzas of the peer were handled since stream management began, modulo 2^32. */
export function acknowledgementText (handled: number): string {
  return `<a xmlns='${STREAM_MANAGEMENT}' h='${handled}'/>`
}

/** `<failed/>`, with a stanza error condition. */
export function enableFailureText (condition: 'unexpected-request' | 'feature-not-implemented'): string {
  return `<failed xmlns='${STREAM_MANAGEMENT}'><${condition} xmlns='${STANZA_ERRORS}'/></failed>`
}

/** `<stream:features/>` of the receiving side, as the table's command says (RFC 6120 §4.3.2). Dialback errors are always understood. */
export function featuresText ({ starttls, external, dialback, bidi, streamManagement = false, limits }: {
  starttls: 'required' | 'optional' | 'absent', external: boolean, dialback: boolean, bidi: boolean, streamManagement?: boolean, limits?: StreamLimits,
}): string {
  return '<stream:features>' +
    (starttls === 'absent' ? '' : starttls === 'required' ? `<starttls xmlns='${TLS}'><required/></starttls>` : STARTTLS) +
    (external ? `<mechanisms xmlns='${SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>` : '') +
    (dialback ? `<dialback xmlns='${DIALBACK_FEATURE}'><errors/></dialback>` : '') +
    (bidi ? `<bidi xmlns='${BIDI_FEATURE}'/>` : '') +
    (streamManagement ? `<sm xmlns='${STREAM_MANAGEMENT}'/>` : '') +
    (limits === undefined ? '' : limitsText(limits)) + '</stream:features>'
}

function limitsText ({ maxBytes, idleSeconds }: StreamLimits): string {
  return `<limits xmlns='${STREAM_LIMITS}'>${maxBytes === undefined ? '' : `<max-bytes>${maxBytes}</max-bytes>`}${idleSeconds === undefined ? '' : `<idle-seconds>${idleSeconds}</idle-seconds>`}</limits>`
}

/** SASL EXTERNAL with an authorisation identity, which XEP-0178 §3 recommends; base64 is the caller's, '' becomes `=`. */
export function externalText (authzidBase64: string): string {
  return `<auth xmlns='${SASL}' mechanism='EXTERNAL'>${authzidBase64 === '' ? '=' : text(authzidBase64)}</auth>`
}

/** `<failure/>` of SASL (RFC 6120 §6.5). */
export function saslFailureText (condition: string): string {
  return `<failure xmlns='${SASL}'><${conditionName(condition, 'not-authorized')}/></failure>`
}

/** `<db:result/>` with a key (XEP-0220 §2.1.1). */
export function dialbackKeyText (from: string, to: string, key: string): string {
  return `<db:result${attribute('from', from)}${attribute('to', to)}>${text(key)}</db:result>`
}

/** `<db:verify/>` with a key (XEP-0220 §2.2.1). */
export function dialbackQuestionText (from: string, to: string, id: string, key: string): string {
  return `<db:verify${attribute('from', from)}${attribute('to', to)}${attribute('id', id)}>${text(key)}</db:verify>`
}

/** The answer to either (XEP-0220 §2.1.2, §2.2.2, §2.5); `id` for db:verify alone. */
export function dialbackAnswerText (kind: 'result' | 'verify', from: string, to: string, answer: DialbackAnswer, id?: string): string {
  const opening = `<db:${kind}${attribute('from', from)}${attribute('to', to)}${attribute('id', id)} type='${answer.type}'`
  if (answer.type !== 'error') return `${opening}/>`
  const reason = answer.text === undefined ? '' : `<text xmlns='${STANZA_ERRORS}'>${text(answer.text)}</text>`
  return `${opening}><error type='cancel'><${conditionName(answer.condition, 'undefined-condition')} xmlns='${STANZA_ERRORS}'/>${reason}</error></db:${kind}>`
}

/** A stream error (RFC 6120 §4.9); the footer follows it. `tooBig`: for an element over a limit of size (XEP-0205). */
export function streamErrorText (condition: StreamCondition, reason?: string, tooBig = false): string {
  const application = tooBig ? "<stanza-too-big xmlns='urn:xmpp:errors'/>" : ''
  return `<stream:error><${condition} xmlns='${STREAM_ERRORS}'/>${reason === undefined || reason === '' ? '' : `<text xmlns='${STREAM_ERRORS}' xml:lang='en'>${text(reason)}</text>`}${application}</stream:error>`
}

/** ` name='value'`, or nothing for a value that is '' or undefined. */
export function attribute (name: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : ` ${name}='${escapedValue(legal(value))}'`
}

/** Character data. */
export function text (value: string): string {
  return escapedText(legal(value))
}

/** What XML cannot carry (XML 1.0 §2.2) is replaced: one such character would end the stream. */
function legal (value: string): string {
  return value.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
}

/** A condition that came from elsewhere is an element's name only if it looks like one of RFC 6120. */
export function conditionName (condition: string, otherwise: string): string {
  return /^[a-z]+(?:-[a-z]+)*$/.test(condition) && condition.length <= 40 ? condition : otherwise
}
