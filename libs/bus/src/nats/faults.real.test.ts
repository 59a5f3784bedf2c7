import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { startNatsServer, type NatsServer } from '@dialtone/testkit'
import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { connect, headers, type NatsConnection } from 'nats'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { bodiesRefused, reconnects } from '../metrics.ts'
import { createCounts } from '../test-support/counts.ts'
import { cuttable } from '../test-support/cuttable.ts'
import { publish } from '../test-support/history-compliance.ts'
import { Alive, Double, Note, Said, Seen } from '../test-support/kinds.ts'
import { eventually } from '../test-support/rig.ts'
import { connectNats, type NatsBusOptions } from './connect-nats.ts'

let server: NatsServer
let counts: ReturnType<typeof createCounts>
const open: { stop: () => Promise<void> }[] = []

beforeEach(async () => {
  server = await startNatsServer()
  counts = createCounts()
})
afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.stop()))
  await server.stop()
})

it('the server is killed and started again with its disk: nothing that was acknowledged is lost or doubled, and everything goes on', async () => {
  const [a, b] = [await join(), await join()]
  const acknowledged: number[] = []
  const read: number[] = []
  const heard: number[] = []
  const seen: string[] = []
  await b.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ body }) => body.n)))
  await b.subscribe(Said, [], ({ body }) => heard.push(body.n))
  await b.serve(Double, ['x'], async ({ n }) => ({ n: 2 * n }))
  const notes = await a.documents(Note, { create: true })
  await notes.put('before', { n: 1 })
  await (await b.documents(Note, { create: false })).watch(change => seen.push(change.on === 'ready' ? 'ready' : `${change.on} ${change.key}`))

  const going = new AbortController()
  let n = 0
  // Each is published until it is acknowledged, as a spool does it.
  const publishing = (async () => {
    while (!going.signal.aborted) {
      n++
      for (;;) {
        try {
          await a.publish(Seen, ['k'], { n }, { id: `id-${n}` })
          acknowledged.push(n)
          break
        } catch (error) {
          expect(error).toMatchObject({ code: 'bus-unreachable' })
          await new Promise(resolve => setTimeout(resolve, 10))
        }
      }
    }
  })()
  for (let round = 1; round <= 2; round++) {
    const so = acknowledged.length
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(so + 50))
    await server.kill()
    await eventually(() => expect([a.connected, b.connected]).toEqual([false, false]))
    await expect(notes.put('away', { n: 1 })).rejects.toMatchObject({ code: 'bus-unreachable' })
    await expect(notes.get('before')).rejects.toMatchObject({ code: 'bus-unreachable' })
    expect(await a.request(Double, ['x'], { n: 1 }, { timeoutMs: 600_000 })).toMatchObject({ failed: 'disconnected' })
    await expect(a.publish(Said, [], { n: 1 }, { id: '1' })).rejects.toMatchObject({ code: 'bus-unreachable' })
    await server.start()
    await eventually(() => expect([a.connected, b.connected]).toEqual([true, true]), 30_000)
  }
  const so = acknowledged.length
  await eventually(() => expect(acknowledged.length).toBeGreaterThan(so + 50), 30_000)
  going.abort()
  await publishing
  await eventually(() => expect(read.length).toBeGreaterThanOrEqual(n), 30_000)
  expect(read).toEqual(Array.from({ length: n }, (_, index) => index + 1))
  expect(acknowledged).toEqual(read)

  await notes.put('after', { n: 2 })
  await eventually(() => expect(seen).toEqual(['put before', 'ready', 'put after']))
  await a.publish(Said, [], { n: 7 }, { id: '7' })
  await eventually(() => expect(heard).toEqual([7]))
  expect(await a.request(Double, ['x'], { n: 21 }, { timeoutMs: 10_000 })).toEqual({ answer: { n: 42 } })
  expect(counts.of(reconnects)).toBeGreaterThanOrEqual(4)
})

it('there is no server at the start: what was asked for begins when there is one', async () => {
  await server.end()
  const bus = await join({ firstMs: 50 })
  expect(bus.connected).toBe(false)
  const told: boolean[] = []
  bus.onConnection(connected => told.push(connected))
  const read: number[] = []
  const heard: number[] = []
  const seen: string[] = []
  await bus.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ body }) => body.n)))
  await bus.subscribe(Said, [], ({ body }) => heard.push(body.n))
  await bus.serve(Double, ['x'], async ({ n }) => ({ n: 2 * n }))
  const notes = await bus.documents(Note, { create: true })
  await notes.watch(change => seen.push(change.on === 'ready' ? 'ready' : `${change.on} ${change.key}`))
  await expect(bus.publish(Seen, [], { n: 1 }, { id: '1' })).rejects.toMatchObject({ code: 'bus-unreachable' })
  await server.start()
  await eventually(() => expect(told).toEqual([true]))
  await publish(bus, 1, 3)
  await bus.publish(Said, [], { n: 4 }, { id: '4' })
  await eventually(() => expect([read, heard, seen]).toEqual([[1, 2, 3], [4], ['ready']]))
  await notes.put('k', { n: 1 })
  await eventually(() => expect(seen).toEqual(['ready', 'put k']))
  expect(await bus.request(Double, ['x'], { n: 21 }, { timeoutMs: 10_000 })).toEqual({ answer: { n: 42 } })
})

