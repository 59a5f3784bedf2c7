import { startNatsServer, type NatsServer } from '@dialtone/testkit'
import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { connect, headers, type NatsConnection } from 'nats'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { violations } from '../metrics.ts'
import { createCounts } from '../test-support/counts.ts'
import { Double, Said, Seen } from '../test-support/kinds.ts'
import { eventually } from '../test-support/rig.ts'
import { connectNats } from './connect-nats.ts'
import { natsAccounts, permissionsFor, type NatsApp } from './permissions.ts'

const Body = Type.Object({ n: Type.Integer() }, { additionalProperties: false })
const Presence = { bucket: 'presence', schema: Body, ttlSeconds: 10 } as const
const Configuration = { bucket: 'configuration', schema: Body } as const
const ofVantage = (vantage: string) => ({ bucket: `vantage-${vantage}`, schema: Body })
const Time = { verb: 'time', request: Type.Object({}), answer: Body } as const
const Audit = { noun: 'audit', stream: 'audit', schema: Body } as const
const TIME = { timeoutMs: 10_000 }
const PASSWORDS: Record<string, string> = { control: 'c', 'probe-inside': 'i', 'probe-outside': 'o', 'gateway-edge': 'e', 'gateway-clock': 'k' }
const Facts = { noun: 'pair', stream: 'facts', schema: Body } as const
const Happened = { noun: 'gateway', schema: Body } as const
const Gateways = { bucket: 'gateways', schema: Body, ttlSeconds: 10 } as const
const ofGateway = (gateway: string) => ({ bucket: `gateway-${gateway}`, schema: Body })
const Act = { verb: 'gateway-act', request: Body, answer: Body } as const

let server: NatsServer
let control: Bus
let inside: Bus
let outside: Bus
let edge: Bus
/** Called as what control serves the time for. */
let clock: Bus
const counts = createCounts()

beforeAll(async () => {
  server = await startNatsServer({ configuration: natsAccounts({ password: 'c' }, { inside: { password: 'i' }, outside: { password: 'o' } }, { edge: { password: 'e' }, clock: { password: 'k' } }) })
  control = await join({ app: 'control' })
  inside = await join({ app: 'probe', vantage: 'inside' })
  outside = await join({ app: 'probe', vantage: 'outside' })
  edge = await join({ app: 'gateway', gateway: 'edge' })
  clock = await join({ app: 'gateway', gateway: 'clock' })
  await (await control.documents(Configuration, { create: true })).put('all', { n: 1 })
  await (await control.documents(Presence, { create: true })).put('control.one', { n: 1 })
  for (const vantage of ['inside', 'outside']) await (await control.documents(ofVantage(vantage), { create: true })).put('assignment', { n: 1 })
  await control.documents(Gateways, { create: true })
  for (const gateway of ['edge', 'clock']) await (await control.documents(ofGateway(gateway), { create: true })).put('assignment', { n: 1 })
})
afterAll(async () => {
  await Promise.all([control, inside, outside, edge, clock].map(bus => bus.stop()))
  await server.stop()
})

