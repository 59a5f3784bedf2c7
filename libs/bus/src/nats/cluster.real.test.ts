/** Three servers that are one, with TLS, as the script writes them: what each may do holds on every node, and a node that dies loses nothing. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNatsCluster, startNatsServer, writeNodeCertificates, type NatsCluster, type NodeCertificates } from '@dialtone/testkit'
import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { connect, nkeyAuthenticator, type NatsConnection } from 'nats'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Double, Seen } from '../test-support/kinds.ts'
import { eventually } from '../test-support/rig.ts'
import { connectNats, type NatsBusOptions } from './connect-nats.ts'
import { permissionsFor, type NatsApp } from './permissions.ts'
import { writeNatsUsers } from './write-users.ts'

const PATIENCE = 30_000
const Body = Type.Object({ n: Type.Integer() }, { additionalProperties: false })
const Configuration = { bucket: 'configuration', schema: Body } as const
const Presence = { bucket: 'presence', schema: Body, ttlSeconds: 10 } as const
const Assignment = { bucket: 'vantage-inside', schema: Body } as const

let cluster: NatsCluster
let certificates: NodeCertificates
let control: Bus
let inside: Bus
/** Writes the files for these vantages; the nodes take them when they are started. */
let write: (vantages: readonly string[]) => string[]

beforeAll(async () => {
  cluster = await startNatsCluster((nodes, folder) => {
    certificates = writeNodeCertificates(folder, { node: nodes.map(({ host }) => host), app: [] })
    write = vantages => writeNatsUsers({ folder, vantages, gateways: ['edge'], nodes, tls: { ...certificates.of('node'), authority: certificates.authority, verifyClients: true } })
    return write(['inside', 'outside'])
  }, { scheme: 'tls' })
  control = await joined({ app: 'control' })
  inside = await joined({ app: 'probe', vantage: 'inside' })
  await eventually(async () => expect(await control.extent('observations')).toMatchObject({ first: 0, last: 0 }), PATIENCE)
  await eventually(async () => { await (await control.documents(Configuration, { create: true })).put('fleet', { n: 1 }) }, PATIENCE)
  await eventually(() => control.documents(Presence, { create: true }), PATIENCE)
  await eventually(async () => { await (await control.documents(Assignment, { create: true })).put('assignment', { n: 1 }) }, PATIENCE)
}, 120_000)
afterAll(async () => {
  await Promise.all([control, inside].map(bus => bus?.stop()))
  await cluster?.stop()
}, 60_000)

it('what the script writes is what a server takes: one, one with TLS, and each of a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-nats-'))
  const { certificate, key } = certificates.of('node')
  const tls = { certificate, key, authority: certificates.authority }
  const nodes = [{ name: 'nats-1', host: '192.0.2.1', port: 6222 }, { name: 'nats-2', host: 'nats-2.example', port: 6222 }, { name: 'nats-3', host: '[2001:db8::3]', port: 6222 }]
  const shared = { folder, vantages: ['inside'], gateways: ['edge'], storeDir: join(folder, 'store') }
  const proved = (files: readonly string[]): string[] => {
    const configurations = files.filter(file => file.endsWith('.conf'))
    for (const file of configurations) execFileSync('/usr/sbin/nats-server', ['-t', '-c', file], { stdio: 'pipe' })
    return configurations.map(file => readFileSync(file, 'utf8'))
  }
  expect(proved(writeNatsUsers(shared))).toHaveLength(1)
  expect(proved(writeNatsUsers({ ...shared, listen: '0.0.0.0:4222', monitor: '127.0.0.1:8222', tls: { ...tls, verifyClients: true } }))).toHaveLength(1)
  const [first = '', second = '', third = ''] = proved(writeNatsUsers({ ...shared, nodes }))
  expect([first, second, third].map(text => /^listen.*/m.exec(text)?.[0])).toEqual(['listen: "192.0.2.1:4222"', 'listen: "0.0.0.0:4222"', 'listen: "[2001:db8::3]:4222"'])
  for (const other of [second, third]) expect(other.slice(other.indexOf('system_account'))).toBe(first.slice(first.indexOf('system_account')))

  const script = [join(import.meta.dirname, '../../../../deploy/nats/write-users.ts'), '--folder', folder, '--vantage', 'inside', '--gateway', 'edge', '--store-dir', join(folder, 'store')]
  const options = [...nodes.flatMap(({ name, host, port }) => ['--node', `${name}=${host}:${port}`]), '--tls-cert', certificate, '--tls-key', key, '--tls-ca', certificates.authority, '--tls-verify', '--monitor', '127.0.0.1:8222']
  expect(proved(execFileSync(process.execPath, [...script, ...options], { encoding: 'utf8' }).trim().split('\n'))).toEqual(proved(writeNatsUsers({ ...shared, nodes, monitor: '127.0.0.1:8222', tls: { ...tls, verifyClients: true } })))
  expect(() => execFileSync(process.execPath, [...script, '--node', 'x'], { stdio: 'pipe' })).toThrow(/NAME=HOST:PORT/)
  for (const [wrong, code] of [
    [{ nodes: nodes.slice(0, 2) }, 'bad-node'], [{ nodes: [...nodes.slice(0, 2), { name: 'nats-1', host: '192.0.2.9', port: 6222 }] }, 'bad-node'], [{ nodes: [...nodes.slice(0, 2), { name: 'nats-3', host: '192.0.2.1', port: 6222 }] }, 'bad-node'],
    [{ monitor: 'x' }, 'bad-listen'], [{ nodes, tls: { certificate, key } }, 'bus-tls'], [{ tls: { certificate, key, verifyClients: true } }, 'bus-tls'],
  ] as const) expect(() => writeNatsUsers({ ...shared, ...wrong }), JSON.stringify(wrong)).toThrow(expect.objectContaining({ code }))
  rmSync(folder, { recursive: true, force: true })
})