it('the server comes back without its disk: streams and buckets are made again, readers begin again, watchers are told', async () => {
  const bus = await join()
  const notes = await bus.documents(Note, { create: true })
  await notes.put('gone', { n: 1 })
  await notes.put('stays', { n: 1 })
  const read: number[] = []
  const seen: string[] = []
  const streams: [number, string, boolean][] = []
  await publish(bus, 1, 5)
  const { made } = await bus.extent('observations')
  await bus.consume(Seen, { afterSeq: 0 }, async (batch, _, stream) => {
    read.push(...batch.map(({ body }) => body.n))
    streams.push([batch[0]?.seq ?? 0, stream.made, stream.reset])
  })
  await notes.watch(change => seen.push(change.on === 'ready' ? 'ready' : `${change.on} ${change.key}`))
  await eventually(() => expect([read.length, seen.length]).toEqual([5, 3]))
  await server.kill()
  await eventually(() => expect(bus.connected).toBe(false))
  server.forget()
  await server.start()
  await eventually(() => expect(seen.slice(3).toSorted()).toEqual(['removed gone', 'removed stays']), 30_000)
  await publish(bus, 6, 8)
  await notes.put('stays', { n: 2 })
  await eventually(() => expect(read).toEqual([1, 2, 3, 4, 5, 6, 7, 8]))
  const now = (await bus.extent('observations')).made
  expect(now).not.toBe(made)
  expect(streams[0]).toEqual([1, made, false])
  expect(streams.filter(([, , reset]) => reset)).toEqual([[1, now, true]])
  await eventually(() => expect(seen.at(-1)).toBe('put stays'))
})

it('a stream that an operator deleted is made again, under another identity, and read from its beginning', async () => {
  const bus = await join()
  const read: [number, boolean][] = []
  await publish(bus, 1, 3)
  await bus.consume(Seen, { afterSeq: 0 }, async (batch, _, { reset }) => void read.push(...batch.map(({ body }): [number, boolean] => [body.n, reset])), { most: 1 })
  await eventually(() => expect(read).toHaveLength(3))
  const before = await bus.extent('observations')
  await (await (await rawly()).jetstreamManager()).streams.delete('dialtone-observations')
  await eventually(async () => expect((await bus.extent('observations')).made).not.toBe(before.made), 40_000)
  await publish(bus, 4, 9)
  await eventually(() => expect(read.slice(3)).toEqual([[4, true], ...[5, 6, 7, 8, 9].map(n => [n, false])]), 40_000)
})

it('a bucket that an operator deleted is made again when it is used', async () => {
  const bus = await join()
  const notes = await bus.documents(Note, { create: true })
  await notes.put('gone', { n: 1 })
  await (await (await rawly()).jetstreamManager()).streams.delete('KV_notes')
  await eventually(async () => expect(await notes.get('gone')).toBeUndefined())
  await notes.put('new', { n: 2 })
  expect((await notes.list()).map(({ key }) => key)).toEqual(['new'])
  // Also by who writes first.
  await (await (await rawly()).jetstreamManager()).streams.delete('KV_notes')
  await eventually(async () => { await notes.put('newer', { n: 3 }) })
  expect((await notes.list()).map(({ key }) => key)).toEqual(['newer'])
})

it('a watcher whose connection was cut is told what changed meanwhile, and nothing else', async () => {
  const way = await cuttable(server.url)
  const [a, b] = [await join(), await join({ servers: way.url })]
  const notes = await a.documents(Note, { create: true })
  const alive = await a.documents(Alive, { create: true })
  for (const key of ['same', 'changed', 'removed']) await notes.put(key, { n: 1 })
  const seen: string[] = []
  const living: string[] = []
  await (await b.documents(Note, { create: false })).watch(change => seen.push(change.on === 'ready' ? 'ready' : change.on === 'put' ? `${change.key} ${change.document.n}` : `removed ${change.key}`))
  await (await b.documents(Alive, { create: false })).watch(change => living.push(change.on === 'ready' ? 'ready' : `${change.on} ${change.key}`))
  await alive.put('dies', { n: 1 })
  await eventually(() => expect(living).toEqual(['ready', 'put dies']))
  await eventually(() => expect(seen).toHaveLength(4))
  way.cut()
  await eventually(() => expect(b.connected).toBe(false))
  await notes.put('changed', { n: 2 })
  await notes.put('new', { n: 3 })
  await notes.remove('removed')
  await eventually(async () => expect(await alive.get('dies')).toBeUndefined())
  expect(living).toEqual(['ready', 'put dies'])
  way.mend()
  await eventually(() => expect(seen.slice(4).toSorted()).toEqual(['changed 2', 'new 3', 'removed removed']), 30_000)
  await eventually(() => expect(living).toEqual(['ready', 'put dies', 'removed dies']))
  await way.close()
})