describe('what each may do, through the bus, with exactly these permissions', () => {
  it('an agent publishes observations, each once, and control reads them', async () => {
    const read: [string, number][] = []
    await control.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ key, body }): [string, number] => [key[0] ?? '', body.n])))
    await inside.publish(Seen, ['inside', 'org', 'example'], { n: 1 }, { id: 'one' })
    await inside.publish(Seen, ['inside', 'org', 'example'], { n: 1 }, { id: 'one' })
    await outside.publish(Seen, ['outside', 'org', 'example'], { n: 2 }, { id: 'two' })
    await eventually(() => expect(read).toEqual([['inside', 1], ['outside', 2]]))
    expect(await control.extent('observations')).toMatchObject({ first: 1, last: 2 })
  })

  it('an agent tells its progress, and control hears it', async () => {
    const heard: string[][] = []
    const hearing = await control.subscribe(Said, [], ({ key }) => heard.push([...key]))
    await inside.publish(Said, ['inside', 'check-1'], { n: 1 }, { id: '1' })
    await eventually(() => expect(heard).toEqual([['inside', 'check-1']]))
    await hearing.stop()
  })

  it('an agent writes its presence, and every agent sees it; it sees what control assigns', async () => {
    const seen: string[] = []
    const watching = await (await outside.documents(Presence, { create: false })).watch(change => seen.push(change.on === 'ready' ? 'ready' : `${change.on} ${change.key}`))
    await eventually(() => expect(seen).toContain('ready'))
    const presence = await inside.documents(Presence, { create: false })
    const revision = await presence.put('agent.inside.one', { n: 1 })
    await presence.put('agent.inside.one', { n: 2 }, { expect: revision })
    await expect(presence.put('agent.inside.one', { n: 3 }, { expect: revision })).rejects.toMatchObject({ code: 'conflict' })
    await eventually(() => expect(seen).toEqual(['put control.one', 'ready', 'put agent.inside.one', 'put agent.inside.one']))
    await watching.stop()
    expect((await presence.list()).map(({ key }) => key)).toContain('agent.inside.one')

    const assigned: number[] = []
    const assignments = await inside.documents(ofVantage('inside'), { create: false })
    const reading = await assignments.watch(change => change.on === 'put' && assigned.push(change.document.n))
    expect((await assignments.get('assignment'))?.document).toEqual({ n: 1 })
    await (await control.documents(ofVantage('inside'), { create: true })).put('assignment', { n: 2 })
    await eventually(() => expect(assigned).toEqual([1, 2]))
    await reading.stop()
  })

  it('control commands an agent and any of a vantage; an agent asks the time', async () => {
    expect(await control.request(Double, ['inside', 'one'], { n: 1 }, TIME)).toMatchObject({ failed: 'no-responders' })
    const serving = [await inside.serve(Double, ['inside', 'one'], async ({ n }) => ({ n: 2 * n })), await inside.serve(Double, ['inside', 'any'], async ({ n }) => ({ n: 3 * n }), { shared: true })]
    expect(await control.request(Double, ['inside', 'one'], { n: 1 }, TIME)).toEqual({ answer: { n: 2 } })
    expect(await control.request(Double, ['inside', 'any'], { n: 1 }, TIME)).toEqual({ answer: { n: 3 } })
    await Promise.all(serving.map(each => each.stop()))
    expect(await control.request(Double, ['inside', 'one'], { n: 1 }, TIME)).toMatchObject({ failed: 'no-responders' })
    await control.serve(Time, ['clock'], async () => ({ n: 7 }))
    expect(await inside.request(Time, ['clock'], {}, TIME)).toEqual({ answer: { n: 7 } })
  })

  it('a gateway publishes facts of its pairs, which control reads, and what happens, which control hears', async () => {
    const read: [string, number][] = []
    const heard: [string, number][] = []
    const reading = await control.consume(Facts, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ key, body }): [string, number] => [key.join('.'), body.n])))
    const hearing = await control.subscribe(Happened, [], ({ key, body }) => heard.push([key.join('.'), body.n]))
    await edge.publish(Facts, ['edge', 'org', 'example'], { n: 1 }, { id: 'one' })
    await edge.publish(Facts, ['edge', 'org', 'example'], { n: 1 }, { id: 'one' })
    await edge.publish(Happened, ['edge'], { n: 2 }, { id: 'two' })
    await eventually(() => expect([read, heard]).toEqual([[['edge.org.example', 1]], [['edge', 2]]]))
    await Promise.all([reading.stop(), hearing.stop()])
  })

  it('a gateway writes its presence, which control sees, and sees what it is assigned', async () => {
    const presence = await edge.documents(Gateways, { create: false })
    const revision = await presence.put('edge', { n: 1 })
    await presence.put('edge', { n: 2 }, { expect: revision })
    expect((await (await control.documents(Gateways, { create: true })).get('edge'))?.document).toEqual({ n: 2 })
    expect((await presence.get('edge'))?.document).toEqual({ n: 2 })
    const assigned: number[] = []
    const assignments = await edge.documents(ofGateway('edge'), { create: false })
    const reading = await assignments.watch(change => change.on === 'put' && assigned.push(change.document.n))
    expect((await assignments.get('assignment'))?.document).toEqual({ n: 1 })
    await (await control.documents(ofGateway('edge'), { create: true })).put('assignment', { n: 2 })
    await eventually(() => expect(assigned).toEqual([1, 2]))
    await reading.stop()
  })

  it('control commands a gateway, and each hears its own; one that is called as what control serves hears nothing of that', async () => {
    expect(await control.request(Act, ['edge'], { n: 1 }, TIME)).toMatchObject({ failed: 'no-responders' })
    const serving = [await edge.serve(Act, ['edge'], async ({ n }) => ({ n: 2 * n })), await clock.serve(Act, ['clock'], async ({ n }) => ({ n: 3 * n }))]
    expect(await control.request(Act, ['edge'], { n: 1 }, TIME)).toEqual({ answer: { n: 2 } })
    expect(await control.request(Act, ['clock'], { n: 1 }, TIME)).toEqual({ answer: { n: 3 } })
    await Promise.all(serving.map(each => each.stop()))
    expect(await edge.request(Time, ['clock'], {}, TIME)).toEqual({ answer: { n: 7 } })
  })

  it('control keeps an audit', async () => {
    await control.publish(Audit, [], { n: 1 }, { id: '1' })
    expect(await control.extent('audit')).toMatchObject({ first: 1, last: 1 })
  })

  it('all of it without one violation', async () => {
    expect(counts.of(violations)).toBe(0)
  })
})

