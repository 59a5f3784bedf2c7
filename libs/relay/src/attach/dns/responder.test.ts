import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { decode as decodeAny } from 'dns-packet'
import { afterEach, expect, it } from 'vitest'
import type { ResponderSpec } from '@dialtone/contracts'
import { NO_LOGGER, type Meter } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { type Packet, exchange, framed, openUdp, overTcp, overUdp, question, startResolver, answerTo, type Place } from '../test-support/dns-client.ts'
import { startResponder, type Responder, type ResponderOptions } from './responder.ts'

const HERE = '127.53.0.1'
const GATEWAY = { name: 'gateway.inside.example', addresses: ['192.0.2.10', '2001:db8::10'] }
const OURS = ['ours.example', 'conference.ours.example']

const decode = (message: Buffer) => decodeAny(message) as Packet

let running: Responder[] = []
let counted: Record<string, number> = {}
let elapsed = 0
const closing: (() => void)[] = []
afterEach(async () => {
  await Promise.all(running.map(responder => responder.stop()))
  for (const close of closing.splice(0)) close()
  running = []
  counted = {}
  elapsed = 0
})

it('sends every foreign domain to the gateway, with its addresses, as the authority, in the letters of the question', async () => {
  const at = await start()
  const reply = await overUdp(at, '_XMPP-Server._tcp.Partner.Example', 'SRV')
  expect(reply).toMatchObject({ id: 4711, rcode: 'NOERROR', flag_aa: true, flag_rd: true, flag_ra: false, flag_tc: false, questions: [{ name: '_XMPP-Server._tcp.Partner.Example', type: 'SRV' }] })
  expect(reply.answers).toMatchObject([{ name: '_XMPP-Server._tcp.Partner.Example', type: 'SRV', ttl: 60, data: { priority: 0, weight: 0, port: 5269, target: 'gateway.inside.example' } }])
  expect(reply.additionals).toMatchObject([{ type: 'A', name: 'gateway.inside.example', data: '192.0.2.10' }, { type: 'AAAA', data: '2001:db8::10' }, { type: 'OPT', udpPayloadSize: 1232 }])
  expect((await overTcp(at, [question('_jabber._tcp.partner.example', 'SRV')]))[0]?.answers).toMatchObject([{ data: { target: 'gateway.inside.example' } }])
})

it('says that there is no direct TLS, unless the gateway has a port for it', async () => {
  const at = await start()
  expect((await overUdp(at, '_xmpps-server._tcp.partner.example', 'SRV')).answers).toMatchObject([{ data: { port: 0, target: '.' } }])
  await running[0]?.configure(specOf({ gateway: { ...GATEWAY, port: 5299, directPort: 5270 } }))
  expect((await overUdp(at, '_xmpps-server._tcp.partner.example', 'SRV')).answers).toMatchObject([{ data: { port: 5270, target: 'gateway.inside.example' } }])
  expect((await overUdp(at, '_xmpp-server._tcp.partner.example', 'SRV')).answers).toMatchObject([{ data: { port: 5299 } }])
})

