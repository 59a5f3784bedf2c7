// Stanza errors that are sent in the name of an addressee who could not be reached (RFC 6120 §8.3).
import type { Element } from '../element.ts'
import { STANZA_ERRORS } from '../namespaces.ts'
import { serialise } from '../serialise.ts'
import { attribute, conditionName, text, OWN_DECLARATIONS } from './write.ts'

/** What an error is about. `from` is the one who could not be reached, `to` who is told: the other way round than in the stanza. */
export type Bounce = {
  kind: 'message' | 'presence' | 'iq'
  from: string
  to: string
  id?: string
  /** Of the stanza, where it had its own or inherited one that is not the outgoing header's. */
  lang?: string
  /** The first child of an iq, kept if it is short enough; a message's content is never echoed (row R5). */
  child?: Element
  /** A stanza error condition (§8.3.3). */
  condition: string
  type: 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'
  /** Who says so; left out where XEP-0478 §4 wants it. */
  by?: string
  /** For people, in English. */
  text?: string
  /** The stanza is larger than somebody takes (XEP-0205). */
  tooBig?: boolean
}

/** UTF-8 bytes of an iq's child beyond which it is left out. */
const MOST_ECHOED = 1024

/** The stanza of type `error`, for a stream with our own header. Whether there may be one is the caller's question (RFC 6120 §8.3.1). */
export function bounceText ({ kind, from, to, id, lang, child, condition, type, by, text: reason, tooBig = false }: Bounce): string {
  return `<${kind}${attribute('from', from)}${attribute('to', to)}${attribute('id', id)} type='error'${attribute('xml:lang', lang)}>` + (kind === 'iq' && child !== undefined ? echoed(child) : '') +
    `<error type='${type}'${attribute('by', by)}><${conditionName(condition, 'undefined-condition')} xmlns='${STANZA_ERRORS}'/>` +
    (reason === undefined || reason === '' ? '' : `<text xmlns='${STANZA_ERRORS}' xml:lang='en'>${text(reason)}</text>`) +
    `${tooBig ? "<stanza-too-big xmlns='urn:xmpp:errors'/>" : ''}</error></${kind}>`
}

function echoed (child: Element): string {
  const written = serialise(child, OWN_DECLARATIONS)
  // A UTF-16 unit is no more than three bytes; most are one.
  return 3 * written.length <= MOST_ECHOED || utf8Length(written) <= MOST_ECHOED ? written : ''
}

function utf8Length (written: string): number {
  let length = 0
  for (const character of written) {
    const point = character.codePointAt(0) as number
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return length
}