describe('what an agent may not do: the server says so each time', () => {
  const publishes = [
    ['an observation of another vantage', 'dialtone.v1.observation.outside.org.example'],
    ['an observation of no vantage', 'dialtone.v1.observation'],
    ['progress of another vantage', 'dialtone.v1.progress.outside.c1'],
    ['an announcement', 'dialtone.v1.announcement.org.example'],
    ['an audit entry', 'dialtone.v1.audit'],
    ['a command to itself', 'dialtone.v1.command.check.inside.one'],
    ['a command to another', 'dialtone.v1.command.hook.outside.one'],
    ['a change told', 'dialtone.v1.document.presence.agent.outside.two'],
    ['the configuration', '$KV.configuration.all'],
    ['its own assignment', '$KV.vantage-inside.assignment'],
    ['the assignment of another', '$KV.vantage-outside.assignment'],
    ['the lease', '$KV.lease.control'],
    ['the presence of another vantage', '$KV.presence.agent.outside.two'],
    ['the presence of control', '$KV.presence.control.one'],
    ['a get of the configuration', '$JS.API.DIRECT.GET.KV_configuration.$KV.configuration.all'],
    ['a walk through the assignments of another', '$JS.API.DIRECT.GET.KV_vantage-outside'],
    ['a get of an observation', '$JS.API.STREAM.MSG.GET.dialtone-observations'],
    ['a consumer, which speaks with the rights of the server', '$JS.API.CONSUMER.CREATE.KV_presence'],
    ['a named consumer', '$JS.API.CONSUMER.CREATE.KV_presence.x'],
    ['a durable consumer', '$JS.API.CONSUMER.DURABLE.CREATE.KV_presence.x'],
    ['a stream', '$JS.API.STREAM.CREATE.mine'],
    ['other limits', '$JS.API.STREAM.UPDATE.KV_presence'],
    ['a purge', '$JS.API.STREAM.PURGE.KV_presence'],
    ['a deletion', '$JS.API.STREAM.DELETE.dialtone-observations'],
    ['an answer that nobody asked for', '_INBOX.control.abc.def'],
    ['an answer to itself', '_INBOX.probe-inside.abc.def'],
  ] as const
  const subscriptions = [
    ['observations', 'dialtone.v1.observation.>'],
    ['progress', 'dialtone.v1.progress.>'],
    ['commands of another vantage', 'dialtone.v1.command.*.outside.*'],
    ['the commands of control', 'dialtone.v1.command.time.clock'],
    ['all commands', 'dialtone.v1.command.>'],
    ['changes of the configuration', 'dialtone.v1.document.configuration.>'],
    ['assignments of another', 'dialtone.v1.document.vantage-outside.>'],
    ['answers to control', '_INBOX.control.>'],
    ['answers to another vantage', '_INBOX.probe-outside.>'],
    ['all answers', '_INBOX.>'],
    ['everything', '>'],
    ['writes to buckets', '$KV.>'],
    ['requests to JetStream', '$JS.API.>'],
  ] as const
  let raw: Raw
  beforeAll(async () => {
    raw = await rawly({ app: 'probe', vantage: 'inside' })
  })
  afterAll(() => raw.connection.close())

  for (const [what, subject] of publishes) {
    it(`publish ${what}`, async () => {
      raw.connection.publish(subject, '{}')
      await eventually(() => expect(raw.violations).toContainEqual(`publish ${subject}`))
    })
  }
  for (const [what, subject] of subscriptions) {
    it(`subscribe to ${what}`, async () => {
      raw.connection.subscribe(subject, { callback: () => undefined })
      await eventually(() => expect(raw.violations).toContainEqual(`subscription ${subject}`))
    })
  }

  it('nothing of it was done', async () => {
    expect(await control.extent('observations')).toMatchObject({ first: 1, last: 2 })
    expect(await control.extent('announcements')).toMatchObject({ first: 0, last: 0 })
    expect(await control.extent('audit')).toMatchObject({ first: 1, last: 1 })
    expect((await (await control.documents(Configuration, { create: true })).list()).map(({ document }) => document.n)).toEqual([1])
    expect((await (await control.documents(Presence, { create: true })).list()).map(({ key }) => key).filter(key => key.includes('outside'))).toEqual([])
  })

  it('have the server write for it, by the reply subject, which the server does not check', async () => {
    const presence = await inside.documents(Presence, { create: false })
    await raw.connection.request('$KV.presence.agent.inside.evil', '{"n":666}', { timeout: 10_000 })
    const before = { observations: await control.extent('observations'), configuration: await (await control.documents(Configuration, { create: true })).list() }
    for (const reply of ['$KV.configuration.all', '$KV.vantage-inside.assignment', '$KV.presence.agent.outside.two', 'dialtone.v1.observation.outside.org.example', 'dialtone.v1.audit']) {
      raw.connection.publish('$JS.API.DIRECT.GET.KV_presence.$KV.presence.agent.inside.evil', '', { reply })
      raw.connection.publish('$JS.API.DIRECT.GET.KV_presence', '{"seq":1}', { reply })
      raw.connection.publish('$KV.presence.agent.inside.evil', '{"n":666}', { reply })
      raw.connection.publish('dialtone.v1.command.time.clock', '{}', { reply })
    }
    await raw.connection.flush()
    // What was asked before this is answered before it.
    await presence.put('agent.inside.evil', { n: 667 })
    expect(await inside.request(Time, ['clock'], {}, TIME)).toEqual({ answer: { n: 7 } })
    expect(await control.extent('observations')).toMatchObject(before.observations)
    expect(await control.extent('audit')).toMatchObject({ first: 1, last: 1 })
    expect(await (await control.documents(Configuration, { create: true })).list()).toEqual(before.configuration)
    expect((await (await control.documents(Presence, { create: true })).get('agent.outside.two'))).toBeUndefined()
  })

  it('roll the others up by a header', async () => {
    const presence = await inside.documents(Presence, { create: false })
    await presence.put('agent.inside.kept', { n: 1 })
    const header = headers()
    header.set('Nats-Rollup', 'all')
    const refused = await raw.connection.request('$KV.presence.agent.inside.evil', '{"n":1}', { headers: header, timeout: 5000 })
    expect(refused.json()).toMatchObject({ error: { description: expect.stringMatching(/rollup/i) } })
    expect(await presence.get('agent.inside.kept')).toBeDefined()
  })
})