it('a consumer that the server lost, or an operator deleted, is made again where it was', async () => {
  const bus = await join()
  const read: number[] = []
  await publish(bus, 1, 3)
  await bus.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ body }) => body.n)))
  await eventually(() => expect(read).toHaveLength(3))
  const raw = await rawly()
  const manager = await raw.jetstreamManager()
  const consumers = await manager.consumers.list('dialtone-observations').next()
  expect(consumers).toHaveLength(1)
  for (const { name } of consumers) await manager.consumers.delete('dialtone-observations', name)
  await publish(bus, 4, 6)
  await eventually(() => expect(read).toEqual([1, 2, 3, 4, 5, 6]), 40_000)
})

it('bytes that are no body, put on the subjects behind our back, are left out and counted', async () => {
  const bus = await join()
  const read: number[] = []
  const heard: number[] = []
  const seen: string[] = []
  await bus.subscribe(Said, [], ({ body }) => heard.push(body.n))
  await bus.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ body }) => body.n)))
  await bus.serve(Double, ['x'], async ({ n }) => ({ n: 2 * n }))
  const notes = await bus.documents(Note, { create: true })
  await notes.watch(change => seen.push(change.on === 'ready' ? 'ready' : `${change.on} ${change.key}`))
  const raw = await rawly()
  const bomb = gzipSync(Buffer.alloc(70 * 1024 * 1024, ' '))
  const bodies = [Buffer.alloc(0), Buffer.from('{"n":'), Buffer.from([0xff, 0xfe, 0]), Buffer.from([0x1f, 0x8b, 1, 2, 3]), bomb, Buffer.from('{"n":1,"n":"two"}')]
  for (const body of bodies) {
    raw.publish('dialtone.v1.progress.k', body)
    raw.publish('dialtone.v1.observation.k', body)
    raw.publish('$KV.notes.k', body)
  }
  // A copy of a document that says whose it is not, and a change without a revision.
  const header = headers()
  header.set('Nats-Sequence', 'NaN')
  raw.publish('dialtone.v1.document.notes.k', '{"n":1}', { headers: header })
  raw.publish('dialtone.v1.document.notes.k', '{"n":1}')
  await raw.flush()
  expect((await raw.request('dialtone.v1.command.double.x', bodies[1], { timeout: 10_000 })).headers?.get('Dialtone-Failed')).toBe('refused')
  await bus.publish(Said, ['k'], { n: 7 }, { id: '7' })
  await bus.publish(Seen, ['k'], { n: 7 }, { id: '7' })
  await notes.put('good', { n: 7 })
  await eventually(() => expect([heard, read]).toEqual([[7], [7]]))
  await eventually(() => expect(seen).toEqual(['ready', 'put good']))
  for (const noun of ['progress', 'observation', 'notes']) {
    for (const [reason, times] of [['not-json', 3], ['packing', 1], ['too-large', 1], ['shape', 1]] as const) expect([noun, reason, counts.of(bodiesRefused, { noun, at: 'arrival', reason })]).toEqual([noun, reason, times])
  }
})

it('a client that the server cuts off for being slow comes back and goes on', async () => {
  await server.end()
  await server.start('max_pending: 1100000\nwrite_deadline: "100ms"')
  const [a, b] = [await join(), await join()]
  const heard: number[] = []
  await b.subscribe(Said, [], ({ body }) => heard.push(body.n))
  const before = counts.of(reconnects)
  // Forty megabytes from another process, more than the sockets hold, while this loop is too busy to read.
  const flood = spawn(process.execPath, ['--input-type=module', '-e', FLOOD, server.url], { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => { flood.kill('SIGKILL') })
  await once(flood.stdout, 'data')
  flood.stdin.write('go')
  await new Promise(resolve => setImmediate(resolve))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000)
  await eventually(() => expect(counts.of(reconnects)).toBeGreaterThan(before))
  await eventually(() => expect([a.connected, b.connected]).toEqual([true, true]))
  await eventually(async () => {
    await a.publish(Said, ['k'], { n: 7_000_000 }, { id: '7' })
    expect(heard).toContain(7_000_000)
  })
})

const FLOOD = `import { connect } from 'nats'
  const connection = await connect({ servers: process.argv[1] })
  process.stdout.write('connected')
  process.stdin.once('data', async () => {
    for (let n = 0; n < 20_000; n++) connection.publish('dialtone.v1.progress.k', JSON.stringify({ n, text: 'x'.repeat(2000) }))
    await connection.flush()
    process.exit()
  })`

async function join (more: Partial<NatsBusOptions> = {}): Promise<Bus> {
  const bus = await connectNats({
    servers: server.url, name: 'test', meter: counts, logger: NO_LOGGER, reconnect: { firstMs: 20, longestMs: 200 },
    limits: { bucketBytes: 16 * 1024 * 1024, streams: { observations: { maxBytes: 1e8 }, announcements: { maxBytes: 1e6 }, audit: { maxBytes: 1e6 } } }, ...more,
  })
  open.push(bus)
  return bus
}

async function rawly (): Promise<NatsConnection> {
  const connection = await connect({ servers: server.url })
  open.push({ stop: () => connection.close() })
  return connection
}
