// What scripted peers say, as text. Not the text of `@dialtone/stream`: that one can only say what is right.
import { DIALBACK, SASL, SERVER, STREAMS, STREAM_ERRORS, TLS } from '@dialtone/stream'
import type { FeatureOptions, HeaderOptions } from './steps.ts'

export const FOOTER = '</stream:stream>'
export const PROCEED = `<proceed xmlns='${TLS}'/>`

/** A stream header from `from` to `to`; an absent one is left out. */
export function headerText (options: HeaderOptions, given: { id: string, from: string | undefined, to: string | undefined }): string {
  const { content = SERVER, streams = STREAMS, version = '1.0', without = [] } = options
  const attributes = { id: given.id, from: options.from ?? given.from, to: given.to, version }
  const shown = Object.entries(attributes).flatMap(([name, value]) => value === undefined || without.some(left => left === name) ? [] : [` ${name}='${escaped(value)}'`])
  return `<?xml version='1.0'?><stream:stream xmlns='${content}' xmlns:stream='${streams}'${options.dialback === false ? '' : ` xmlns:db='${DIALBACK}'`}${shown.join('')}>`
}

export function featuresText ({ starttls, external, dialback, bidi, limits }: FeatureOptions): string {
  return [
    '<stream:features>',
    starttls === undefined ? '' : `<starttls xmlns='${TLS}'>${starttls === 'required' ? '<required/>' : ''}</starttls>`,
    external === undefined ? '' : `<mechanisms xmlns='${SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>`,
    dialback === undefined ? '' : `<dialback xmlns='urn:xmpp:features:dialback'>${dialback === 'errors' ? '<errors/>' : ''}</dialback>`,
    bidi === undefined ? '' : "<bidi xmlns='urn:xmpp:features:bidi'/>",
    limits === undefined ? '' : `<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>${limits.maxBytes}</max-bytes><idle-seconds>${limits.idleSeconds}</idle-seconds></limits>`,
    '</stream:features>',
  ].join('')
}

/** `condition` may be one that RFC 6120 does not know. */
export function errorText (condition: string, text?: string, application?: string): string {
  return `<stream:error><${condition} xmlns='${STREAM_ERRORS}'/>${text === undefined ? '' : `<text xmlns='${STREAM_ERRORS}' xml:lang='en'>${escaped(text)}</text>`}${application ?? ''}</stream:error>`
}

export function saslSuccess (): string {
  return `<success xmlns='${SASL}'/>`
}

export function saslFailure (condition: string): string {
  return `<failure xmlns='${SASL}'><${condition}/></failure>`
}

export function starttlsFailure (): string {
  return `<failure xmlns='${TLS}'/>`
}

/** db:result or db:verify with this content, in the usual prefix or another. */
export function dialbackText (kind: 'result' | 'verify', attributes: Record<string, string | undefined>, content = '', prefix = 'db'): string {
  const shown = Object.entries(attributes).flatMap(([name, value]) => value === undefined ? [] : [` ${name}='${escaped(value)}'`]).join('')
  return `<${prefix}:${kind}${prefix === 'db' ? '' : ` xmlns:${prefix}='${DIALBACK}'`}${shown}>${content}</${prefix}:${kind}>`
}

/** The child of an answer of type `error` (XEP-0220 §2.5). */
export function dialbackError (condition: string | undefined, text: string | undefined, type = 'cancel'): string {
  const children = [condition === undefined ? '' : `<${condition} xmlns='${STANZAS}'/>`, text === undefined ? '' : `<text xmlns='${STANZAS}'>${escaped(text)}</text>`]
  return `<error type='${type}'>${children.join('')}</error>`
}

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

function escaped (text: string): string {
  return text.replace(/[&<>'"]/g, character => `&#${character.charCodeAt(0)};`)
}