describe('what a gateway may not do: the server says so each time', () => {
  const publishes = [
    ['facts of another gateway', 'dialtone.v1.pair.clock.org.example'],
    ['facts of no gateway', 'dialtone.v1.pair'],
    ['what happens at another', 'dialtone.v1.gateway.clock'],
    ['an observation', 'dialtone.v1.observation.edge.org.example'],
    ['progress', 'dialtone.v1.progress.edge.c1'],
    ['an announcement', 'dialtone.v1.announcement.org.example'],
    ['an audit entry', 'dialtone.v1.audit'],
    ['a command to itself', 'dialtone.v1.command.gateway-act.edge'],
    ['a command to another', 'dialtone.v1.command.gateway-act.clock'],
    ['a command to an agent', 'dialtone.v1.command.hook.inside.one'],
    ['the configuration', '$KV.configuration.all'],
    ['its own assignment', '$KV.gateway-edge.assignment'],
    ['the assignment of another', '$KV.gateway-clock.assignment'],
    ['the presence of another', '$KV.gateways.clock'],
    ['the presence of an agent', '$KV.presence.agent.inside.one'],
    ['a get of the assignment of another', '$JS.API.DIRECT.GET.KV_gateway-clock.$KV.gateway-clock.assignment'],
    ['a walk through the assignments of another', '$JS.API.DIRECT.GET.KV_gateway-clock'],
    ['a get of the configuration', '$JS.API.DIRECT.GET.KV_configuration.$KV.configuration.all'],
    ['a get of presences', '$JS.API.DIRECT.GET.KV_gateways'],
    ['a get of the presence of another', '$JS.API.DIRECT.GET.KV_gateways.$KV.gateways.clock'],
    ['a consumer of facts', '$JS.API.CONSUMER.CREATE.dialtone-facts'],
    ['a stream', '$JS.API.STREAM.CREATE.mine'],
    ['a deletion', '$JS.API.STREAM.DELETE.dialtone-facts'],
    ['an answer that nobody asked for', '_INBOX.control.abc.def'],
  ] as const
  const subscriptions = [
    ['facts', 'dialtone.v1.pair.>'],
    ['what happens at gateways', 'dialtone.v1.gateway.*'],
    ['commands of another', 'dialtone.v1.command.gateway-act.clock'],
    ['commands of any verb', 'dialtone.v1.command.*.edge'],
    ['the commands of control', 'dialtone.v1.command.time.clock'],
    ['assignments of another', 'dialtone.v1.document.gateway-clock.>'],
    ['presences', 'dialtone.v1.document.gateways.>'],
    ['changes of the configuration', 'dialtone.v1.document.configuration.>'],
    ['answers to control', '_INBOX.control.>'],
    ['answers to another', '_INBOX.gateway-clock.>'],
    ['everything', '>'],
  ] as const
  let raw: Raw
  beforeAll(async () => {
    raw = await rawly({ app: 'gateway', gateway: 'edge' })
  })
  afterAll(() => raw.connection.close())

  for (const [what, subject] of publishes) {
    it(`publish ${what}`, async () => {
      raw.connection.publish(subject, '{}')
      await eventually(() => expect(raw.violations).toContainEqual(`publish ${subject}`))
    })
  }
  for (const [what, subject] of subscriptions) {
    it(`subscribe to ${what}`, async () => {
      raw.connection.subscribe(subject, { callback: () => undefined })
      await eventually(() => expect(raw.violations).toContainEqual(`subscription ${subject}`))
    })
  }

  it('one that is called as what control serves cannot listen there either', async () => {
    const other = await rawly({ app: 'gateway', gateway: 'clock' })
    other.connection.subscribe('dialtone.v1.command.time.clock', { callback: () => undefined })
    await eventually(() => expect(other.violations).toContainEqual('subscription dialtone.v1.command.time.clock'))
    await other.connection.close()
  })

  it('have the server write for it, by the reply subject, which the server does not check', async () => {
    await raw.connection.request('$KV.gateways.edge', '{"n":666}', { timeout: 10_000 })
    const before = { facts: await control.extent('facts'), configuration: await (await control.documents(Configuration, { create: true })).list() }
    for (const reply of ['$KV.configuration.all', '$KV.gateway-clock.assignment', '$KV.gateways.clock', 'dialtone.v1.pair.clock.org.example', 'dialtone.v1.gateway.clock']) {
      raw.connection.publish('$JS.API.DIRECT.GET.KV_gateway-edge.$KV.gateway-edge.assignment', '', { reply })
      raw.connection.publish('$JS.API.DIRECT.GET.KV_gateways.$KV.gateways.edge', '', { reply })
      raw.connection.publish('$KV.gateways.edge', '{"n":666}', { reply })
      raw.connection.publish('dialtone.v1.command.time.clock', '{}', { reply })
    }
    await raw.connection.flush()
    // What was asked before this is answered before it.
    expect(await edge.request(Time, ['clock'], {}, TIME)).toEqual({ answer: { n: 7 } })
    expect(await control.extent('facts')).toEqual(before.facts)
    expect(await (await control.documents(Configuration, { create: true })).list()).toEqual(before.configuration)
    expect((await (await control.documents(ofGateway('clock'), { create: true })).get('assignment'))?.document).toEqual({ n: 1 })
    expect(await (await control.documents(Gateways, { create: true })).get('clock')).toBeUndefined()
  })
})

