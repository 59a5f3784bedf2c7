import { once } from 'node:events'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { OperatorError } from '@dialtone/kernel'
import { certificateFor, trustedRoot } from '@dialtone/zoo'
import { afterEach, describe, expect, it } from 'vitest'
import { anchorsOf, validateChain } from './chain.ts'
import type { Connection } from './connection.ts'
import type { PeerSecured } from './handshake.ts'
import { listen, type Accepted, type Listening } from './listen.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

describe('listening', () => {
  it('gives each connection with where it comes from', async () => {
    const { at, accepted } = await listening()
    const socket = await dial(at)
    const { source, address, connection } = await accepted
    expect({ source, address }).toEqual({ source: `127.0.0.1:${socket.localPort}`, address: '127.0.0.1' })
    socket.write('hello')
    expect(await connection.read(2000)).toEqual({ bytes: Buffer.from('hello') })
  })

  it('shows an IPv4 address inside an IPv6 one as what it is', async () => {
    const { at, accepted } = await listening({ address: '::ffff:127.0.0.1' })
    const socket = await dial(at)
    expect(await accepted).toMatchObject({ source: `127.0.0.1:${socket.localPort}`, address: '127.0.0.1' })
  })

  it('closes without a byte who is not admitted', async () => {
    const { at } = await listening({ admit: () => false })
    const socket = connectTcp(at.port, at.address).on('error', () => undefined)
    const bytes: Buffer[] = []
    socket.on('data', chunk => bytes.push(chunk))
    await once(socket, 'close')
    expect(bytes).toEqual([])
  })

  it('says which place is taken, and what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    cleanUp.push(() => taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const failure = await listening({ port }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(OperatorError)
    expect(failure).toMatchObject({ code: 'cannot-listen', message: expect.stringContaining(`127.0.0.1:${port}: the port is taken`) as string })
    await expect(listening({ address: '192.0.2.1' })).rejects.toThrow('192.0.2.1:0: this machine has no such address')
  })

  it('ends what was accepted when it is told to stop', async () => {
    const { at, accepted, stop } = await listening()
    const socket = await dial(at)
    const { connection } = await accepted
    stop()
    expect(await connection.read(2000)).toMatchObject({ failure: { why: 'cancelled' } })
    if (!socket.closed) await once(socket, 'close')
  })
})

describe('the server\'s side of a handshake', () => {
  it('sees the certificate of a client, and takes none as well', async () => {
    const { chain, key } = await certificateFor({ names: { dns: ['partner.example'] } })
    const { tls, sent } = await secured({ cert: chain, key })
    expect(tls).toMatchObject({ protocol: 'TLSv1.3', clientCertificateRequested: true })
    expect(validateChain(sent, anchorsOf({ system: false, given: [await trustedRoot()] })).chain.trust).toBe('trusted')
    expect((await secured({})).sent).toEqual([])
  })

  it('takes TLS 1.2, and nothing older', async () => {
    expect((await secured({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).tls.protocol).toBe('TLSv1.2')
    const old = createSecureContext({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' })
    await expect(secured({ secureContext: old })).rejects.toThrow('"alert":"protocol_version"')
  })

  it('takes ALPN for what it is, and refuses another protocol', async () => {
    expect((await secured({ ALPNProtocols: ['h2', 'xmpp-server'] })).tls.alpn).toBe('xmpp-server')
    await expect(secured({ ALPNProtocols: ['h2'] })).rejects.toThrow()
  })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${version}: resumes nothing, and does not mind the offer`, async () => {
      const own = await certificateFor({ names: { dns: ['partner.example'] } })
      const sessions: Buffer[] = []
      const first = await secured({ minVersion: version, maxVersion: version, cert: own.chain, key: own.key }, client => client.on('session', session => sessions.push(session)))
      expect(first.sent).toHaveLength(1)
      let resumed = true
      const [session] = sessions
      const again = await secured({ minVersion: version, maxVersion: version, ...(session === undefined ? {} : { session }) }, client => client.once('secureConnect', () => { resumed = client.isSessionReused() }))
      expect(resumed).toBe(false)
      expect(again.sent).toEqual([])
    })

    it(`${version}: tells bytes that are no TLS in the packet that ends the handshake`, async () => {
      const { at, accepted } = await listening()
      // The client's last flight is its second.
      meddle(await dial(at), version, (flight, bytes) => flight === 2 ? Buffer.concat([bytes, Buffer.from([0x17, 3, 3, 0, 32, ...Array.from({ length: 32 }, () => 7)])]) : bytes)
      const { connection } = await accepted
      await accept(connection)
      expect(await connection.read(5000)).toMatchObject({ failure: { at: 'tls', why: 'protocol' } })
    })
  }

  it('is over at once where the client has gone already', async () => {
    const { at, accepted } = await listening()
    const socket = await dial(at)
    const { connection } = await accepted
    socket.resetAndDestroy()
    expect(await connection.read(2000)).toMatchObject({ failure: { why: 'reset' } })
    const began = performance.now()
    await expect(accept(connection)).rejects.toThrow('closed')
    expect(performance.now() - began).toBeLessThan(4000)
  })

  it('is over in time where the client says nothing, or only half of it', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from([0x16, 3, 1, 2, 0, 1])]) {
      const { at, accepted } = await listening()
      const socket = await dial(at)
      socket.write(bytes)
      const { connection } = await accepted
      await expect(accept(connection, 50)).rejects.toThrow('timeout')
    }
  })
})

async function listening ({ address = '127.0.0.1', port = 0, admit = () => true }: { address?: string, port?: number, admit?: () => boolean } = {}): Promise<{ at: Listening, accepted: Promise<Accepted>, stop: () => void }> {
  const stopping = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Accepted>()
  const at = await listen({ address, port, admit, accepted: resolve, signal: stopping.signal })
  cleanUp.push(async () => {
    stopping.abort()
    await at.close()
  })
  return { at, accepted: promise, stop: () => stopping.abort() }
}

async function dial ({ address, port }: Listening): Promise<Socket> {
  const socket = connectTcp(port, address).on('error', () => undefined)
  cleanUp.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** One handshake with a client as described; rejects with the failure as text. */
async function secured (client: ConnectionOptions, prepare: (client: TLSSocket) => unknown = () => undefined): Promise<PeerSecured> {
  const { at, accepted } = await listening()
  const socket = connectTls({ socket: await dial(at), rejectUnauthorized: false, ...client })
  socket.on('error', () => undefined)
  prepare(socket)
  const { connection } = await accepted
  const result = await accept(connection)
  // A session comes with the first bytes, in TLS 1.3.
  connection.write('x')
  await once(socket, 'data')
  return result
}

async function accept (connection: Connection, timeoutMs = 5000): Promise<PeerSecured> {
  const own = await certificateFor({ names: { dns: ['ours.example'] } })
  const result = await connection.secureAsServer({ certificate: { certificate: own.chain, key: own.key }, timeoutMs })
  if ('failure' in result) throw new Error(JSON.stringify(result.failure))
  return result.secured
}

/** A TLS client over a socket, whose flights pass through `change` on their way out. */
function meddle (socket: Socket, version: 'TLSv1.2' | 'TLSv1.3', change: (flight: number, bytes: Buffer) => Buffer): void {
  let flight = 0
  const pipe = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _, done) => {
      socket.write(change(++flight, bytes))
      done()
    },
  })
  socket.on('data', bytes => pipe.push(bytes))
  connectTls({ socket: pipe, rejectUnauthorized: false, minVersion: version, maxVersion: version }).on('error', () => undefined)
}