it('an agent at one node and control at another: commands, assignments and observations as on one server', async () => {
  const [at0, at1] = [await joined({ app: 'control' }, 0), await joined({ app: 'probe', vantage: 'inside' }, 1)]
  const serving = await at1.serve(Double, ['inside', 'one'], async ({ n }) => ({ n: 2 * n }))
  // What one node is told the others know a moment later.
  await eventually(async () => expect(await at0.request(Double, ['inside', 'one'], { n: 1 }, { timeoutMs: 5000 })).toEqual({ answer: { n: 2 } }))
  const assigned: number[] = []
  const reading = await (await at1.documents(Assignment, { create: false })).watch(change => change.on === 'put' && assigned.push(change.document.n))
  await eventually(() => expect(assigned).toEqual([1]))
  await (await at0.documents(Assignment, { create: true })).put('assignment', { n: 2 })
  await eventually(() => expect(assigned).toEqual([1, 2]))
  const presence = await at1.documents(Presence, { create: false })
  await presence.put('agent.inside.one', { n: 1 })
  await eventually(async () => expect((await presence.list()).map(({ key }) => key)).toEqual(['agent.inside.one']))
  await reading.stop()
  await serving.stop()
  await Promise.all([at0.stop(), at1.stop()])
})

it('what an agent may not do it may not do on any node, nor by a reply subject that another node answers', async () => {
  for (const at of cluster.nodes.keys()) {
    const { connection, violations } = await rawly({ app: 'probe', vantage: 'inside' }, at)
    const publishes = ['dialtone.v1.observation.outside.org', 'dialtone.v1.audit', '$KV.configuration.fleet', '$KV.vantage-inside.assignment', '$KV.presence.agent.outside.x', '$JS.API.CONSUMER.CREATE.KV_presence', '$JS.API.STREAM.DELETE.dialtone-observations', '_INBOX.control.a.b']
    const subscribes = ['dialtone.v1.observation.>', 'dialtone.v1.command.*.outside.*', '_INBOX.control.>', '$SYS.>', '>']
    for (const subject of publishes) connection.publish(subject, '{"n":666}')
    for (const subject of subscribes) connection.subscribe(subject, { callback: () => undefined })
    await eventually(() => expect(violations.toSorted()).toEqual([...publishes.map(subject => `publish ${subject}`), ...subscribes.map(subject => `subscription ${subject}`)].toSorted()))
    await connection.request('$KV.presence.agent.inside.evil', '{"n":666}', { timeout: 10_000 })
    for (const reply of ['$KV.configuration.fleet', '$KV.presence.agent.outside.x', 'dialtone.v1.observation.outside.org', 'dialtone.v1.audit']) connection.publish('$JS.API.DIRECT.GET.KV_presence.$KV.presence.agent.inside.evil', '', { reply })
    await connection.flush()
    await connection.request('$JS.API.DIRECT.GET.KV_presence.$KV.presence.agent.inside.evil', '', { timeout: 10_000 })
    await connection.close()
  }
  expect((await (await control.documents(Configuration, { create: true })).get('fleet'))?.document).toEqual({ n: 1 })
  expect(await (await control.documents(Presence, { create: true })).get('agent.outside.x')).toBeUndefined()
  expect([await control.extent('audit'), await control.extent('observations')]).toMatchObject([{ last: 0 }, { last: 0 }])
})

