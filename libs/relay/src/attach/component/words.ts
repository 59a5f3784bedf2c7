// What is said on the streams of components (XEP-0114 §3), and the proof that both sides know the secret.
import { createHash, timingSafeEqual } from 'node:crypto'
import { DIALBACK, STREAMS } from '@dialtone/stream'

export const COMPONENT = 'jabber:component:accept'

/**
 * A stream header. Of the prefixes that our headers to servers declare it has all: what was read on such a stream may have them, and its bytes are written on this one.
 * `to` is said by the component, `from` and `id` by the server.
 */
export function componentHeader (said: { to: string } | { from: string, id: string }): string {
  const attributes = 'to' in said ? ` to='${said.to}'` : ` from='${said.from}' id='${said.id}'`
  return `<?xml version='1.0'?><stream:stream xmlns='${COMPONENT}' xmlns:stream='${STREAMS}' xmlns:db='${DIALBACK}'${attributes}>`
}

export const HANDSHAKE_DONE = '<handshake/>'

/** XEP-0114 §3: SHA-1 of the stream's id, with its entities replaced, and the secret; hexadecimal, lower case. */
export function handshakeOf (id: string, secret: Buffer): string {
  return createHash('sha1').update(id).update(secret).digest('hex')
}

/** In a time that does not depend on where they differ. */
export function sameHandshake (shown: string, right: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(right)]
  return timingSafeEqual(b, a.length === b.length ? a : b) && a.length === b.length
}
