/** A scripted peer: a listener on loopback that plays one script to everyone who connects. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { converse } from './conversation.ts'
import { perform, type Cast } from './perform.ts'
import type { Script } from './steps.ts'

export type Peer = {
  readonly address: string
  readonly port: number
  /** Stops listening, ends every script and destroys every connection. Rejects when a script ended by a mistake of ours. */
  close: () => Promise<void>
}

/** `port` 0: one that the system chooses. Resolves to undefined when the port is taken. `domain` is what the script serves by default, `callTo` where our listener is. */
export function startPeer (script: Script, { domain, address, port = 0, callTo }: { domain: string, address: string, port?: number, callTo?: Cast['callTo'] }): Promise<Peer | undefined> {
  const cast: Cast = { domain, keys: new Set(), ...(callTo === undefined ? {} : { callTo }) }
  const stopping = new AbortController()
  const connections = new Set<Socket>()
  const mistakes: unknown[] = []
  const server = createServer(socket => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', () => undefined)
    socket.setNoDelay(true)
    perform(script, converse(socket), cast, stopping.signal).catch((error: unknown) => {
      mistakes.push(error)
      socket.destroy()
    })
  })
  const close = async () => {
    stopping.abort()
    for (const socket of connections) socket.destroy()
    await new Promise<void>(resolve => { server.close(() => resolve()) })
    if (mistakes.length > 0) throw new Error('a scripted peer could not play its script', { cause: mistakes[0] })
  }
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen({ host: address, port }, () => resolve({ address, port: (server.address() as AddressInfo).port, close }))
  })
}
