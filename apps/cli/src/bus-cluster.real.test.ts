/**
 * A fleet on three NATS servers with TLS: what agents saw is in the streams and in each control's store, once, whichever of the servers is killed; with two of them
 * dead everybody says so and goes on by what it has.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectNats, permissionsFor, writeNatsUsers } from '@dialtone/bus'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import type { Agents } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { startNatsCluster, writeNodeCertificates, type NatsCluster } from '@dialtone/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { VANTAGES, idsSeen, metric, startLoopbackFleet, type BusOfFleet, type LoopbackAgent, type LoopbackControl, type LoopbackFleet } from './test-support/loopback-fleet.ts'

const PATIENCE = { timeout: 60_000, interval: 200 }
let fleet: LoopbackFleet
let cluster: NatsCluster
let bus: BusOfFleet
let monitors: readonly string[] = []
let controls: LoopbackControl[] = []
let agents: LoopbackAgent[] = []
let writes = 0
/** The node that was killed last. */
let dead = 0

beforeAll(async () => {
  fleet = await startLoopbackFleet()
  cluster = await startNatsCluster((nodes, folder) => {
    monitors = nodes.map(({ monitor }) => monitor)
    const certificates = writeNodeCertificates(folder, { node: nodes.map(({ host }) => host), app: [] })
    const { certificate, key } = certificates.of('app')
    bus = { urls: '', seeds: folder, options: ['--bus-ca', certificates.authority, '--bus-cert', certificate, '--bus-key', key], controlOptions: ['--bus-replicas', '3'] }
    return writeNatsUsers({ folder, vantages: VANTAGES, nodes, tls: { ...certificates.of('node'), authority: certificates.authority, verifyClients: true } })
  }, { scheme: 'tls' })
  bus = { ...bus, urls: cluster.urls }
  controls = [await fleet.control('control-a', bus)]
  await fleet.ask(first(), '/v1/apply', { resources: fleet.resources })
  const [second, ...others] = await Promise.all([fleet.control('control-b', bus), ...VANTAGES.map(vantage => fleet.agent(vantage, bus))])
  controls.push(second)
  agents = others
}, 180_000)
afterAll(async () => {
  await fleet?.stop()
  await cluster?.stop()
}, 60_000)

it('names what it sees', async () => {
  await known('ours.example', 'healthy')
  await expect.poll(present, PATIENCE).toEqual(['inside-1', 'outside-1'])
}, 120_000)

