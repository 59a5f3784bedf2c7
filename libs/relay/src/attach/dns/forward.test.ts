import { encode } from 'dns-packet'
import { afterEach, expect, it } from 'vitest'
import { NO_LOGGER, type Meter } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { answerTo, overTcp, overUdp, question, startResolver, type Asked, type Place } from '../test-support/dns-client.ts'
import { startResponder, type Responder, type ResponderOptions } from './responder.ts'

const HERE = '127.54.0.1'
const A = (name: string, ttl: number) => ({ name, type: 'A', ttl, class: 'IN', data: '192.0.2.1' } as const)
const SOA = (name: string, ttl: number, minimum: number) => ({ name, type: 'SOA', ttl, class: 'IN', data: { mname: 'ns.example', rname: 'hm.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum } } as const)
/** Nothing listens there: the kernel says so at once. */
const DEAD: Place = { address: '127.54.9.9', port: 9 }

let running: Responder | undefined
let counted: Record<string, number> = {}
let elapsed = 0
const closing: (() => void)[] = []
afterEach(async () => {
  await running?.stop()
  for (const close of closing.splice(0)) close()
  running = undefined
  counted = {}
  elapsed = 0
})

it('forwards what is no XMPP question of a foreign domain, and what concerns domains of ours', async () => {
  const resolver = await upstream((asked, send) => send(answerTo(asked, { answers: [{ name: asked.packet.questions?.[0]?.name ?? '', type: 'SRV', ttl: 300, data: { priority: 0, weight: 0, port: 5269, target: 'xmpp.ours.example' } }] })))
  const at = await start([resolver])
  expect(await overUdp(at, '_xmpp-server._tcp.ours.example', 'SRV')).toMatchObject({ rcode: 'NOERROR', flag_aa: false, flag_ra: true, answers: [{ data: { target: 'xmpp.ours.example' } }] })
  expect((await overUdp(at, '_xmpp-server._tcp.partner.example', 'SRV')).answers).toMatchObject([{ data: { target: 'gateway.inside.example' } }])
  expect(resolver.asked).toHaveLength(1)
  expect(await overUdp(at, 'x.example', 'A', { flags: 0 })).toMatchObject({ rcode: 'REFUSED' })
  expect(resolver.asked).toHaveLength(1)
})

it('asks from a fresh port under a fresh id, and passes on CD, DO and the letters', async () => {
  const resolver = await upstream((asked, send) => send(answerTo(asked, { answers: [A('x.example', 0)] })))
  const at = await start([resolver])
  for (let n = 0; n < 12; n++) await overUdp(at, 'X.example', 'A', { dnssec: true, flags: 0x0110, id: 7 })
  expect(new Set(resolver.asked.map(({ from }) => from.port)).size).toBeGreaterThan(8)
  expect(new Set(resolver.asked.map(({ packet }) => packet.id)).size).toBeGreaterThan(8)
  expect(resolver.asked[0]?.packet).toMatchObject({ flag_rd: true, flag_cd: true, questions: [{ name: 'X.example' }], additionals: [{ type: 'OPT', flag_do: true, udpPayloadSize: 1232 }] })
  await overUdp(at, 'x.example', 'A', { edns: false })
  expect(resolver.asked.at(-1)?.packet.additionals).toEqual([])
})

it('keeps an answer as long as its shortest time to live, and says how much of it is left', async () => {
  const resolver = await upstream((asked, send) => send(answerTo(asked, { answers: [A('x.example', 100), A('x.example', 50)] })))
  const at = await start([resolver])
  expect((await overUdp(at, 'x.example', 'A', { id: 1 })).answers).toMatchObject([{ ttl: 100 }, { ttl: 50 }])
  elapsed = 20_500
  expect(await overUdp(at, 'X.Example', 'A', { id: 2 })).toMatchObject({ id: 2, questions: [{ name: 'X.Example' }], answers: [{ ttl: 80 }, { ttl: 30 }] })
  expect(resolver.asked).toHaveLength(1)
  elapsed = 50_000
  await overUdp(at, 'x.example', 'A')
  expect(resolver.asked).toHaveLength(2)
  expect(counted).toMatchObject({ 'forwarded cache': 1, 'forwarded resolver': 2 })
})

it.each([
  ['what does not exist, for as long as the SOA says', 3, [SOA('example', 60, 20)], 20],
  ['what does not exist, never longer than five minutes', 3, [SOA('example', 86_400, 86_400)], 300],
  ['an empty answer', 0, [SOA('example', 15, 3600)], 15],
  ['not at all without a SOA', 3, [], 0],
] as const)('keeps %s', async (_, rcode, authorities, seconds) => {
  const resolver = await upstream((asked, send) => send(answerTo(asked, { rcode, authorities: [...authorities] })))
  const at = await start([resolver])
  await overUdp(at, 'x.example', 'A')
  elapsed = seconds * 1000 - 1
  await overUdp(at, 'x.example', 'A')
  elapsed = seconds * 1000
  await overUdp(at, 'x.example', 'A')
  expect(resolver.asked).toHaveLength(seconds === 0 ? 3 : 2)
})

it('asks equal questions once at a time, and answers each under its own id and in its own letters', async () => {
  const waiting: (() => void)[] = []
  const resolver = await upstream((asked, send) => waiting.push(() => send(answerTo(asked, { answers: [A('x.example', 0)] }))))
  const at = await start([resolver], { limits: { forward: { waiting: 20 } } })
  const clients = Array.from({ length: 24 }, (_, id) => overTcp(at, [question(id % 2 === 0 ? 'x.example' : 'X.EXAMPLE', 'A', { id })]))
  // Those that find no room are answered before; it is known how many there are.
  await until(() => counted['limits waiting'] === 4)
  waiting[0]?.()
  const answers = (await Promise.all(clients)).flat()
  expect(answers.map(({ id }) => id).sort((a = 0, b = 0) => a - b)).toEqual(Array.from({ length: 24 }, (_, id) => id))
  expect(answers.filter(answer => answer.rcode === 'SERVFAIL')).toHaveLength(4)
  expect(answers.every(({ id = 0, questions }) => questions?.[0]?.name === (id % 2 === 0 ? 'x.example' : 'X.EXAMPLE'))).toBe(true)
  expect(resolver.asked).toHaveLength(1)
})

it('goes on to the next resolver where one refuses, fails or is dead, and stays with the one that answered', async () => {
  const refusing = await upstream((asked, send) => send(answerTo(asked, { rcode: 5 })))
  const good = await upstream((asked, send) => send(answerTo(asked, { answers: [A('x.example', 0)] })))
  const at = await start([refusing, DEAD, good])
  for (let n = 0; n < 3; n++) expect(await overUdp(at, 'x.example', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [{}] })
  expect(refusing.asked).toHaveLength(1)
  expect(counted).toMatchObject({ 'resolver_failures failed': 1, 'resolver_failures unreachable': 1 })
})

it('says SERVFAIL when all fail, and asks again at the next question', async () => {
  let broken = true
  const resolver = await upstream((asked, send) => send(answerTo(asked, broken ? { rcode: 2 } : { answers: [A('x.example', 5)] })))
  const at = await start([resolver, DEAD])
  expect(await overUdp(at, 'x.example', 'A')).toMatchObject({ rcode: 'SERVFAIL', flag_ra: true, answers: [] })
  broken = false
  expect(await overUdp(at, 'x.example', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [{}] })
})

it('believes no datagram that answers something else', async () => {
  const resolver = await upstream((asked, send) => {
    const lie = { answers: [{ ...A('x.example', 600), data: '192.0.2.66' }] }
    send(answerTo(asked, { ...lie, id: ((asked.packet.id ?? 0) + 1) & 0xFFFF }))
    send(answerTo(asked, { ...lie, name: 'y.example' }))
    send(asked.raw)
    send(encode({ type: 'response', id: asked.packet.id ?? 0, questions: [], answers: lie.answers }))
    send(Buffer.from([1, 2, 3]))
    const cut = answerTo(asked, lie)
    send(cut.subarray(0, cut.length - 14))
    send(answerTo(asked, { answers: [A('x.example', 600)] }))
  })
  const at = await start([resolver])
  for (let n = 0; n < 2; n++) expect((await overUdp(at, 'x.example', 'A')).answers).toMatchObject([{ data: '192.0.2.1' }])
  expect(counted['resolver_failures stray']).toBe(6)
})

it('fetches over TCP what was truncated, and truncates what a client over UDP cannot take', async () => {
  const many = Array.from({ length: 60 }, (_, n) => ({ ...A('x.example', 600), data: `192.0.2.${n}` }))
  const resolver = await upstream((asked, send) => send(answerTo(asked, asked.transport === 'udp' ? { flags: 0x0200 } : { answers: many })))
  const at = await start([resolver])
  const truncated = await overUdp(at, 'x.example', 'A', { edns: 1232 })
  expect(truncated.raw.length).toBeLessThan(60)
  expect(truncated).toMatchObject({ flag_tc: true, answers: [] })
  const [whole] = await overTcp(at, [question('x.example', 'A')])
  expect(whole?.answers).toHaveLength(60)
  expect(resolver.asked).toHaveLength(2)
})

it('has room for so many questions, and for half of them from one client', async () => {
  const waiting: (() => void)[] = []
  const resolver = await upstream((asked, send) => waiting.push(() => send(answerTo(asked, {}))))
  const at = await start([resolver], { limits: { forward: { inFlight: 6, inFlightPerClient: 3 } } })
  const ask = (from: string, count: number) => overTcp(at, Array.from({ length: count }, (_, id) => question(`${from}.${id}.example`, 'A', { id })), from)
  const answers = [ask('127.54.0.2', 4), ask('127.54.0.3', 4)]
  await until(() => waiting.length === 6 && counted['limits in-flight'] === 2)
  const third = await ask('127.54.0.4', 1)
  expect(third).toMatchObject([{ rcode: 'SERVFAIL' }])
  for (const go of waiting) go()
  expect((await Promise.all(answers)).flat().filter(answer => answer.rcode === 'SERVFAIL')).toHaveLength(2)
  expect(counted['limits in-flight']).toBe(3)
})

it('keeps so many answers, and throws the oldest out', async () => {
  const resolver = await upstream((asked, send) => send(answerTo(asked, { answers: [A(asked.packet.questions?.[0]?.name ?? '', 600)] })))
  const at = await start([resolver], { limits: { forward: { kept: 3 } } })
  for (const name of ['a', 'b', 'c', 'd', 'd', 'b', 'a']) await overUdp(at, `${name}.example`, 'A')
  expect(resolver.asked.map(({ packet }) => packet.questions?.[0]?.name[0])).toEqual(['a', 'b', 'c', 'd', 'a'])
  expect(counted['limits cache']).toBe(2)
})

it('stops while questions wait for a resolver', async () => {
  const resolver = await upstream(() => undefined)
  const at = await start([resolver])
  const answers = overTcp(at, [question('x.example', 'A')])
  await until(() => resolver.asked.length === 1)
  await running?.stop()
  running = undefined
  expect(await answers).toEqual([])
})

async function start (forwardTo: readonly Place[], options: Partial<ResponderOptions> = {}): Promise<Place> {
  const meter: Meter = {
    add: ({ name }, labels = {}, by = 1) => {
      const key = `${name.replace('dialtone_responder_', '').replace('_total', '')} ${Object.entries(labels).filter(([label]) => label !== 'zone').map(([, value]) => value).join(' ')}`
      counted[key] = (counted[key] ?? 0) + by
    },
    set: () => undefined, observe: () => undefined, remove: () => undefined,
  }
  running = await startResponder({
    zone: 'inside',
    spec: { listen: [{ address: HERE, port: 0 }], clients: ['127.54.0.0/24'], gateway: { name: 'gateway.inside.example', addresses: ['192.0.2.10'] }, forwardTo: forwardTo.map(({ address, port }) => ({ address, port })) },
    ours: domain => domain === 'ours.example', clock: { now: () => 0, elapsed: () => elapsed }, random: RANDOM, meter, logger: NO_LOGGER, ...options,
  })
  return running.listening[0] as Place
}

async function upstream (answer: (asked: Asked, send: (message: Uint8Array) => void) => void): Promise<Place & { asked: Asked[] }> {
  const resolver = await startResolver('127.54.1.1', answer)
  closing.push(resolver.close)
  return resolver
}

async function until (holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => { setImmediate(resolve) })
}
