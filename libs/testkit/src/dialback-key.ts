// How each server makes its dialback keys, by hand: what our own keys are compared with. Who has a server's secret can answer for it, or
// speak as it.
import { createHash, createHmac } from 'node:crypto'
import type { ServerName } from './configurations.ts'

export type DialbackPair = {
  /** The domain that was spoken to, the `to` of the stream. */
  receiving: string
  /** The domain that speaks, whose server made the key. */
  originating: string
  /** Of the stream, as the receiving server gave it. */
  streamId: string
}

/** The key that a server of the originating domain makes; `secret` is the one that it is started with (ejabberd: its cookie). */
export function dialbackKey (server: ServerName, secret: string, { receiving, originating, streamId }: DialbackPair): string {
  const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex')
  const xep0185 = (shared: string): string => createHmac('sha256', hash('sha256', shared)).update(`${receiving} ${originating} ${streamId}`).digest('hex')
  switch (server) {
    case 'prosody': return xep0185(secret) // dialback_secret
    case 'ejabberd': return xep0185(hash('sha1', secret)) // the SHA-1 of the cookie, in hexadecimal
    case 'jabberd2': return hash('sha1', hash('sha1', hash('sha1', secret) + receiving) + streamId) // older than XEP-0185
    default: return unknown(server)
  }
}

function unknown (server: never): never {
  throw new Error(`no server is called '${String(server)}'`)
}
