import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterEach, expect, it } from 'vitest'
import { certificateFor, trustedRoot } from '../certificates/certificates.ts'
import { openBlackhole } from './blackhole.ts'
import { afterHeader, clearServer, directServer, starttlsServer } from './scripts.ts'
import { startPeer, type Peer } from './server.ts'
import type { Script } from './steps.ts'

const OURS = { names: { dns: ['ours.example'] } }
const header = (to = 'partner.example') => `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='ours.example' to='${to}' version='1.0'>`
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const FOOTER = '</stream:stream>'

const cleanUp: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean()
})

it('plays a STARTTLS server from the first header to the goodbye', async () => {
  const { client, tls } = await secured(starttlsServer(), { ca: await trustedRoot(), servername: 'partner.example' })
  expect(tls.authorized).toBe(true)
  tls.write(header())
  expect(await read(tls, '</stream:features>')).toContain('<errors/>')
  tls.write(FOOTER)
  expect(await read(tls, FOOTER)).toBe(FOOTER)
  await once(client, 'close')
})

it('plays a direct TLS server with ALPN', async () => {
  const { address, port } = await started(directServer())
  const tls = connectTls({ host: address, port, ca: await trustedRoot(), servername: 'partner.example', ALPNProtocols: ['xmpp-server'] })
  cleanUp.push(() => { tls.destroy() })
  await once(tls, 'secureConnect')
  expect(tls.alpnProtocol).toBe('xmpp-server')
  tls.write(header())
  expect(await read(tls, '</stream:features>')).toContain("from='partner.example' to='ours.example'")
})

it('answers host-unknown for a domain that it does not serve, and closes', async () => {
  const client = await dial(clearServer({ header: { unknownText: 'not "here"' } }))
  client.write(header('other.example'))
  const said = await readAll(client)
  expect(said).toContain('<host-unknown')
  expect(said).toContain('not &#34;here&#34;')
  expect(said.endsWith(FOOTER)).toBe(true)
})

it('refuses one domain by name', async () => {
  const client = await dial(clearServer({ header: { refuses: { from: 'ours.example', condition: 'policy-violation' } } }))
  client.write(header())
  expect(await readAll(client)).toContain('<policy-violation')
})

it('sends stray bytes behind <proceed/> and still shakes hands', async () => {
  const { tls, clear } = await secured(starttlsServer({ stray: '<stray/>' }), { rejectUnauthorized: false })
  expect(clear.endsWith('<stray/>')).toBe(true)
  expect(tls.getProtocol()).toBe('TLSv1.3')
})

it('demands a certificate of TLS 1.3 clients after they have finished', async () => {
  const { tls } = await secured(starttlsServer({ tls: { clientCertificate: 'demanded', only: 'TLSv1.3' } }), { rejectUnauthorized: false })
  await expect(once(tls, 'data')).rejects.toMatchObject({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' })
})

it('accepts no certificate whose algorithm it does not name', async () => {
  const { chain, key } = await certificateFor(OURS)
  const server = { certificate: { names: { dns: ['partner.example'] }, key: 'rsa-2048' }, tls: { clientCertificate: 'demanded', only: 'TLSv1.3', signatures: 'rsa_pss_rsae_sha256' } } as const
  const { tls } = await secured(starttlsServer(server), { rejectUnauthorized: false, cert: chain, key })
  await expect(once(tls, 'data')).rejects.toMatchObject({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' })
})

it('answers the certificate of a TLS 1.2 client with an alert', async () => {
  const { chain, key } = await certificateFor(OURS)
  const handshake = secured(starttlsServer({ tls: { only: 'TLSv1.2', alertAtCertificate: 48 } }), { rejectUnauthorized: false, cert: chain, key })
  await expect(handshake).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' })
})

it('asks for a certificate, unless its script says never', async () => {
  const asked = async (script: Script) => (await secured(script, { rejectUnauthorized: false })).tls.getSharedSigalgs().length > 0
  expect(await asked(starttlsServer())).toBe(true)
  expect(await asked(starttlsServer({ tls: { clientCertificate: 'never' } }))).toBe(false)
})

it('takes the certificate of a client that it asked for one', async () => {
  const { chain, key } = await certificateFor(OURS)
  const { tls } = await secured(starttlsServer(), { rejectUnauthorized: false, cert: chain, key })
  tls.write(header())
  expect(await read(tls, '</stream:features>')).toContain('</stream:features>')
})

it('sends as much as it is told to a reader who reads, and stops for one who leaves', async () => {
  const script = afterHeader([{ do: 'flood', text: '<a/>', bytes: 1_000_000 }, { do: 'close' }])
  const client = await dial(script)
  client.write(header())
  expect((await readAll(client)).length).toBeGreaterThan(1_000_000)
  const leaver = await dial(script)
  leaver.write(header())
  await once(leaver, 'data')
  leaver.destroy()
})

it('sends byte by byte', async () => {
  const client = await dial([{ do: 'send', text: 'abc', everyMs: 5 }, { do: 'close' }])
  expect(await readAll(client)).toBe('abc')
})

it('resets', async () => {
  const client = await dial([{ do: 'await', what: 'header' }, { do: 'reset' }])
  client.write(header())
  await expect(once(client, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' })
})

it('ends scripts that would last forever when it closes', async () => {
  const peer = await started([{ do: 'send', text: 'x' }, { do: 'pause', ms: 3_600_000 }])
  const client = connect(peer.port, peer.address)
  await once(client, 'data')
  const ended = once(client, 'close')
  await peer.close()
  await ended
  expect(client.destroyed).toBe(true)
})

it('neither accepts nor refuses in the blackhole, which many may share', async () => {
  const [first, second] = [await openBlackhole(), await openBlackhole()]
  cleanUp.push(first.close, second.close)
  expect(second.port).toBe(first.port)
  await first.close()
  const client = connect(second.port, second.address)
  cleanUp.push(() => { client.destroy() })
  const waited = new Promise(resolve => { setTimeout(resolve, 300, 'nothing') })
  expect(await Promise.race([once(client, 'connect'), waited])).toBe('nothing')
})

async function started (script: Script): Promise<Peer> {
  const peer = await startPeer(script, { domain: 'partner.example', address: '127.0.0.1' })
  if (peer === undefined) throw new Error('port 0 is taken')
  cleanUp.push(peer.close)
  return peer
}

async function dial (script: Script): Promise<Socket> {
  const { address, port } = await started(script)
  const client = connect(port, address)
  cleanUp.push(() => { client.destroy() })
  await once(client, 'connect')
  return client
}

/** Through STARTTLS to the end of the handshake, as the client sees it. `clear`: what came after the features. */
async function secured (script: Script, options: ConnectionOptions): Promise<{ client: Socket, tls: TLSSocket, clear: string }> {
  const client = await dial(script)
  client.write(header())
  await read(client, '</stream:features>')
  client.write(STARTTLS)
  const clear = await read(client, '/>')
  const tls = connectTls({ socket: client, ...options })
  cleanUp.push(() => { tls.destroy() })
  await once(tls, 'secureConnect')
  return { client, tls, clear }
}

async function read (socket: Socket, until: string): Promise<string> {
  let text = ''
  while (!text.includes(until)) text += String((await once(socket, 'data') as [Buffer])[0])
  return text
}

async function readAll (socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', chunk => { text += String(chunk) })
  await once(socket, 'end')
  return text
}
