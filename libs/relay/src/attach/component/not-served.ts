import type { ElementFrame } from '@dialtone/stream'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** The error for a stanza between two domains that do not meet on this stream; undefined for one that is never answered (RFC 6120 §8.3.1). */
export function notServedText (frame: ElementFrame, domain: string): string | undefined {
  const { kind } = frame
  if (kind === undefined || frame.typeIs('error') || (kind === 'iq' && frame.typeIs('result'))) return undefined
  const attribute = (name: string, value: string | undefined) => value === undefined ? '' : ` ${name}='${escaped(value)}'`
  return `<${kind} type='error'${attribute('id', frame.id)}${attribute('from', frame.to)}${attribute('to', frame.from)}>` +
    `<error type='cancel'><not-allowed xmlns='${STANZAS}'/><text xmlns='${STANZAS}'>${escaped(`${domain} is not reached from this domain`)}</text></error></${kind}>`
}

function escaped (text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)
}
