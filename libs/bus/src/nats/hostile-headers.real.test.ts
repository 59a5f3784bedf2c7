import { connect, type Socket } from 'node:net'
import { startNatsServer, type NatsServer } from '@dialtone/testkit'
import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LimitChanges } from '../limits.ts'
import { bodiesRefused, readingsCut } from '../metrics.ts'
import { createCounts } from '../test-support/counts.ts'
import { Alive, Double, Note, Seen } from '../test-support/kinds.ts'
import { eventually } from '../test-support/rig.ts'
import { connectNats } from './connect-nats.ts'
import { natsAccounts, permissionsFor, type NatsApp } from './permissions.ts'

const Presence = { ...Note, bucket: 'presence', ttlSeconds: 60 } as const
const STATUS = ['NATS/1.0 503 Consumer Deleted', 'NATS/1.0 404 Message Not Found', 'NATS/1.0 409 x', 'NATS/1.0 100 Idle', 'NATS/1.0 408 x', 'NATS/1.0\r\nbad name: x', 'NATS/1.0 503\r\nbad name: x', 'not a header']

let server: NatsServer
let counts: ReturnType<typeof createCounts>
let evil: Wire
const open: { stop: () => Promise<void> }[] = []

beforeEach(async () => {
  server = await startNatsServer({ configuration: natsAccounts({ password: 'c' }, { evil: { password: 'e' }, good: { password: 'g' } }) })
  counts = createCounts()
  evil = await wired('probe-evil', 'e')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.stop()))
  await server.stop()
})

it('an event whose header has a status, or cannot be read, is malformed and nothing else: who reads goes on behind it', async () => {
  const [control, good] = [await join({ app: 'control' }), await join({ app: 'probe', vantage: 'good' })]
  const read: number[] = []
  await control.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ body }) => body.n)))
  let n = 0
  for (const header of STATUS) {
    await evil.publish('dialtone.v1.observation.evil.x', header)
    await good.publish(Seen, ['good', 'x'], { n: ++n }, { id: `id-${n}` })
  }
  await eventually(() => expect(read).toEqual(Array.from({ length: n }, (_, index) => index + 1)))
  expect(counts.of(bodiesRefused, { noun: 'observation', at: 'arrival', reason: 'not-json' })).toBe(STATUS.length)
})

it('a document whose header has a status, lies about its place, or cannot be read hides none of the others', async () => {
  const [control, good] = [await join({ app: 'control' }), await join({ app: 'probe', vantage: 'good' })]
  const presence = await control.documents(Presence, { create: true })
  const lies = ['NATS/1.0\r\nNats-Sequence: 9007199254740991', 'NATS/1.0\r\nNats-Subject: $KV.presence.agent.good.two', 'NATS/1.0\r\nbad name: x\r\nNats-Subject: $KV.presence.agent.good.two\r\nNats-Sequence: 1']
  for (const [index, header] of [...STATUS, ...lies].entries()) await evil.publish(`$KV.presence.agent.evil.a${index}`, header, '{"n":666}')
  for (const [index, header] of STATUS.entries()) await evil.publish(`$KV.presence.agent.evil.b${index}`, header)
  const mine = await good.documents(Presence, { create: false })
  const revision = await mine.put('agent.good.one', { n: 1 })
  const those = async (): Promise<string[]> => (await presence.list()).filter(({ key }) => !key.includes('evil')).map(({ key, document }) => `${key} ${document.n}`)
  expect(await those()).toEqual(['agent.good.one 1'])
  expect(await presence.get('agent.good.one')).toEqual({ key: 'agent.good.one', document: { n: 1 }, revision })
  for (let index = 0; index < STATUS.length; index++) expect(await presence.get(`agent.evil.b${index}`)).toBeUndefined()
  const seen = new Set<string>()
  await presence.watch(change => seen.add(change.on === 'put' ? change.key : change.on))
  await eventually(() => expect(seen).toContain('ready'))
  expect(seen).toContain('agent.good.one')
  for (const [index, header] of lies.entries()) await evil.publish(`$KV.presence.agent.evil.c${index}`, header, '{"n":666}')
  await mine.put('agent.good.three', { n: 3 })
  await eventually(() => expect(seen).toContain('agent.good.three'))
  expect(seen).not.toContain('removed')
  expect(seen).not.toContain('agent.good.two')
})

it('an answer whose header has a status, or cannot be read, harms nobody but who asked', async () => {
  const control = await join({ app: 'control' })
  await evil.answer('dialtone.v1.command.double.evil.one', 'NATS/1.0\r\nbad name: x', '{"n":2}')
  expect(await control.request(Double, ['evil', 'one'], { n: 1 }, { timeoutMs: 10_000 })).toEqual({ answer: { n: 2 } })
  await evil.answer('dialtone.v1.command.double.evil.two', 'NATS/1.0 404 x', '')
  expect(await control.request(Double, ['evil', 'two'], { n: 1 }, { timeoutMs: 10_000 })).toMatchObject({ failed: 'malformed' })
  expect(await control.request(Double, ['evil', 'three'], { n: 1 }, { timeoutMs: 10_000 })).toMatchObject({ failed: 'no-responders' })
  expect(control.connected).toBe(true)
})