it('a lost token found again, by a command that is told nothing of three: every stream and bucket is still kept three times', async () => {
  const copies = async (): Promise<Record<string, number>> => {
    const told = await Promise.all(monitors.map(async monitor => await (await fetch(`http://${monitor}/jsz?accounts=true&streams=true&config=true`)).json() as { account_details?: { stream_detail?: { name: string, config: { num_replicas: number } }[] }[] }))
    return Object.fromEntries(told.flatMap(({ account_details: accounts = [] }) => accounts.flatMap(({ stream_detail: details = [] }) => details.map(({ name, config }) => [name, config.num_replicas]))))
  }
  const before = await copies()
  expect(before).toMatchObject({ 'KV_access': 3, 'dialtone-observations': 3, 'dialtone-audit': 3, 'dialtone-facts': 3 })
  const main = join(import.meta.dirname, 'main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'control', '--new-admin-token', 'found-again', '--bus', bus.urls, '--bus-seed', join(bus.seeds, 'control.nk'), ...bus.options ?? []])
  const [token = ''] = /dlt_\S+/.exec(stdout) ?? []
  for (const { url } of controls) await expect.poll(async () => (await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status, PATIENCE).toBe(200)
  expect(await copies()).toEqual(before)
}, 120_000)

it('the leader of the observations killed and started again, then another killed: nothing is lost, the configuration is written, one instance speaks for all', async () => {
  const leader = await cluster.leaderOf('dialtone-observations') ?? 0
  for (const which of [leader, (leader + 1) % 3]) {
    const before = await made()
    dead = which
    await cluster.nodes[which]?.kill()
    await expect.poll(made, PATIENCE).toBeGreaterThan(before + 20)
    await written()
    if (which !== leader) break
    await cluster.nodes[which]?.start()
    await cluster.settled()
  }
  await expect.poll(leases, PATIENCE).toEqual([0, 1])
  await expect.poll(present, PATIENCE).toEqual(['inside-1', 'outside-1'])
}, 240_000)

it('then two of three are dead: agents keep what they see, controls answer and say that nothing can be written; with them back all of it arrives, once', async () => {
  const [second, third] = [(dead + 1) % 3, dead]
  await cluster.nodes[second]?.kill()
  const before = await checks()
  await expect.poll(async () => await Promise.all(agents.map(spooled)), PATIENCE).toSatisfy((all: number[]) => all.every(count => count > 3))
  expect(await checks()).toBeGreaterThan(before)
  await expect(write()).rejects.toThrow(/503/)
  for (const control of controls) expect((await fleet.row(control, 'ours.example'))?.domain).toBe('ours.example')
  await expect.poll(leases, PATIENCE).toEqual([0, 0])
  await cluster.nodes[second]?.start()
  await written()
  await cluster.nodes[third]?.start()
  await expect.poll(async () => await Promise.all(agents.map(spooled)), PATIENCE).toEqual([0, 0])
  await expect.poll(leases, PATIENCE).toEqual([0, 1])
  await settled()
  await known('ours.example', 'healthy')
}, 240_000)

function first (): LoopbackControl {
  const [control] = controls
  if (control === undefined) throw new Error('no control was started')
  return control
}

async function known (domain: string, cause: string): Promise<void> {
  await expect.poll(async () => (await fleet.row(first(), domain))?.cause, PATIENCE).toBe(cause)
}

/** A resource of the configuration, with a new text each time. */
async function write (): Promise<void> {
  await fleet.ask(first(), '/v1/apply', { resources: [{ kind: 'Peer', name: 'noted.example', spec: { note: `write ${++writes}` } }] })
}

async function written (): Promise<void> {
  await expect.poll(async () => await write().then(() => 'written', String), PATIENCE).toBe('written')
  for (const control of controls) await expect.poll(async () => JSON.stringify(await fleet.ask(control, '/v1/peers/noted.example')), PATIENCE).toContain(`write ${writes}`)
}

async function made (): Promise<number> {
  return (await everything()).length
}

async function checks (): Promise<number> {
  return (await Promise.all(agents.map(agent => metric(agent, 'dialtone_checks_total')))).reduce((sum, each) => sum + each, 0)
}

async function spooled (agent: LoopbackAgent): Promise<number> {
  return await metric(agent, 'dialtone_spool_waiting')
}

async function held (control: LoopbackControl): Promise<number> {
  return await metric(control, 'dialtone_lease_held', () => true, fleet.token)
}

/** Of both, the lower first. */
async function leases (): Promise<number[]> {
  return (await Promise.all(controls.map(held))).toSorted((a, b) => a - b)
}

async function present (): Promise<string[]> {
  return (await fleet.ask<Agents>(first(), '/v1/agents')).agents.map(({ agent }) => agent).toSorted()
}

/** With the agents held still, the stream and both stores have the same ids, each once, and none that an agent delivered is missing. */
async function settled (): Promise<void> {
  for (const { pid } of agents) process.kill(pid(), 'SIGSTOP')
  try {
    await expect.poll(async () => {
      const stream = (await everything()).toSorted()
      return controls.map(({ store }) => ({ same: idsSeen(store).join() === [...new Set(stream)].join(), twice: stream.length - new Set(stream).size }))
    }, PATIENCE).toEqual(controls.map(() => ({ same: true, twice: 0 })))
  } finally {
    for (const { pid } of agents) process.kill(pid(), 'SIGCONT')
  }
}

/** The ids in the stream, as any reader finds them. */
async function everything (): Promise<string[]> {
  const [caFile, certFile, keyFile] = ['ca.crt', 'app.crt', 'app.key'].map(name => join(cluster.folder, name)) as [string, string, string]
  const reader = await connectNats({
    servers: cluster.urls, name: 'test', inboxPrefix: permissionsFor({ app: 'control' }).inboxPrefix, credentials: { nkeySeedFile: join(cluster.folder, 'control.nk') }, tls: { caFile, certFile, keyFile },
    createStreams: false, meter: NO_METER, logger: NO_LOGGER, firstMs: 20_000,
  })
  try {
    const { last } = await reader.extent('observations')
    const ids: string[] = []
    let place = 0
    const reading = await reader.consume(ObservationEvent, { afterSeq: 0 }, async batch => {
      ids.push(...batch.map(({ id }) => id))
      place = batch.at(-1)?.seq ?? place
    })
    await expect.poll(() => place, PATIENCE).toBeGreaterThanOrEqual(last)
    await reading.stop()
    return ids
  } finally {
    await reader.stop()
  }
}
