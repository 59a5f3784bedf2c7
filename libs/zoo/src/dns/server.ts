/**
 * The embedded resolver: the zone of `zone.ts` over UDP and TCP on one loopback port (RFC 1035 §4.2, RFC 7766). It answers what it was told,
 * rightly or wrongly, and asks nobody.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { answer } from './answer.ts'
import type { Zone } from './zone.ts'

export type DnsServer = {
  readonly address: string
  readonly port: number
  /** Closes both sockets, every TCP connection, and forgets answers that are still late. */
  close: () => Promise<void>
}

/** Ports that are free over UDP are mostly free over TCP; a few tries suffice. */
const TRIES = 20
/** A TCP client may send this many bytes that make no complete question. */
const MOST_PENDING = 65_537

/** Listens on `address`, at `wanted` or a port that the system chooses. Rejects when `signal` is aborted or the address cannot be bound. */
export async function startDnsServer (zone: Zone, address: string, signal: AbortSignal, wanted = 0): Promise<DnsServer> {
  for (let left = wanted === 0 ? TRIES : 0; ; left--) {
    signal.throwIfAborted()
    const udp = await openUdp(address, wanted)
    const { port } = udp.address()
    const tcp = await openTcp(address, port)
    if (tcp !== undefined) return serve(zone, address, port, udp, tcp)
    await closed(udp)
    if (left === 0) throw new Error(`no port of ${address} is free over both UDP and TCP`)
  }
}

function serve (zone: Zone, address: string, port: number, udp: UdpSocket, tcp: Server): DnsServer {
  const late = new Set<NodeJS.Timeout>()
  const connections = new Set<Socket>()
  const reply = (query: Buffer, transport: 'udp' | 'tcp', send: (message: Buffer) => void) => {
    const { message, afterMs } = answer(zone, query, transport)
    if (message === undefined) return
    if (afterMs === 0) {
      send(message)
      return
    }
    const timer = setTimeout(() => {
      late.delete(timer)
      send(message)
    }, afterMs)
    late.add(timer)
  }

  udp.on('message', (query, from) => reply(query, 'udp', message => udp.send(message, from.port, from.address, () => undefined)))
  udp.on('error', () => undefined)
  tcp.on('connection', socket => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', () => undefined)
    readMessages(socket, query => reply(query, 'tcp', message => {
      if (socket.writable) socket.write(framed(message))
    }))
  })

  return {
    address,
    port,
    close: async () => {
      for (const timer of late) clearTimeout(timer)
      for (const socket of connections) socket.destroy()
      await Promise.all([closed(udp), new Promise<void>(resolve => { tcp.close(() => resolve()) })])
    },
  }
}

/** Two bytes of length before each message (RFC 1035 §4.2.2). */
function readMessages (socket: Socket, hear: (query: Buffer) => void): void {
  let pending = Buffer.alloc(0)
  socket.on('data', chunk => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0)
      hear(pending.subarray(2, end))
      pending = pending.subarray(end)
    }
    if (pending.length > MOST_PENDING) socket.destroy()
  })
}

function framed (message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

function openUdp (address: string, port: number): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(port, address, () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** Undefined when another program holds the port. */
function openTcp (address: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen({ port, host: address }, () => {
      const bound = server.address() as AddressInfo
      resolve(bound.port === port ? server : undefined)
    })
  })
}

function closed (socket: UdpSocket): Promise<void> {
  return new Promise(resolve => { socket.close(() => resolve()) })
}