it('why each vantage has an account: in one account, with the same lists, the server writes what the agent may not', async () => {
  const { publish, subscribe } = permissionsFor({ app: 'probe', vantage: 'inside' })
  const allow = (subjects: readonly string[]): string => `{ allow: ${JSON.stringify(subjects)} }`
  const one = await startNatsServer({ configuration: `accounts { ONE { jetstream: enabled, users: [ { user: control, password: c }, { user: probe-inside, password: i, permissions: { publish: ${allow(publish)}, subscribe: ${allow(subscribe)} } } ] } }` })
  const bus = await connectNats({ servers: one.url, name: 'control', credentials: { user: 'control', password: 'c' }, createStreams: false, limits: { bucketBytes: 1e7 }, meter: createCounts(), logger: NO_LOGGER })
  await bus.documents(Presence, { create: true })
  const configuration = await bus.documents(Configuration, { create: true })
  await configuration.put('all', { n: 1 })
  const agent = await connect({ servers: one.url, user: 'probe-inside', pass: 'i', inboxPrefix: '_INBOX.probe-inside' })
  await agent.request('$KV.presence.agent.inside.evil', '{"n":666}', { timeout: 10_000 })
  agent.publish('$JS.API.DIRECT.GET.KV_presence.$KV.presence.agent.inside.evil', '', { reply: '$KV.configuration.all' })
  await eventually(async () => expect((await configuration.get('all'))?.document).toEqual({ n: 666 }))
  await agent.close()
  await bus.stop()
  await one.stop()
})

