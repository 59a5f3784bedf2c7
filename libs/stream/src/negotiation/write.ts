// What we say on a stream, as text: always the prefixes `stream` and `db`, declared on the header, since some peers know no others.
import type { StreamCondition } from '@dialtone/contracts'
import { escaped } from '../element.ts'
import { DIALBACK, SASL, SERVER, STANZA_ERRORS, STREAM_ERRORS, STREAMS, TLS } from '../namespaces.ts'
import type { DialbackAnswer } from './event.ts'

/** A stream header (RFC 6120 §4.7). `id` is for the receiving side alone. */
export function headerText ({ from, to, id }: { from?: string, to?: string, id?: string }): string {
  return `<?xml version='1.0'?><stream:stream xmlns='${SERVER}' xmlns:stream='${STREAMS}' xmlns:db='${DIALBACK}'${attribute('id', id)}${attribute('from', from)}${attribute('to', to)} version='1.0'>`
}

export const FOOTER = '</stream:stream>'
export const STARTTLS = `<starttls xmlns='${TLS}'/>`
export const PROCEED = `<proceed xmlns='${TLS}'/>`
export const STARTTLS_FAILURE = `<failure xmlns='${TLS}'/>`

/** SASL EXTERNAL with an authorisation identity, which XEP-0178 §3 recommends; base64 is the caller's. */
export function externalText (authzidBase64: string): string {
  return `<auth xmlns='${SASL}' mechanism='EXTERNAL'>${escaped(authzidBase64)}</auth>`
}

/** `<db:result/>` with a key (XEP-0220 §2.1.1). */
export function dialbackKeyText (from: string, to: string, key: string): string {
  return `<db:result${attribute('from', from)}${attribute('to', to)}>${escaped(key)}</db:result>`
}

/** `<db:verify/>` with a key (XEP-0220 §2.2.1). */
export function dialbackQuestionText (from: string, to: string, id: string, key: string): string {
  return `<db:verify${attribute('from', from)}${attribute('to', to)}${attribute('id', id)}>${escaped(key)}</db:verify>`
}

/** The answer to either (XEP-0220 §2.1.2, §2.2.2, §2.5); `id` for db:verify alone. */
export function dialbackAnswerText (element: 'result' | 'verify', from: string, to: string, answer: DialbackAnswer, id?: string): string {
  const opening = `<db:${element}${attribute('from', from)}${attribute('to', to)}${attribute('id', id)} type='${answer.type}'`
  if (answer.type !== 'error') return `${opening}/>`
  return `${opening}><error type='cancel'><${answer.condition} xmlns='${STANZA_ERRORS}'/></error></db:${element}>`
}

/** A stream error (RFC 6120 §4.9); the footer follows it. */
export function streamErrorText (condition: StreamCondition, text?: string): string {
  return `<stream:error><${condition} xmlns='${STREAM_ERRORS}'/>${text === undefined ? '' : `<text xmlns='${STREAM_ERRORS}' xml:lang='en'>${escaped(text)}</text>`}</stream:error>`
}

function attribute (name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${name}='${escaped(value)}'`
}
