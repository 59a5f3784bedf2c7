// Sockets that others open: a listener on a literal address, each accepted connection as a Connection.
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { OperatorError } from '@dialtone/kernel'
import { open, type Connection } from './connection.ts'

/** `source` is the other side's address:port, `local` the one that it came to, `address` the other side's alone. */
export type Accepted = { connection: Connection, source: string, local: string, address: string }
export type Listening = { readonly address: string, readonly port: number, /** Stops accepting; what was accepted lives on until its signal aborts. */ close: () => Promise<void> }

/**
 * Listens; rejects with an OperatorError that names the place when it cannot. `admit` decides from the address alone, before a byte is read: who is
 * not admitted is closed without one (XEP-0205 §4.1). `signal` ends every accepted connection.
 */
export function listen ({ address, port, admit, accepted, signal }: { address: string, port: number, admit: (address: string) => boolean, accepted: (connection: Accepted) => void, signal: AbortSignal }): Promise<Listening> {
  const server = createServer({ noDelay: true, pauseOnConnect: false }, socket => {
    const remote = addressOf(socket)
    if (remote === undefined || !admit(remote.address)) {
      socket.on('error', () => undefined)
      socket.destroy()
      return
    }
    accepted({ connection: open(socket, signal), source: remote.source, local: remote.local, address: remote.address })
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new OperatorError('cannot-listen', `cannot listen on ${shown(address, port)}: ${WHY[error.code ?? ''] ?? error.code ?? error.message}`)))
    server.listen({ host: address, port }, () => {
      server.on('error', () => undefined)
      resolve({ address, port: (server.address() as AddressInfo).port, close: () => new Promise(done => { server.close(() => done()) }) })
    })
  })
}

const WHY: Record<string, string> = {
  EADDRINUSE: 'the port is taken; see ss -ltnp, or name another with --listen',
  EACCES: 'not permitted for this user; name a port above 1023, or give the process CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this machine has no such address',
}

/** IPv4 inside IPv6 is shown as what it is. */
function addressOf ({ remoteAddress, remotePort, localAddress, localPort }: Socket): Pick<Accepted, 'address' | 'source' | 'local'> | undefined {
  if (remoteAddress === undefined || remotePort === undefined || localAddress === undefined || localPort === undefined) return undefined
  const address = bare(remoteAddress)
  return { address, source: shown(address, remotePort), local: shown(bare(localAddress), localPort) }
}

function bare (address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}

function shown (address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}
