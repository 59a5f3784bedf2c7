import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { decode, encode, type Packet } from 'dns-packet'
import { createResolver } from './resolver.ts'

const sockets: Socket[] = []
afterEach(() => { for (const socket of sockets.splice(0)) socket.close() })
const SRV = { name: '_xmpp-server._tcp.a.example', type: 'SRV' } as const

it('reads records, the alias chain and the AD bit', async () => {
  const reply = await ask(query => ({ ...answer(query), flags: 0x8180 | 0x0020, answers: [
    { type: 'CNAME', name: SRV.name, ttl: 5, data: 'real.example' },
    { type: 'SRV', name: 'real.example', ttl: 60, data: { priority: 1, weight: 2, port: 5269, target: 'X.a.example.' } },
    { type: 'SRV', name: 'stray.example', ttl: 60, data: { priority: 1, weight: 2, port: 1, target: 'y' } },
  ] }))
  expect(reply).toMatchObject({
    outcome: 'answer', authenticated: true, transport: 'udp',
    aliases: [{ from: SRV.name, to: 'real.example', ttl: 5 }],
    records: [{ type: 'SRV', ttl: 60, priority: 1, weight: 2, port: 5269, target: 'x.a.example' }],
  })
})

for (const [rcode, outcome] of [[0, 'nodata'], [2, 'servfail'], [3, 'nxdomain'], [5, 'refused'], [4, 'other-rcode']] as const) {
  it(`tells rcode ${rcode} as ${outcome}`, async () => {
    expect(await ask(query => ({ ...answer(query), flags: 0x8180 | rcode }))).toMatchObject({ outcome, rcode, records: [] })
  })
}

it('reads the upper bits of the response code, so that BADVERS is no NODATA', async () => {
  expect(await ask(query => ({ ...answer(query), additionals: [opt(1)] }))).toMatchObject({ outcome: 'other-rcode', rcode: 16 })
})

it('asks a resolver that does not understand EDNS once more without it', async () => {
  const records = [{ type: 'SRV', name: SRV.name, ttl: 60, data: { priority: 1, weight: 2, port: 5269, target: 'x.a.example' } }] as const
  expect(await ask(query => (query.additionals ?? []).length > 0 ? { ...answer(query), questions: [], flags: 0x8181 } : { ...answer(query), answers: [...records] })).toMatchObject({ outcome: 'answer' })
  expect(await ask(query => ({ ...answer(query), questions: [], flags: 0x8181 }))).toMatchObject({ outcome: 'other-rcode', rcode: 1 })
})

it('does not believe an answer to another question, or with another id', async () => {
  expect(await ask(query => ({ ...answer(query), questions: [{ type: 'SRV', name: 'evil.example' }] }), 1000)).toMatchObject({ outcome: 'malformed', detail: 'an answer to another question: evil.example' })
  expect(await ask(query => ({ ...answer(query), id: (query.id ?? 0) ^ 1 }), 1000)).toMatchObject({ outcome: 'malformed', detail: 'an answer with another id' })
})

it('believes the class IN alone', async () => {
  const chaos = { type: 'SRV', name: SRV.name, ttl: 60, class: 'CH', data: { priority: 1, weight: 2, port: 5269, target: 'x.a.example' } } as const
  expect(await ask(query => ({ ...answer(query), answers: [chaos] }))).toMatchObject({ outcome: 'nodata' })
  expect(await ask(query => ({ ...answer(query), questions: [{ type: 'SRV', name: SRV.name, class: 'CH' }], answers: [chaos] }), 1000)).toMatchObject({ outcome: 'malformed' })
})

it.each(['255.255.255.255', 'fe80::1', '240.0.0.1'])('tells a resolver to which nothing can be sent: %s', async address => {
  const { answer: said } = await createResolver({ address, port: 9, timeoutMs: 300, attempts: 1 }).ask(SRV, AbortSignal.timeout(5000))
  expect(['unreachable', 'timeout']).toContain(said.outcome)
})

it('does not follow an alias chain for ever', async () => {
  expect(await ask(query => ({ ...answer(query), answers: [{ type: 'CNAME', name: SRV.name, ttl: 1, data: SRV.name }] }))).toMatchObject({ outcome: 'malformed' })
})

it('tells a resolver that is not there, and one that is silent', async () => {
  const port = await serve(() => undefined)
  expect((await createResolver({ address: '127.0.0.1', port, timeoutMs: 50 }).ask(SRV, AbortSignal.timeout(5000))).answer.outcome).toBe('timeout')
  for (const socket of sockets.splice(0)) socket.close()
  expect((await createResolver({ address: '127.0.0.1', port, timeoutMs: 500 }).ask(SRV, AbortSignal.timeout(5000))).answer.outcome).toBe('unreachable')
})

function opt (extendedRcode: number): NonNullable<Packet['additionals']>[number] {
  return { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode, ednsVersion: 0, flags: 0, flag_do: false, options: [] }
}

/** `patienceMs`: less than plenty where a better answer is waited for. */
async function ask (reply: (query: Packet) => Packet, patienceMs = 10_000): Promise<object> {
  const port = await serve(reply)
  return (await createResolver({ address: '127.0.0.1', port, timeoutMs: patienceMs, attempts: 1 }).ask(SRV, AbortSignal.timeout(30_000))).answer
}

async function serve (reply: (query: Packet) => Packet | undefined): Promise<number> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  socket.on('message', (message, { port, address }) => {
    const packet = reply(decode(message))
    if (packet !== undefined) socket.send(encode(packet), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket.address().port
}

function answer (query: Packet): Packet {
  return { type: 'response', ...(query.id === undefined ? {} : { id: query.id }), flags: 0x8180, questions: query.questions ?? [] }
}