it('a client without a certificate is refused; so is a server with the certificate of another, or of another authority', async () => {
  const [url = ''] = cluster.urls.split(',')
  await expect(connect({ servers: url, timeout: 1000, tls: { caFile: certificates.authority, ...unnamed } })).rejects.toThrow()
  const strangers = mkdtempSync(join(tmpdir(), 'dialtone-nats-'))
  const other = writeNodeCertificates(strangers, { node: ['192.0.2.1'] })
  const { certificate, key } = other.of('node')
  const server = await startNatsServer({ configuration: `tls { cert_file: "${certificate}", key_file: "${key}" }` })
  const said: string[] = []
  for (const [servers, caFile] of [[server.url, other.authority], [server.url.replace('nats:', 'tls:'), undefined]] as const) {
    const bus = await connectNats({ meter: NO_METER, logger: { ...NO_LOGGER, warn: (fields: object) => void said.push(JSON.stringify(fields)) }, servers, name: 'x', tls: caFile === undefined ? {} : { caFile }, firstMs: 1000 })
    expect(bus.connected).toBe(false)
    await bus.stop()
  }
  expect(said.join('\n')).toMatch(/altnames[^]*(?:self-signed|verify)/)
  await server.stop()
  // What is to be encrypted is not sent to a server that does not.
  const plain = await startNatsServer()
  const bus = await connectNats({ ...silent, servers: plain.url.replace('nats:', 'tls:'), name: 'x', firstMs: 500 })
  expect(bus.connected).toBe(false)
  await bus.stop()
  await plain.stop()
  rmSync(strangers, { recursive: true, force: true })
})

it('the leader of the stream killed: each event that was acknowledged is there once, and writes go on', async () => {
  const acknowledged: number[] = []
  const read: number[] = []
  const reading = await control.consume(Seen, { afterSeq: 0 }, async batch => void read.push(...batch.map(({ body }) => body.n)))
  const going = new AbortController()
  const publishing = (async () => {
    for (let n = 1; !going.signal.aborted; n++) {
      // Until it is acknowledged, as a spool does it.
      while (!await inside.publish(Seen, ['inside', 'org'], { n }, { id: `id-${n}` }).then(() => true, () => false)) await new Promise(resolve => setTimeout(resolve, 20))
      acknowledged.push(n)
    }
  })()
  const grown = async (by: number): Promise<void> => {
    const from = acknowledged.length
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(from + by), PATIENCE)
  }
  const configuration = await control.documents(Configuration, { create: true })
  await grown(50)
  const leader = await cluster.leaderOf('dialtone-observations') ?? 0
  await cluster.nodes[leader]?.kill()
  await grown(50)
  await eventually(async () => { await configuration.put('fleet', { n: 2 }) }, PATIENCE)
  await cluster.nodes[leader]?.start()
  await cluster.settled()
  await grown(50)
  going.abort()
  await publishing
  await eventually(() => expect(new Set(read).size).toBe(acknowledged.length), PATIENCE)
  expect(read).toEqual(acknowledged)
  await reading.stop()
}, 120_000)

it('one node restarted after the other: a vantage is added, a seed is renewed, and what is published meanwhile is there', async () => {
  const before = await lastObservation()
  const old = join(cluster.folder, 'old.nk')
  renameSync(join(cluster.folder, 'probe-inside.nk'), old)
  write(['inside', 'outside', 'third'])
  let sent = 0
  for (const node of cluster.nodes) {
    await node.end()
    // Whoever was at the first node comes with the renewed seed, which the others do not know yet: until that node is back it waits.
    const published = eventually(async () => { await inside.publish(Seen, ['inside', 'org'], { n: ++sent }, { id: `rolled-${sent}` }) }, PATIENCE)
    await node.start()
    await Promise.all([published, cluster.settled()])
  }
  const third = await joined({ app: 'probe', vantage: 'third' })
  await eventually(async () => { await third.publish(Seen, ['third', 'org'], { n: 1 }, { id: 'third' }) }, PATIENCE)
  expect(await lastObservation()).toBeGreaterThanOrEqual(before + 4)
  await third.stop()
  await eventually(async () => { await inside.publish(Seen, ['inside', 'org'], { n: 0 }, { id: 'renewed' }) }, PATIENCE)
  renameSync(old, join(cluster.folder, 'probe-inside.nk'))
  await expect(rawly({ app: 'probe', vantage: 'inside' }, 0)).rejects.toThrow(/authorization/i)
}, 120_000)

