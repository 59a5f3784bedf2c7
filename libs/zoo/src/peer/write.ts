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

function escaped (text: string): string {
  return text.replace(/[&<>'"]/g, character => `&#${character.charCodeAt(0)};`)
}
