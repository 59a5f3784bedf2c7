import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { decode, encode, streamEncode, CHECKING_DISABLED, RECURSION_DESIRED, type DecodedPacket, type RecordType } from 'dns-packet'
import { afterEach, expect, it } from 'vitest'
import { startDnsServer, type DnsServer } from './server.ts'
import type { Rule, Zone, ZoneRecord } from './zone.ts'

const RECORDS: ZoneRecord[] = [
  { name: 'partner.example', type: 'SOA', serial: 7 },
  { name: '_xmpp-server._tcp.partner.example', type: 'SRV', priority: 0, weight: 5, port: 5269, target: 'xmpp.partner.example' },
  { name: 'xmpp.partner.example', type: 'A', address: '192.0.2.1' },
  { name: 'alias.partner.example', type: 'CNAME', target: 'xmpp.partner.example' },
  { name: 'loop.partner.example', type: 'CNAME', target: 'loop.partner.example' },
  { name: '_5269._tcp.xmpp.partner.example', type: 'TLSA', usage: 3, selector: 1, matching: 1, data: new Uint8Array(32).fill(7) },
]

let server: DnsServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

it('answers SRV, addresses, aliases and TLSA from its records, whatever the case of the question', async () => {
  expect(await answers('_XMPP-Server._tcp.Partner.example', 'SRV')).toMatchObject([{ type: 'SRV', data: { priority: 0, weight: 5, port: 5269, target: 'xmpp.partner.example' } }])
  expect(await answers('alias.partner.example', 'A')).toMatchObject([{ type: 'CNAME', data: 'xmpp.partner.example' }, { type: 'A', data: '192.0.2.1' }])
  expect(await answers('_5269._tcp.xmpp.partner.example', 'TLSA')).toMatchObject([{ type: 'TLSA', data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 7) } }])
  expect(await answers('.', 'SOA')).toMatchObject([{ type: 'SOA', name: '.' }])
  expect(await answers('loop.partner.example', 'A')).toHaveLength(9)
})

it('tells a name without that type from a name that does not exist, with the SOA of the zone', async () => {
  expect(await overUdp('xmpp.partner.example', 'AAAA')).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA', name: 'partner.example' }] })
  expect(await overUdp('_tcp.partner.example', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [] })
  expect(await overUdp('other.example', 'A')).toMatchObject({ rcode: 'NXDOMAIN', answers: [], authorities: [{ type: 'SOA', name: '.' }] })
})

it.each<[string, Rule, object]>([
  ['nxdomain', { name: '*', how: 'nxdomain' }, { rcode: 'NXDOMAIN' }],
  ['nodata', { name: 'xmpp.partner.example', how: 'nodata' }, { rcode: 'NOERROR', answers: [] }],
  ['refused', { name: '*', type: 'A', how: 'refused' }, { rcode: 'REFUSED' }],
  ['servfail', { name: '*', how: 'servfail', extended: { code: 6, text: 'DNSSEC Bogus' } }, { rcode: 'SERVFAIL', additionals: [{ options: [{ code: 15, data: Buffer.from('\0\x06DNSSEC Bogus') }] }] }],
  ['another question', { name: '*', how: 'lie-about-question' }, { questions: [{ name: 'not-xmpp.partner.example' }] }],
  ['another id', { name: '*', how: 'wrong-id' }, { id: 4712 }],
])('answers with %s where it is told to', async (_, rule, expected) => {
  expect(await overUdp('xmpp.partner.example', 'A', { rules: [rule] })).toMatchObject(expected)
})

it('takes the first rule that fits name and type', async () => {
  const rules: Rule[] = [{ name: 'xmpp.partner.example', type: 'AAAA', how: 'servfail' }, { name: 'xmpp.partner.example', type: 'A', how: 'refused' }, { name: '*', how: 'nxdomain' }]
  expect(await overUdp('xmpp.partner.example', 'A', { rules })).toMatchObject({ rcode: 'REFUSED' })
})

it('answers with checking disabled what it refuses to validate', async () => {
  const rules: Rule[] = [{ name: '*', how: 'servfail', validationOnly: true }]
  expect(await overUdp('xmpp.partner.example', 'A', { rules })).toMatchObject({ rcode: 'SERVFAIL' })
  expect(await overUdp('xmpp.partner.example', 'A', { rules }, CHECKING_DISABLED)).toMatchObject({ rcode: 'NOERROR', answers: [{ data: '192.0.2.1' }] })
})

