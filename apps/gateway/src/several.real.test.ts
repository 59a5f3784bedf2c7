/**
 * Two gateways on one NATS, with control: they share policies, and secrets by reference, so that each answers callbacks for the keys of the other (XEP-0220 §2.2; gateways.md 5.9);
 * without NATS they carry on from their last configuration, after a restart, too; a configuration that a gateway cannot work by is refused there, and said; and where one
 * reference holds two secrets, that is seen.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectNats } from '@dialtone/bus'
import { GatewayEvent } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { freePort, loopbackAddress, spawnTied, startNatsServer } from '@dialtone/testkit'
import { afterEach, expect, it } from 'vitest'
import { doorOf, scriptedFederation, type Change, type Door } from './test-support/federation.ts'
import { startLoopbackGateway, type LoopbackGateway } from './test-support/loopback-gateway.ts'
import { pause, until } from './test-support/strikes.ts'

const CONTROL = fileURLToPath(new URL('../../control/src/main.ts', import.meta.url))
const ONE = 'bX9v2Yk8Qw3rT6uI1oP4aS7dF0gH5jKl'
const OTHER = 'nM5kL8jH2gF4dS7aQ1wE3rT6yU9iO0pZ'
const FACTS = 'dialtone_gateway_facts_total{outcome="published"}'
const GOOD = 'dialtone_gateway_configuration_good'

let ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.toReversed()) await end()
  ends = []
})

it('answer for each other, carry on alone, keep what is good, and show when they differ', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-several-'))
  const nats = await startNatsServer()
  ends.push(() => rmSync(folder, { recursive: true, force: true }), () => nats.stop())
  const ask = await startControl(nats.url, folder)
  const doors = { a: await doorOf(1), b: await doorOf(1) }
  /** Whom servers send to, and whom they ask. */
  let [to, authority]: [Door, Door] = [doors.a, doors.b]
  const federation = await scriptedFederation(() => to, () => authority)
  ends.push(federation.stop)
  await federation.start()

  const resources = (name: 'a' | 'b', change: Change = {}) => {
    const { spec, domains, peers } = federation.assignment(doors[name], { secret: 'env:DIALBACK_SECRET', ...change })
    return [{ kind: 'Gateway', name, spec }, ...Object.entries(domains).map(([domain, of]) => ({ kind: 'Domain', name: domain, spec: of })), ...Object.entries(peers).map(([peer, of]) => ({ kind: 'Peer', name: peer, spec: of }))]
  }
  const apply = async (given: readonly object[]) => {
    const { status, body } = await ask('/v1/apply', { resources: given })
    expect(status, JSON.stringify(body)).toBe(200)
  }
  await apply([...resources('a'), ...resources('b').slice(0, 1)])

  const start = async (name: 'a' | 'b', secret = ONE): Promise<LoopbackGateway> => {
    const address = loopbackAddress()
    const gateway = startLoopbackGateway({ name, state: join(folder, name), http: { address, port: await freePort(address) }, args: ['--bus', nats.url, '--log-level', 'warn'], env: { DIALBACK_SECRET: secret } })
    ends.push(async () => {
      gateway.signal('SIGKILL')
      await gateway.ended
    })
    await gateway.untilReady()
    return gateway
  }
  const status = async (name: 'a' | 'b') => (await ask(`/v1/gateways/${name}/status`)).body as { says: string, state: string, secretsDiffer?: unknown, presence?: { revision: number, startedAt: string, healthy: boolean, secrets: object, findings: { what: string, says: string }[] } }
  /** Streams are opened anew, to one gateway, whose keys are shown to another. */
  const meet = async (through: Door, asked: Door) => {
    federation.stop()
    through.life = asked.life = Math.max(doors.a.life, doors.b.life) + 1
    to = through
    authority = asked
    await federation.start()
  }
  /** And then a stanza of every pair arrives. */
  const flows = async (through: Door, asked: Door, says: () => string) => {
    await meet(through, asked)
    const missing = () => federation.pairs.flatMap(({ ours, peer }) => [[ours, peer], [peer, ours]] as const).filter(([from, of]) => federation.arrivals.account(({ life, pair }) => life === through.life && pair.from === from && pair.to === of).received === 0)
    await until(async () => {
      for (const each of federation.all) each.send(1)
      await pause(90)
      return missing().length === 0
    }, () => `nothing has arrived of ${JSON.stringify(missing())}: ${says()}`)
  }

  const a = await start('a')
  let b = await start('b')
  await flows(doors.a, doors.b, () => a.logs() + b.logs())
  // Of each zone, by the one that made no key.
  const answers = await b.metrics()
  for (const zone of ['world', 'office']) expect(answers?.get(`dialtone_gateway_asked_total{zone="${zone}",answer="valid"}`), zone).toBeGreaterThan(0)
  expect(answers?.get('dialtone_gateway_stanzas_accepted_total') ?? 0).toBe(0)
  await until(async () => JSON.stringify((await status('a')).presence?.secrets) === JSON.stringify((await status('b')).presence?.secrets), () => 'the fingerprints of one secret differ')
  expect(await status('a')).not.toHaveProperty('secretsDiffer')

  // Without NATS: one goes on, the other is killed and started again.
  const before = (await status('b')).presence?.startedAt
  await nats.kill()
  b.signal('SIGKILL')
  await b.ended
  b = await start('b')
  await flows(doors.b, doors.a, () => a.logs() + b.logs())
  expect((await b.metrics())?.get(FACTS) ?? 0).toBe(0)
  await nats.start()
  await until(async () => ((await b.metrics())?.get(FACTS) ?? 0) > 0, () => `no facts were told: ${b.logs()}`)
  await until(async () => {
    const { presence } = await status('b')
    return presence !== undefined && presence.startedAt !== before
  }, () => 'control has not heard of the gateway that was started without it')

  // What the linter cannot know: a file is missing on this host.
  const bus = await connectNats({ servers: nats.url, name: 'watcher', createStreams: false, meter: NO_METER, logger: NO_LOGGER })
  ends.push(() => bus.stop())
  const heard: string[] = []
  await bus.subscribe(GatewayEvent, ['a'], ({ body: { on, says } }) => { heard.push(`${on}: ${says}`) })
  // It says what it works by with its next beat after NATS came back.
  const revisionOfA = async () => (await status('a')).presence?.revision
  await until(async () => await revisionOfA() !== undefined, () => `control has not heard of a again: ${a.logs()}`)
  const revision = await revisionOfA()
  const { spec } = federation.assignment(doors.a, { secret: 'env:DIALBACK_SECRET' })
  const [world, ...zones] = spec.zones ?? []
  await apply([{ kind: 'Gateway', name: 'a', spec: { ...spec, zones: [{ ...world, certificates: [{ certificate: 'file:/none/ours.pem', key: 'file:/none/ours.key' }] }, ...zones] } }])
  await until(async () => (await a.metrics())?.get(GOOD) === 0, () => 'the metric does not say that the configuration was refused')
  await until(async () => (await status('a')).presence?.findings.some(({ what, says }) => what === 'configuration' && says.includes('/spec/zones/0/certificates/0')) === true, () => 'no finding says it')
  expect(await status('a')).toMatchObject({ state: 'running', presence: { revision } })
  await until(() => heard.some(line => line.startsWith('configuration: ') && line.includes('/spec/zones/0/certificates/0')), () => `no event says it: ${heard.join('\n')}`)
  await flows(doors.a, doors.a, () => a.logs())
  await apply(resources('a').slice(0, 1))
  await until(async () => (await a.metrics())?.get(GOOD) === 1, () => 'the metric does not say that the configuration is good again')

  // One reference, and another secret behind it.
  b.signal('SIGTERM')
  expect(await b.ended).toBe(0)
  b = await start('b', OTHER)
  await until(async () => (await status('a')).secretsDiffer !== undefined, () => 'nobody says that the secrets differ')
  expect(await status('a')).toMatchObject({ secretsDiffer: [{ zone: 'world', reference: 'env:DIALBACK_SECRET', gateways: ['b'] }, { zone: 'office', gateways: ['b'] }], says: expect.stringContaining('put the same file') as string })
  await meet(doors.a, doors.b)
  await until(async () => {
    for (const each of federation.all) each.send(1)
    await pause(90)
    const answers = await b.metrics()
    return ['world', 'office'].every(zone => (answers?.get(`dialtone_gateway_asked_total{zone="${zone}",answer="invalid"}`) ?? 0) > 0)
  }, () => 'nobody asked b for a key of a')
  expect(federation.arrivals.account(({ life }) => life === doors.a.life)).toMatchObject({ received: 0 })
}, 180_000)

/** As a process of its own; resolves to how its API is asked. */
async function startControl (bus: string, folder: string) {
  const control = spawnTied(process.execPath, [CONTROL, '--bus', bus, '--store', join(folder, 'control.db'), '--listen', '127.0.0.1:0', '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise(resolve => { control.once('exit', resolve) })
  ends.push(async () => {
    control.kill('SIGKILL')
    await ended
  })
  let said = ''
  for (const stream of [control.stdout, control.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { said += text })
  const word = (name: string) => new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(said)?.[1]
  await until(() => word('URL') !== undefined && word('Token') !== undefined, () => `control does not start: ${said}`)
  return async (path: string, body?: object) => {
    const answer = await fetch(`${word('URL')}${path}`, { method: body === undefined ? 'GET' : 'POST', headers: { 'authorization': `Bearer ${word('Token')}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    return { status: answer.status, body: await answer.json() as Record<string, unknown> }
  }
}
