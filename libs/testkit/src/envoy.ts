// Runs inside a host's namespace and makes sockets there for the test that started it: a socket stays where it was made, whoever holds it.
// Not for import: `network.ts` starts it as a program of its own.
import { connect, createServer } from 'node:net'
import type { Place } from './loopback.ts'

export type Errand = { id: number } & ({ do: 'connect', to: Place, from?: string } | { do: 'listen', at: Place })
/** With the socket or the server, unless it failed; a server may be used when the second word has come. */
export type Outcome = { id: number, failed?: string, ready: boolean }

const CONNECT_MS = 10_000

process.on('message', (errand: Errand) => {
  const fail = (error: NodeJS.ErrnoException): void => {
    process.send?.({ id: errand.id, failed: error.code ?? error.message, ready: true } satisfies Outcome)
  }
  if (errand.do === 'listen') {
    const server = createServer().once('error', fail)
    server.listen(errand.at.port, errand.at.address, () => {
      // It listens in both processes until it is closed here, and a connection would go to either.
      process.send?.({ id: errand.id, ready: false } satisfies Outcome, server, () => {
        server.close()
        process.send?.({ id: errand.id, ready: true } satisfies Outcome)
      })
    })
    return
  }
  const socket = connect({ host: errand.to.address, port: errand.to.port, ...(errand.from === undefined ? {} : { localAddress: errand.from }) })
  socket.pause() // not a byte is read here
  socket.once('error', fail).setTimeout(CONNECT_MS, () => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
  socket.once('connect', () => {
    socket.setTimeout(0).off('error', fail)
    process.send?.({ id: errand.id, ready: true } satisfies Outcome, socket)
  })
})
process.on('disconnect', () => process.exit())