describe('what the bus makes of it', () => {
  it('a durable event, a document and a request that are not allowed are rejected, counted and told', async () => {
    await expect(inside.publish(Seen, ['outside', 'org'], { n: 1 }, { id: 'x' })).rejects.toMatchObject({ code: 'not-allowed' })
    await expect((await inside.documents(Configuration, { create: false })).put('all', { n: 2 })).rejects.toMatchObject({ code: 'not-allowed' })
    await expect((await inside.documents(Configuration, { create: false })).get('all')).rejects.toMatchObject({ code: 'not-allowed' })
    await expect(inside.request(Double, ['outside', 'one'], { n: 1 }, TIME)).rejects.toMatchObject({ code: 'not-allowed' })
    await expect(control.publish(Seen, ['inside', 'org'], { n: 1 }, { id: 'x' })).rejects.toMatchObject({ code: 'not-allowed' })
    await eventually(() => expect(counts.of(violations, { operation: 'publish' })).toBe(5))
  })

  it('one that is fire and forget is told by the server alone, and counted', async () => {
    await inside.publish(Said, ['outside', 'c1'], { n: 1 }, { id: 'x' })
    await eventually(() => expect(counts.of(violations, { operation: 'publish' })).toBe(6))
  })

  it('wrong credentials never connect, and are counted', async () => {
    const mine = createCounts()
    const bus = await connectNats({ servers: server.url, name: 'wrong', credentials: { user: 'control', password: 'guessed' }, meter: mine, logger: NO_LOGGER, firstMs: 200 })
    expect(bus.connected).toBe(false)
    await expect(bus.publish(Audit, [], { n: 1 }, { id: '1' })).rejects.toMatchObject({ code: 'bus-unreachable' })
    await eventually(() => expect(mine.of(violations, { operation: 'authorization' })).toBeGreaterThan(0))
    await bus.stop()
  })
})

async function join (who: NatsApp): Promise<Bus> {
  const { user, inboxPrefix } = permissionsFor(who)
  const limits = { bucketBytes: 1e7, streams: { observations: { maxBytes: 1e7 }, announcements: { maxBytes: 1e6 }, audit: { maxBytes: 1e6 }, facts: { maxBytes: 1e6 } } }
  return connectNats({ servers: server.url, name: user, credentials: { user, password: PASSWORDS[user] ?? '' }, inboxPrefix, createStreams: who.app === 'control', limits, meter: counts, logger: NO_LOGGER })
}

type Raw = { connection: NatsConnection, violations: string[] }

async function rawly (who: NatsApp): Promise<Raw> {
  const { user, inboxPrefix } = permissionsFor(who)
  const connection = await connect({ servers: server.url, user, pass: PASSWORDS[user] ?? '', inboxPrefix })
  const seen: string[] = []
  void (async () => {
    for await (const { permissionContext: context } of connection.status()) if (context !== undefined) seen.push(`${context.operation} ${context.subject}`)
  })()
  return { connection, violations: seen }
}