it('bus.md: a node sends its clients away before it stops, a node is replaced by an empty one, and a new secret between the nodes: nothing is lost', async () => {
  // The seed of the agent inside is none any more, since the test before.
  const outside = await joined({ app: 'probe', vantage: 'outside' })
  const publish = async (id: string): Promise<void> => await eventually(async () => { await outside.publish(Seen, ['outside', 'org'], { n: 0 }, { id }) }, PATIENCE)
  const before = await lastObservation()
  const [first, second] = cluster.nodes
  if (first === undefined || second === undefined) throw new Error('there is no cluster')
  // Lame duck: it ends by itself, and who was connected to it goes on at another.
  const { pid } = first
  expect(pid).toBeGreaterThan(1)
  process.kill(pid, 'SIGUSR2')
  await eventually(() => expect(isThere(pid)).toBe(false), 90_000)
  expect(first.logs()).toMatch(/lame duck/i)
  await publish('while-it-is-away')
  await first.end()
  await first.start()
  await cluster.settled()

  await second.end()
  rmSync(join(cluster.folder, 'nats-2'), { recursive: true })
  await second.start()
  await cluster.settled()
  await publish('to-the-new-one')

  const secret = readFileSync(join(cluster.folder, 'cluster.secret'), 'utf8')
  rmSync(join(cluster.folder, 'cluster.secret'))
  await Promise.all(cluster.nodes.map(node => node.end()))
  write(['inside', 'outside', 'third'])
  expect(readFileSync(join(cluster.folder, 'cluster.secret'), 'utf8')).not.toBe(secret)
  await Promise.all(cluster.nodes.map(node => node.start()))
  await cluster.settled()
  await publish('by-the-new-secret')
  expect(await lastObservation()).toBeGreaterThanOrEqual(before + 3)
  await outside.stop()
}, 240_000)

function isThere (pid: number): boolean {
  try {
    // A process that has ended and that nobody has asked for yet is gone as well.
    return pid > 0 && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

it('what was made to be kept once is brought to three by a control that is told so, and left there by one that is told nothing', async () => {
  const kept = async (): Promise<unknown> => {
    const { connection } = await rawly({ app: 'control' }, 0)
    const { config } = (await connection.request('$JS.API.STREAM.INFO.KV_grown', '', { timeout: 10_000 })).json<{ config: { num_replicas: number } }>()
    await connection.close()
    return config.num_replicas
  }
  const Grown = { bucket: 'grown', schema: Body } as const
  const small = await joined({ app: 'control' }, undefined, { replicas: 1, createStreams: false })
  await eventually(async () => { await (await small.documents(Grown, { create: true })).put('x', { n: 1 }) }, PATIENCE)
  expect(await kept()).toBe(1)
  await small.stop()
  const large = await joined({ app: 'control' })
  await eventually(async () => expect((await (await large.documents(Grown, { create: true })).get('x'))?.document).toEqual({ n: 1 }), PATIENCE)
  expect(await kept()).toBe(3)
  await large.stop()
  const untold = await joined({ app: 'control' }, undefined, { replicas: undefined, limits: { bucketBytes: 32 * 1024 * 1024 } })
  await eventually(() => untold.documents(Grown, { create: true }), PATIENCE)
  expect(await kept()).toBe(3)
  await untold.stop()
}, 60_000)

/** Asked until it is answered: a node that has just come back may let one question time out. */
async function lastObservation (): Promise<number> {
  return (await eventually(() => control.extent('observations'), PATIENCE)).last
}

const silent = { meter: NO_METER, logger: NO_LOGGER }

/** What the client makes of an address: see `link.ts`, which is not used here. */
const unnamed = { checkServerIdentity: () => undefined }

/** `node`: at that one alone; else at any of them. */
async function joined (who: NatsApp, node?: number, { replicas, ...more }: Pick<NatsBusOptions, 'createStreams' | 'limits'> & { replicas: number | undefined } = { replicas: 3 }): Promise<Bus> {
  const { user, inboxPrefix } = permissionsFor(who)
  const { certificate, key } = certificates.of('app')
  const options: NatsBusOptions = {
    ...silent, servers: node === undefined ? cluster.urls : cluster.urls.split(',')[node] ?? '', name: user, inboxPrefix, credentials: { nkeySeedFile: join(cluster.folder, `${user}.nk`) },
    tls: { caFile: certificates.authority, certFile: certificate, keyFile: key }, createStreams: who.app === 'control', firstMs: PATIENCE, ...(replicas === undefined ? {} : { replicas }), ...more,
  }
  const bus = await connectNats(options)
  expect(bus.connected).toBe(true)
  return bus
}

async function rawly (who: NatsApp, node: number): Promise<{ connection: NatsConnection, violations: string[] }> {
  const { user, inboxPrefix } = permissionsFor(who)
  const { certificate, key } = certificates.of('app')
  const seed = readFileSync(join(cluster.folder, `${user}.nk`))
  const connection = await connect({ servers: cluster.urls.split(',')[node] ?? '', inboxPrefix, authenticator: nkeyAuthenticator(new TextEncoder().encode(seed.toString().trim())), tls: { caFile: certificates.authority, certFile: certificate, keyFile: key, ...unnamed } })
  const violations: string[] = []
  void (async () => {
    for await (const { permissionContext: context } of connection.status()) if (context !== undefined) violations.push(`${context.operation} ${context.subject}`)
  })()
  return { connection, violations }
}