it('one agent that fills what all write to takes the place of what is oldest, and keeps nobody else out', async () => {
  const [control, good] = [await join({ app: 'control' }, { bucketBytes: 1e6 }), await join({ app: 'probe', vantage: 'good' })]
  const presence = await control.documents(Presence, { create: true })
  const mine = await good.documents(Presence, { create: false })
  expect(await evil.publish('$KV.presence.agent.evil.large', 'NATS/1.0', 'x'.repeat(100_000))).toContain('maximum')
  for (let index = 0; index < 30; index++) expect(await evil.publish(`$KV.presence.agent.evil.n${index}`, 'NATS/1.0', 'x'.repeat(60_000))).toContain('"seq"')
  await mine.put('agent.good.one', { n: 1 })
  expect((await presence.list()).map(({ key }) => key)).toEqual(['agent.good.one'])
})

it('of more documents than are read at once the first are read, which is counted; who watches is told the rest as they are written', async () => {
  const control = await join({ app: 'control' }, { mostRead: 5 })
  const alive = await control.documents({ ...Alive, ttlSeconds: 60 }, { create: true })
  for (let n = 0; n < 8; n++) await alive.put(`k${n}`, { n })
  expect((await alive.list()).map(({ key }) => key)).toEqual(['k0', 'k1', 'k2', 'k3', 'k4'])
  expect(counts.of(readingsCut, { bucket: 'alive' })).toBe(1)
  const seen: string[] = []
  await alive.watch(change => seen.push(change.on === 'put' ? change.key : change.on))
  await alive.put('k7', { n: 7 })
  await eventually(() => expect(seen).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'ready', 'k7']))
})

async function join (who: NatsApp, more: LimitChanges = {}): Promise<Bus> {
  const { user, inboxPrefix } = permissionsFor(who)
  const limits = { bucketBytes: 1e7, streams: { observations: { maxBytes: 1e7 }, announcements: { maxBytes: 1e6 }, audit: { maxBytes: 1e6 } }, ...more }
  const bus = await connectNats({ servers: server.url, name: user, credentials: { user, password: who.app === 'control' ? 'c' : 'g' }, inboxPrefix, createStreams: who.app === 'control', limits, meter: counts, logger: NO_LOGGER })
  open.push(bus)
  return bus
}

/** What no client sends. */
type Wire = {
  /** Resolves to the answer of the stream, or '' where the header kept it from one. */
  publish: (subject: string, header: string, body?: string) => Promise<string>
  answer: (subject: string, header: string, body: string) => Promise<void>
}

async function wired (user: string, pass: string): Promise<Wire> {
  const { hostname, port } = new URL(server.url)
  const socket: Socket = connect({ host: hostname, port: Number(port) })
  open.push({ stop: async () => void socket.destroy() })
  let heard = ''
  const answers = new Map<string, string>()
  let sids = 1
  const send = (subject: string, reply: string, header: string, body: string): void => {
    const head = `${header}\r\n\r\n`
    socket.write(`HPUB ${subject} ${reply} ${head.length} ${head.length + body.length}\r\n${head}${body}\r\n`)
  }
  socket.on('error', () => undefined).on('data', bytes => {
    heard += bytes.toString('latin1')
    for (let asked = next(); asked !== null; asked = next()) {
      heard = heard.slice(asked.index + asked[0].length)
      const [, subject = '', reply = ''] = asked
      send(reply, '', answers.get(subject) ?? '', answers.get(`${subject} body`) ?? '')
    }
  })
  const next = (): RegExpExecArray | null => /MSG (dialtone\S+) \d+ (\S+) \d+\r\n/.exec(heard)
  const until = (what: RegExp): Promise<void> => eventually(() => expect(heard).toMatch(what))
  socket.write(`CONNECT ${JSON.stringify({ verbose: false, headers: true, no_responders: true, user, pass })}\r\nSUB _INBOX.probe-evil.> 1\r\nPING\r\n`)
  await until(/PONG/)
  return {
    publish: async (subject, header, body = '') => {
      heard = ''
      const reply = `_INBOX.probe-evil.${crypto.randomUUID()}`
      send(subject, reply, header, body)
      await until(/"(seq|error)":?.*\r\n/)
      return heard
    },
    answer: async (subject, header, body) => {
      heard = ''
      answers.set(subject, header).set(`${subject} body`, body)
      socket.write(`SUB ${subject} ${++sids}\r\nPING\r\n`)
      await until(/PONG/)
    },
  }
}