it.each([
  ['gateway.inside.example', 'A', { rcode: 'NOERROR', flag_aa: true, answers: [{ type: 'A', data: '192.0.2.10' }] }],
  ['GATEWAY.inside.example', 'AAAA', { rcode: 'NOERROR', answers: [{ type: 'AAAA', data: '2001:db8::10' }] }],
  ['gateway.inside.example', 'TXT', { rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA', name: 'gateway.inside.example', ttl: 60, data: { minimum: 60 } }] }],
  ['gateway.inside.example', 'ANY', { rcode: 'NOERROR', answers: [{ type: 'A' }] }],
  ['_xmpp-server._tcp.partner.example', 'A', { rcode: 'NOERROR', flag_aa: true, answers: [], authorities: [{ type: 'SOA', name: '_xmpp-server._tcp.partner.example' }] }],
  ['_xmpp-server._tcp.partner.example', 'CNAME', { rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA' }] }],
  ['_xmpp-server._tcp.partner.example', 'SOA', { rcode: 'NOERROR', answers: [{ type: 'SOA' }] }],
  ['_xmpp-server._tcp.partner.example', 'ANY', { rcode: 'NOERROR', answers: [{ type: 'SRV' }] }],
  ['x._xmpp-server._tcp.partner.example', 'SRV', { rcode: 'NXDOMAIN', flag_aa: true, answers: [], authorities: [{ type: 'SOA', name: '_xmpp-server._tcp.partner.example' }] }],
  ['_xmpp-server._tcp.ours.example', 'SRV', { rcode: 'REFUSED', flag_aa: false, answers: [] }],
  ['partner.example', 'A', { rcode: 'REFUSED', answers: [] }],
  ['partner.example', 'ANY', { rcode: 'NOERROR', answers: [{ type: 'HINFO' }] }],
  ['_xmpp-client._tcp.partner.example', 'SRV', { rcode: 'REFUSED' }],
  ['partner.example', 'AXFR', { rcode: 'REFUSED' }],
  ['_xmpp-server._tcp', 'SRV', { rcode: 'REFUSED' }],
] as const)('without a resolver, %s %s', async (name, type, expected) => {
  expect(await overUdp(await start(), name, type)).toMatchObject(expected)
})

it('knows no class but IN', async () => {
  expect(await overUdp(await start(), 'version.bind', 'TXT', { class: 'CH' })).toMatchObject({ rcode: 'REFUSED', answers: [] })
})

it('a domain that becomes ours is not the gateway from the next question on, and the reverse', async () => {
  const ours = new Set<string>()
  const at = await start({}, { ours: domain => ours.has(domain) })
  expect((await overUdp(at, '_xmpp-server._tcp.moving.example', 'SRV')).answers).toHaveLength(1)
  ours.add('moving.example')
  expect(await overUdp(at, '_xmpp-server._tcp.Moving.example', 'SRV')).toMatchObject({ rcode: 'REFUSED', answers: [] })
  ours.clear()
  expect((await overUdp(at, '_xmpp-server._tcp.moving.example', 'SRV')).answers).toHaveLength(1)
})

it('is no open resolver: who is not among its clients gets no byte, over neither transport', async () => {
  const at = await start({ clients: ['127.53.0.0/24'] })
  const stranger = await openUdp('127.53.1.1')
  const heard: Buffer[] = []
  stranger.on('message', message => heard.push(message))
  for (const bytes of [question('_xmpp-server._tcp.partner.example', 'SRV'), question('gateway.inside.example', 'A'), Buffer.alloc(12), question('x.example', 'A', { ednsVersion: 1 })]) stranger.send(bytes, at.port, at.address)
  await new Promise(resolve => { stranger.send('last', at.port, at.address, resolve) })
  // Datagrams are read in their order: when one that came later is answered, those have been read.
  for (let n = 0; n < 3; n++) expect(await overUdp(at, 'gateway.inside.example', 'A', { from: '127.53.0.7' })).toMatchObject({ rcode: 'NOERROR' })
  expect(heard).toEqual([])
  expect(await overTcp(at, [question('gateway.inside.example', 'A')], '127.53.1.1')).toEqual([])
  expect(counted['limits stranger']).toBe(6)
  stranger.close()
})

it('answers with no more bytes over UDP than the client takes, and with all of them over TCP', async () => {
  const addresses = Array.from({ length: 8 }, (_, n) => `2001:db8::${n}`)
  const at = await start({ gateway: { name: `${'g'.repeat(63)}.${'h'.repeat(63)}.example`, addresses } })
  const name = `_xmpp-server._tcp.${['a', 'b', 'c'].map(letter => letter.repeat(63)).join('.')}.example`
  for (const [edns, most] of [[false, 512], [1, 512], [100, 512], [512, 512], [700, 700], [1232, 1232], [4096, 1232], [65_535, 1232]] as const) {
    const { raw, answers = [], additionals = [] } = await overUdp(at, name, 'SRV', { edns })
    expect(raw.length).toBeLessThanOrEqual(most)
    expect(answers).toHaveLength(1)
    if (most < 800) expect(additionals.filter(({ type }) => type === 'AAAA')).toEqual([])
  }
  expect((await overTcp(at, [question(name, 'SRV')]))[0]?.additionals?.filter(({ type }) => type === 'AAAA')).toHaveLength(8)
})

it.each<[string, Buffer, object]>([
  ['an unknown opcode is not implemented', Buffer.from('12340000'.replace('0000', '2800') + '000100000000000000', 'hex'), { rcode: 'NOTIMP', id: 0x1234 }],
  ['a notify, too', question('x.example', 'SOA', { flags: 4 << 11 }), { rcode: 'NOTIMP' }],
  ['no question', Buffer.from('123401000000000000000000', 'hex'), { rcode: 'FORMERR', id: 0x1234 }],
  ['two questions', withCount(question('x.example', 'A'), 4, 2), { rcode: 'FORMERR' }],
  ['a question with an answer', withCount(question('x.example', 'A'), 6, 1), { rcode: 'FORMERR' }],
  ['a name that points to itself', Buffer.from('123401000001000000000000c00c00010001', 'hex'), { rcode: 'FORMERR' }],
  ['a name that does not end', Buffer.from('1234010000010000000000003f6161', 'hex'), { rcode: 'FORMERR' }],
  ['a name of more than 255 bytes', Buffer.concat([Buffer.from('123401000001000000000000', 'hex'), ...Array.from({ length: 5 }, () => Buffer.concat([Buffer.from([60]), Buffer.alloc(60, 'a')])), Buffer.from('0000010001', 'hex')]), { rcode: 'FORMERR' }],
  ['a record that is cut', withCount(question('x.example', 'A', { edns: false }), 10, 1), { rcode: 'FORMERR' }],
  ['two OPT records', withCount(Buffer.concat([question('x.example', 'A'), question('x.example', 'A').subarray(-11)]), 10, 2), { rcode: 'FORMERR' }],
])('%s', async (_, bytes, expected) => {
  expect(decode(await exchange(await start(), bytes))).toMatchObject(expected)
})

it('answers a later version of EDNS with BADVERS, and echoes DO', async () => {
  const at = await start()
  expect(await overUdp(at, 'gateway.inside.example', 'A', { ednsVersion: 1 })).toMatchObject({ answers: [], additionals: [{ type: 'OPT', extendedRcode: 1 }] })
  expect(await overUdp(at, 'gateway.inside.example', 'A', { dnssec: true })).toMatchObject({ additionals: [{ type: 'OPT', flag_do: true, ednsVersion: 0 }] })
  expect(await overUdp(at, 'gateway.inside.example', 'A', { edns: false })).toMatchObject({ additionals: [] })
})

it('never answers an answer, nor what is shorter than a header', async () => {
  const at = await start()
  const socket = await openUdp(at.address)
  const heard: number[] = []
  socket.on('message', message => heard.push(message.readUInt16BE(0)))
  const answer = question('gateway.inside.example', 'A', { id: 1 })
  answer.writeUInt16BE(0x8100, 2)
  for (const bytes of [answer, Buffer.from([0]), Buffer.alloc(11), question('gateway.inside.example', 'A', { id: 2 })]) socket.send(bytes, at.port, at.address)
  await once(socket, 'message')
  expect(heard).toEqual([2])
  socket.close()
})

it('of what is beyond the rate of a client, every second question is sent to TCP and the others are dropped; TCP and other clients go on', async () => {
  const at = await start({}, { limits: { rate: { perSecond: 1, burst: 3 } } })
  const socket = await openUdp('127.53.0.9')
  const heard: string[] = []
  const enough = new Promise<void>(resolve => socket.on('message', message => {
    const { id, flag_tc: truncated, answers = [] } = decode(message)
    expect(truncated ? message.length <= question('_xmpp-server._tcp.partner.example', 'SRV').length : true).toBe(true)
    heard.push(`${id}${truncated ? ' TC' : ''} ${answers.length}`)
    if (heard.length === 6) resolve()
  }))
  for (let id = 0; id < 9; id++) socket.send(question('_xmpp-server._tcp.partner.example', 'SRV', { id }), at.port, at.address)
  await enough
  expect(heard).toEqual(['0 1', '1 1', '2 1', '3 TC 0', '5 TC 0', '7 TC 0'])
  expect(counted['limits rate']).toBe(6)
  expect(await overTcp(at, [question('gateway.inside.example', 'A')], '127.53.0.9')).toMatchObject([{ rcode: 'NOERROR' }])
  expect((await overUdp(at, 'gateway.inside.example', 'A', { from: '127.53.0.8' })).answers).toHaveLength(1)
  elapsed += 1000
  expect((await overUdp(at, 'gateway.inside.example', 'A', { from: '127.53.0.9' })).answers).toHaveLength(1)
  socket.close()
})

it('answers many questions on one connection, each under its id, however the bytes are cut', async () => {
  const at = await start()
  const ids = Array.from({ length: 200 }, (_, id) => id)
  const answers = await overTcp(at, ids.map(id => question(`_xmpp-server._tcp.d${id}.example`, 'SRV', { id })))
  expect(answers.map(({ id }) => id)).toEqual(ids)
  const socket = connect({ host: at.address, port: at.port, localAddress: HERE })
  const bytes = framed(question('gateway.inside.example', 'A'))
  for (const byte of bytes) {
    socket.write(Buffer.from([byte]))
    await new Promise(resolve => { setImmediate(resolve) })
  }
  const [reply] = await once(socket, 'data') as [Buffer]
  expect(decode(reply.subarray(2)).rcode).toBe('NOERROR')
  socket.destroy()
})

it('closes a connection that says nothing, and one that sends what is no question', async () => {
  const at = await start({}, { limits: { tcp: { idleMs: 30 } } })
  await ended(at)
  await ended(at, framed(Buffer.alloc(2000)))
  expect(counted).toMatchObject({ 'limits idle': 1, 'limits size': 1 })
})

it('closes one connection too many, and takes another when one has gone', async () => {
  const at = await start({}, { limits: { tcp: { perClient: 2 } } })
  const held = await Promise.all([holding(at), holding(at)])
  await ended(at)
  expect(counted['limits connections']).toBe(1)
  held[0].destroy()
  await retried(async () => { expect(await overTcp(at, [question('gateway.inside.example', 'A')])).toHaveLength(1) })
  held[1].destroy()
})

it('does not read on while a client has as many questions open as it may', async () => {
  const waiting: (() => void)[] = []
  const resolver = await upstream('127.53.2.1', (asked, send) => waiting.push(() => send(answerTo(asked, {}))))
  const at = await start({ forwardTo: [resolver] }, { limits: { tcp: { pipelined: 4 } } })
  const answers = overTcp(at, Array.from({ length: 9 }, (_, id) => question(`n${id}.example`, 'A', { id })))
  await until(() => waiting.length === 4)
  // The questions behind them lie here already, and are not asked.
  expect((await overUdp(at, 'gateway.inside.example', 'A')).rcode).toBe('NOERROR')
  expect(waiting).toHaveLength(4)
  for (let done = 0; done < 9; done++) {
    await until(() => waiting.length > done)
    waiting[done]?.()
  }
  expect((await answers).map(({ id }) => id).sort((a = 0, b = 0) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  expect(counted['limits pipeline']).toBeGreaterThan(0)
})

it('listens on IPv6, and on several places', async () => {
  const at = await start({ listen: [{ address: HERE, port: 0 }, { address: '::1', port: 0 }], clients: ['127.53.0.0/16', '::1/128'] })
  const six = running[0]?.listening[1] as Place
  expect(six.address).toBe('::1')
  expect((await overUdp(six, '_xmpp-server._tcp.partner.example', 'SRV')).answers).toHaveLength(1)
  expect(await overTcp(six, [question('gateway.inside.example', 'AAAA')])).toMatchObject([{ answers: [{ data: '2001:db8::10' }] }])
  expect((await overUdp(at, 'gateway.inside.example', 'A')).answers).toHaveLength(1)
})

it('changes its places live, and keeps everything as it was where one cannot be bound', async () => {
  const at = await start()
  const [responder] = running as [Responder]
  const other = await start({ listen: [{ address: '127.53.0.2', port: 0 }] })
  await expect(responder.configure(specOf({ listen: [{ address: HERE, port: 0 }, other], gateway: { ...GATEWAY, port: 1 } }))).rejects.toThrow(/cannot listen on 127\.53\.0\.2:\d+: the port is taken/)
  expect(responder.listening).toEqual([at])
  expect((await overUdp(at, '_xmpp-server._tcp.partner.example', 'SRV')).answers).toMatchObject([{ data: { port: 5269 } }])
  await responder.configure(specOf({ listen: [{ address: '127.53.0.3', port: 0 }], gateway: { ...GATEWAY, port: 1 } }))
  expect((await overUdp(responder.listening[0] as Place, '_xmpp-server._tcp.partner.example', 'SRV')).answers).toMatchObject([{ data: { port: 1 } }])
  expect(await overTcp(at, [question('gateway.inside.example', 'A')])).toEqual([])
  await expect(responder.configure(specOf({ listen: [{ address: HERE, port: 53 }], forwardTo: [{ address: HERE, port: 53 }] }))).rejects.toThrow('would forward to itself')
})

function specOf (spec: Partial<ResponderSpec>): ResponderSpec {
  return { listen: [{ address: HERE, port: 0 }], clients: ['127.53.0.0/16'], gateway: GATEWAY, forwardTo: [], ...spec }
}

async function start (spec: Partial<ResponderSpec> = {}, options: Partial<ResponderOptions> = {}): Promise<Place> {
  const meter: Meter = {
    add: ({ name }, labels = {}, by = 1) => {
      const key = `${name.replace('dialtone_responder_', '').replace('_total', '')} ${Object.entries(labels).filter(([label]) => label !== 'zone').map(([, value]) => value).join(' ')}`
      counted[key] = (counted[key] ?? 0) + by
    },
    set: () => undefined, observe: () => undefined, remove: () => undefined,
  }
  const responder = await startResponder({ zone: 'inside', spec: specOf(spec), ours: domain => OURS.includes(domain), clock: { now: () => 0, elapsed: () => elapsed }, random: RANDOM, meter, logger: NO_LOGGER, ...options })
  running.push(responder)
  return responder.listening[0] as Place
}

async function upstream (...args: Parameters<typeof startResolver>): Promise<Place> {
  const resolver = await startResolver(...args)
  closing.push(resolver.close)
  return { address: resolver.address, port: resolver.port }
}

async function ended ({ address, port }: Place, write?: Buffer): Promise<void> {
  const socket = connect({ host: address, port, localAddress: HERE })
  if (write !== undefined) socket.write(write)
  socket.on('error', () => undefined).resume()
  await once(socket, 'close')
}

/** A connection that has had an answer, and so is open on the other side. */
async function holding ({ address, port }: Place): Promise<Socket> {
  const socket = connect({ host: address, port, localAddress: HERE })
  socket.write(framed(question('gateway.inside.example', 'A')))
  await once(socket, 'data')
  return socket
}

/** The other side sees an end when it sees it. */
async function retried (holds: () => Promise<void>): Promise<void> {
  for (let left = 200; ; left--) {
    try {
      return await holds()
    } catch (error) {
      if (left === 0) throw error
      await new Promise(resolve => { setTimeout(resolve, 5) })
    }
  }
}

async function until (holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => { setImmediate(resolve) })
}

function withCount (message: Buffer, at: number, count: number): Buffer {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(count, at)
  return copy
}
