import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, type Connection } from './connection.ts'

const servers: Server[] = []
afterEach(() => { for (const server of servers.splice(0)) server.close() })
const TLS = { sni: 'a.example', anchors: { system: false, given: [] }, timeoutMs: 300 }

it('tells a refused port', async () => {
  const port = await listen(() => undefined)
  servers.pop()?.close()
  expect(await connect({ address: '127.0.0.1', port, allowNets: ['127.0.0.0/8'], timeoutMs: 2000, signal: AbortSignal.timeout(5000) })).toEqual({ failure: { at: 'tcp', why: 'refused' } })
})

describe('reading', () => {
  it('gives bytes, then the end', async () => {
    const connection = await open(socket => socket.end('hello'))
    expect(await connection.read(2000)).toEqual({ bytes: Buffer.from('hello') })
    expect(await connection.read(2000)).toEqual({ end: true })
    expect(connection.received).toBe(5)
    connection.destroy()
  })

  it('tells silence', async () => {
    const connection = await open(() => undefined)
    expect(await connection.read(20)).toEqual({ timeout: true })
    connection.destroy()
  })

  it('tells a reset', async () => {
    const connection = await open(socket => { socket.on('data', () => socket.resetAndDestroy()) })
    connection.write('x')
    expect(await connection.read(2000)).toMatchObject({ failure: { at: 'stream', why: 'reset' } })
    connection.destroy()
  })
})

describe('a handshake', () => {
  for (const [name, act, failure] of [
    ['that is answered by something else', (socket: Socket) => { socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')) }, { at: 'tls', why: 'not-tls' }],
    ['that is closed', (socket: Socket) => { socket.on('data', () => socket.end()) }, { at: 'tls', why: 'closed' }],
    ['that is not answered', () => undefined, { at: 'tls', why: 'timeout' }],
    ['that is refused by an alert', (socket: Socket) => { socket.on('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]))) }, { at: 'tls', why: 'alert-from-peer', alert: 'handshake_failure' }],
  ] as const) {
    it(name, async () => {
      const connection = await open(act)
      expect(await connection.secure(TLS)).toMatchObject({ failure, stray: 0 })
      connection.destroy()
    })
  }

  it('counts what came in clear before it, and discards it', async () => {
    const connection = await open(socket => socket.write('<evil/>'))
    await connection.read(0)
    while (connection.received === 0) await connection.read(20)
    expect(await connection.secure(TLS)).toMatchObject({ failure: { why: 'timeout' } })
    connection.destroy()
  })
})

it('rejects when it is told to stop', async () => {
  await expect(connect({ address: '127.0.0.1', port: 9, allowNets: ['127.0.0.0/8'], timeoutMs: 1000, signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped')
})

async function open (act: (socket: Socket) => void): Promise<Connection> {
  const opened = await connect({ address: '127.0.0.1', port: await listen(act), allowNets: ['127.0.0.0/8'], timeoutMs: 2000, signal: AbortSignal.timeout(10_000) })
  if ('failure' in opened) throw new Error(JSON.stringify(opened.failure))
  return opened.connection
}

async function listen (act: (socket: Socket) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    act(socket)
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

for (const [name, sourceAddress, from] of [
  ['from the address that it is told', '127.0.0.5', '127.0.0.5'],
  ['as the system chooses where that is of another family', '::1', '127.0.0.1'],
] as const) {
  it(`connects ${name}`, async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const arrived = once(server, 'connection') as Promise<[Socket]>
      const { port } = server.address() as { port: number }
      const opened = await connect({ address: '127.0.0.1', port, allowNets: ['127.0.0.0/8'], timeoutMs: 2000, signal: AbortSignal.timeout(5000), sourceAddress })
      const [socket] = await arrived
      expect(socket.remoteAddress).toBe(from)
      if ('connection' in opened) opened.connection.destroy()
      socket.destroy()
    } finally {
      server.close()
    }
  })
}
