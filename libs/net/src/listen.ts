// Sockets that others open: a listener on a literal address, each accepted connection as a Connection.
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { OperatorError } from '@dialtone/kernel'
import { open, type Connection } from './connection.ts'
import { readProxyHeader, type ProxyHeader } from './proxy-header.ts'

/** `source` is the other side's address:port, `local` the one that it came to, `address` the other side's alone. */
export type Accepted = { connection: Connection, source: string, local: string, address: string }
export type Listening = { readonly address: string, readonly port: number, /** Stops accepting; what was accepted lives on until its signal aborts. */ close: () => Promise<void> }

export type ListenOptions = {
  address: string
  port: number
  /** Decides from the address alone, before a byte is read: who is not admitted is closed without one (XEP-0205 §4.1). */
  admit: (address: string) => boolean
  accepted: (connection: Accepted) => void
  /** Ends every accepted connection. */
  signal: AbortSignal
  /** Asked for each connection: every connection of such a listener begins with a PROXY header, from a proxy that may send one; what it says is the address that is admitted. `refused` is told of others. */
  proxied?: () => { mayProxy: (address: string) => boolean, refused: (address: string, why: string) => void } | undefined
}

/** A proxy sends its header at once. */
const PROXY_MS = 5000

/** Listens; rejects with an OperatorError that names the place when it cannot. */
export function listen ({ address, port, admit, accepted, signal, proxied = () => undefined }: ListenOptions): Promise<Listening> {
  const close = (socket: Socket) => {
    socket.on('error', () => undefined)
    socket.destroy()
  }
  const take = (socket: Socket, remote: Pick<Accepted, 'address' | 'source' | 'local'>) => {
    if (!admit(remote.address)) return close(socket)
    accepted({ connection: open(socket, signal), ...remote })
  }
  const server = createServer({ noDelay: true, pauseOnConnect: false }, socket => {
    const remote = addressOf(socket)
    if (remote === undefined) return close(socket)
    const proxy = proxied()
    if (proxy === undefined) return take(socket, remote)
    if (!proxy.mayProxy(remote.address)) {
      proxy.refused(remote.address, 'no proxy of this zone')
      return close(socket)
    }
    readProxied(socket, signal, header => {
      if ('invalid' in header) {
        proxy.refused(remote.address, header.invalid)
        return close(socket)
      }
      const source = header.source
      take(socket, source === undefined ? remote : { ...remote, address: bare(source.address), source: shown(bare(source.address), source.port) })
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new OperatorError('cannot-listen', `cannot listen on ${shown(address, port)}: ${WHY[error.code ?? ''] ?? error.code ?? error.message}`)))
    server.listen({ host: address, port }, () => {
      server.on('error', () => undefined)
      resolve({ address, port: (server.address() as AddressInfo).port, close: () => new Promise(done => { server.close(() => done()) }) })
    })
  })
}

/** Takes the header off the connection, and puts back what comes behind it; once. */
function readProxied (socket: Socket, signal: AbortSignal, done: (header: Exclude<ProxyHeader, { more: true }>) => void): void {
  let held: Buffer = Buffer.alloc(0)
  const settle = (header: Exclude<ProxyHeader, { more: true }>) => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    for (const event of ['readable', 'error', 'end', 'close']) socket.removeAllListeners(event)
    if ('length' in header && held.length > header.length) socket.unshift(held.subarray(header.length))
    done(header)
  }
  const abort = () => settle({ invalid: 'the listener stopped' })
  const timer = setTimeout(() => settle({ invalid: 'no whole PROXY header in time' }), PROXY_MS)
  signal.addEventListener('abort', abort, { once: true })
  const gone = () => settle({ invalid: 'the connection ended in its PROXY header' })
  socket.on('error', gone).on('end', gone).on('close', gone)
  socket.on('readable', () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const header = readProxyHeader(held)
    if (!('more' in header)) settle(header)
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