it('truncates over UDP and answers over TCP', async () => {
  const zone = { rules: [{ name: '*', how: 'truncate' }] } as const
  expect(await overUdp('xmpp.partner.example', 'A', zone)).toMatchObject({ flag_tc: true, answers: [] })
  expect(await overTcp('xmpp.partner.example', 'A')).toMatchObject({ flag_tc: false, answers: [{ data: '192.0.2.1' }] })
})

it('says nothing when it drops, and still answers the next question', async () => {
  await start({ rules: [{ name: 'xmpp.partner.example', how: 'drop' }] })
  const socket = createSocket('udp4')
  socket.send(query('xmpp.partner.example', 'A'), server?.port ?? 0, server?.address)
  socket.send(query('alias.partner.example', 'CNAME'), server?.port ?? 0, server?.address)
  const [message] = await once(socket, 'message') as [Buffer]
  socket.close()
  expect(decode(message).questions).toMatchObject([{ name: 'alias.partner.example' }])
})

it('sets the AD bit when its data is authenticated', async () => {
  expect(await overUdp('xmpp.partner.example', 'A', { authenticated: true })).toMatchObject({ flag_ad: true })
  expect(await overUdp('xmpp.partner.example', 'A', { authenticated: false })).toMatchObject({ flag_ad: false })
})

it('answers late', async () => {
  const begun = performance.now()
  expect(await overUdp('xmpp.partner.example', 'A', { rules: [{ name: '*', how: 'late', ms: 40 }] })).toMatchObject({ rcode: 'NOERROR' })
  expect(performance.now() - begun).toBeGreaterThanOrEqual(35)
})

it('forgets what is late when it closes', async () => {
  await start({ rules: [{ name: 'late.partner.example', how: 'late', ms: 60 }] })
  const socket = createSocket('udp4')
  const heard: unknown[] = []
  socket.on('message', message => heard.push(decode(message).questions))
  socket.send(query('late.partner.example', 'A'), server?.port ?? 0, server?.address)
  socket.send(query('xmpp.partner.example', 'A'), server?.port ?? 0, server?.address)
  await once(socket, 'message')
  await server?.close()
  server = undefined
  await new Promise(resolve => { setTimeout(resolve, 90) })
  socket.close()
  expect(heard).toMatchObject([[{ name: 'xmpp.partner.example' }]])
})

it('ignores what is no question', async () => {
  await start({})
  const socket = createSocket('udp4')
  socket.send(Buffer.from('no question'), server?.port ?? 0, server?.address)
  socket.send(encode({ type: 'response', id: 1, questions: [{ name: 'xmpp.partner.example', type: 'A' }] }), server?.port ?? 0, server?.address)
  socket.send(query('xmpp.partner.example', 'A'), server?.port ?? 0, server?.address)
  const [message] = await once(socket, 'message') as [Buffer]
  socket.close()
  expect(decode(message).id).toBe(4711)
})

async function start (zone: Partial<Zone>): Promise<DnsServer> {
  await server?.close()
  server = await startDnsServer({ records: RECORDS, ...zone }, '127.0.0.1', AbortSignal.timeout(10_000))
  return server
}

async function answers (name: string, type: RecordType): Promise<DecodedPacket['answers']> {
  return (await overUdp(name, type)).answers
}

async function overUdp (name: string, type: RecordType, zone: Partial<Zone> = {}, flags = 0): Promise<DecodedPacket> {
  const { address, port } = await start(zone)
  const socket = createSocket('udp4')
  socket.send(query(name, type, flags), port, address)
  const [message] = await once(socket, 'message') as [Buffer]
  socket.close()
  return decode(message)
}

async function overTcp (name: string, type: RecordType): Promise<DecodedPacket> {
  const socket = connect(server?.port ?? 0, server?.address)
  socket.write(streamEncode({ type: 'query', id: 4711, questions: [{ name, type }] }))
  const [message] = await once(socket, 'data') as [Buffer]
  socket.destroy()
  return decode(message.subarray(2))
}

function query (name: string, type: RecordType, flags = 0): Buffer {
  return encode({ type: 'query', id: 4711, flags: flags | RECURSION_DESIRED, questions: [{ name, type }], additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }] })
}
