// A stanza in a server's own name, to make it speak first: said by a component (XEP-0114) that the server lets speak for everybody.
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { readUntil } from './wire.ts'

const PATIENCE_MS = 10_000

/** Says it and leaves. Throws when the server does not accept the component. Whether the stanza arrives is for others to see. */
export async function sayAsComponent (socket: Socket, { name, secret }: { name: string, secret: string }, stanza: string): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  socket.on('error', () => undefined) // told by what was not read
  try {
    socket.write(`<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${name}'>`)
    const header = await readUntil(socket, /<stream:stream[^>]*>/, signal)
    const id = /<stream:stream[^>]*\sid=['"]([^'"]*)['"]/.exec(header)?.[1] ?? ''
    socket.write(`<handshake>${createHash('sha1').update(id + secret).digest('hex')}</handshake>`)
    const answer = await readUntil(socket, /<handshake[^>]*>|<\/stream:stream>/, signal)
    if (!answer.includes('<handshake')) throw new Error(`the component was not accepted: ${header}${answer}`)
    socket.end(`${stanza}</stream:stream>`)
    await readUntil(socket, undefined, signal)
  } finally {
    socket.destroy()
  }
}
