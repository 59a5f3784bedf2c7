import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectNats, permissionsFor, writeNatsUsers } from '@dialtone/bus'
import { domainTokens, type GatewayAssignment, type PairFacts } from '@dialtone/contracts'
import { ASSIGNMENT_KEY, CheckNow, GatewayEvent, PairFactsEvent, gatewayDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { GATEWAY_SPEC, freePort, loopbackAddress, scriptedGateway, startNatsServer, type NatsServer } from '@dialtone/testkit'
import { createTelemetry } from '@dialtone/telemetry'
import { ACCESS_DOCUMENT } from './access/token.ts'
import { parseControlConfig } from './http/config.ts'
import { answerMeanwhile } from './http/waiting.ts'
import { main } from './main.ts'

let folder: string
let nats: NatsServer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dialtone-nats-'))
  nats = await startNatsServer()
})
afterEach(async () => {
  await nats.stop()
  rmSync(folder, { recursive: true })
})

/** In this process, on the real bus. */
function run (name: string, ...more: string[]): { lines: string[], stop: () => Promise<number>, url: () => string, token: () => string | undefined } {
  const ending = new AbortController()
  const lines: string[] = []
  const ended = main(['--bus', nats.url, '--store', join(folder, `${name}.db`), '--listen', '127.0.0.1:0', '--log-level', 'silent', ...more], ending.signal, line => { lines.push(line) })
  const found = (word: string) => lines.find(line => line.startsWith(word))?.split(/ +/)[1]
  return {
    lines, url: () => found('URL') ?? '', token: () => found('Token'),
    stop: () => {
      ending.abort()
      return ended
    },
  }
}

async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise(resolve => { setTimeout(resolve, 20) })
}

it('two instances on one NATS: one token, one configuration, reads while the bus is away, writes when it is back', async () => {
  const first = run('first')
  await until(() => first.url() !== '')
  const second = run('second')
  await until(() => second.url() !== '')
  const token = first.token() ?? ''
  expect(token).toMatch(/^dlt_/)
  expect(second.token()).toBeUndefined()
  const ask = async (url: string, path: string, init: RequestInit = {}) => {
    const answer = await fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } })
    return { status: answer.status, body: await answer.json() as Record<string, unknown> }
  }
  const put = (note: string) => ask(first.url(), '/v1/apply', { method: 'POST', body: JSON.stringify({ resources: [{ kind: 'Domain', name: 'example.org', spec: { note } }] }) })

  expect((await put('one')).status).toBe(200)
  await until(async () => (await ask(second.url(), '/v1/domains/example.org')).status === 200)

  await nats.kill()
  try {
    await until(async () => JSON.stringify((await ask(first.url(), '/readyz')).body).includes('away'))
    expect((await ask(first.url(), '/v1/domains/example.org')).body).toMatchObject({ spec: { note: 'one' } })
    expect((await ask(first.url(), '/v1/overview')).status).toBe(200)
    expect(await put('two')).toMatchObject({ status: 503 })
    expect(await ask(first.url(), '/v1/checks', { method: 'POST', body: '{"domain":"example.org"}' })).toMatchObject({ status: expect.toSatisfy((status: number) => status === 503 || status === 409) })
  } finally {
    await nats.start()
  }
  await until(async () => (await put('two')).status === 200)
  await until(async () => JSON.stringify((await ask(second.url(), '/v1/domains/example.org')).body).includes('two'))
  expect(await Promise.all([first.stop(), second.stop()])).toEqual([0, 0])
})

it('started while the bus is away it says so, and starts at the same address when the bus is there', async () => {
  await nats.kill()
  const { port } = await answerMeanwhile({ config: parseControlConfig({ listen: { port: 0 } }), reached: () => false, exposition: createTelemetry() }).then(async ({ port: free, stop }) => {
    await stop()
    return { port: free }
  })
  const control = run('early', '--listen', `127.0.0.1:${port}`)
  const url = `http://127.0.0.1:${port}`
  try {
    await until(() => fetch(`${url}/healthz`).then(({ status }) => status === 200, () => false))
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.json()]).toMatchObject([503, { ready: false, checks: [{ name: 'bus', ok: false }, { name: 'start', ok: false }] }])
    const meta = await fetch(`${url}/v1/meta`)
    expect([meta.status, meta.headers.get('retry-after'), await meta.json()]).toMatchObject([503, '5', { code: 'bus-unreachable' }])
    expect(control.lines).toEqual([])
  } finally {
    await nats.start()
  }
  await until(() => control.token() !== undefined)
  expect(control.url()).toBe(url)
  expect((await fetch(`${url}/v1/meta`, { headers: { authorization: `Bearer ${control.token()}` } })).status).toBe(200)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  expect(await control.stop()).toBe(0)
})

it('needs no more rights on NATS than its user has, and reaches agents in the accounts of their vantages', async () => {
  await nats.end()
  const [configuration = ''] = writeNatsUsers({ folder: join(folder, 'users'), vantages: ['inside'] })
  await nats.start(/^accounts [^]*/m.exec(readFileSync(configuration, 'utf8'))?.[0])
  const control = run('alone', '--bus-seed', join(folder, 'users/control.nk'))
  await until(() => control.url() !== '')
  const ask = async (path: string, body?: object) => {
    const answer = await fetch(control.url() + path, { method: body === undefined ? 'GET' : 'POST', headers: { 'authorization': `Bearer ${control.token()}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    return { status: answer.status, body: await answer.json() as Record<string, unknown> }
  }
  expect((await ask('/v1/apply', { resources: [{ kind: 'Domain', name: 'example.org', spec: {} }, { kind: 'Vantage', name: 'inside', spec: { side: 'inside' } }, { kind: 'Schedule', name: 'default', spec: {} }] })).status).toBe(200)
  expect(await ask('/v1/checks', { domain: 'example.org' })).toMatchObject({ status: 503, body: { code: 'no-agent' } })

  const { inboxPrefix } = permissionsFor({ app: 'probe', vantage: 'inside' })
  const agent = await connectNats({ servers: nats.url, name: 'agent', credentials: { nkeySeedFile: join(folder, 'users/probe-inside.nk') }, inboxPrefix, createStreams: false, meter: NO_METER, logger: NO_LOGGER })
  const asked: string[] = []
  await agent.serve(CheckNow, ['inside', 'any'], async ({ target }) => {
    asked.push(target)
    return { agent: 'a1', accepted: true }
  }, { shared: true })
  expect(await ask('/v1/checks', { domain: 'example.org' })).toMatchObject({ status: 202, body: { vantages: [{ vantage: 'inside', agent: 'a1', state: 'running' }] } })
  expect(asked).toEqual(['own-published:example.org'])
  await until(async () => ((await ask('/v1/audit?action=check')).body['entries'] as unknown[]).length === 2)
  await agent.stop()
  expect(await control.stop()).toBe(0)
  expect(nats.logs()).not.toMatch(/Violation/)
})

it('tells a gateway in its account what it works by, hears how it is, asks it, and takes its facts', async () => {
  await nats.end()
  const [configuration = ''] = writeNatsUsers({ folder: join(folder, 'users'), vantages: [], gateways: ['edge'] })
  await nats.start(/^accounts [^]*/m.exec(readFileSync(configuration, 'utf8'))?.[0])
  const control = run('alone', '--bus-seed', join(folder, 'users/control.nk'))
  await until(() => control.url() !== '')
  const ask = async (path: string, body?: object) => {
    const answer = await fetch(control.url() + path, { method: body === undefined ? 'GET' : 'POST', headers: { 'authorization': `Bearer ${control.token()}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    return { status: answer.status, body: await answer.json() as Record<string, unknown> }
  }
  expect((await ask('/v1/apply', { resources: [{ kind: 'Gateway', name: 'edge', spec: GATEWAY_SPEC }, { kind: 'Domain', name: 'ours.example', spec: {} }, { kind: 'Peer', name: 'peer.example', spec: {} }] })).status).toBe(200)

  const { inboxPrefix } = permissionsFor({ app: 'gateway', gateway: 'edge' })
  const bus = await connectNats({ servers: nats.url, name: 'edge', credentials: { nkeySeedFile: join(folder, 'users/gateway-edge.nk') }, inboxPrefix, createStreams: false, meter: NO_METER, logger: NO_LOGGER })
  let assigned: GatewayAssignment | undefined
  await (await bus.documents(gatewayDocument('edge'), { create: false })).watch(change => { if (change.on === 'put' && change.key === ASSIGNMENT_KEY) assigned = change.document })
  await until(() => assigned?.spec.desired === 'running')
  const edge = scriptedGateway(bus, 'edge', { create: false })
  await edge.serve()
  await edge.be({ revision: 1 })
  await until(async () => (await ask('/v1/gateways/edge/status')).body['state'] === 'running')
  expect(await ask('/v1/explain-route?from=ours.example&to=peer.example')).toMatchObject({ status: 200, body: { explanations: [{ gateway: 'edge', outcome: 'deliver' }], unanswered: [] } })
  expect(await ask('/v1/gateways/edge/retry', { peer: 'peer.example' })).toMatchObject({ status: 200, body: { effects: [{ outcome: 'done' }] } })

  const draining = ask('/v1/gateways/edge/drain', { wait: 300 })
  await until(() => assigned?.spec.desired === 'draining')
  await edge.be({ revision: assigned?.revision ?? 0, state: 'stopped' })
  expect(await draining).toMatchObject({ status: 200, body: { reached: true, gateway: { conservation: { holds: true } } } })

  const at = new Date().toISOString()
  const facts: PairFacts = {
    v: 1, id: 'facts-0001', gateway: 'edge', at, startedAt: at, ours: 'ours.example', peer: 'peer.example', inbound: {}, outbound: { readyAt: at, by: 'dialback' }, asked: { valid: 0, invalid: 1, refused: 0 }, shown: { valid: 0, invalid: 0, failed: 0 },
    stanzas: { in: 0, out: 0, outcomes: { 'acknowledged': 0, 'written': 0, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 } }, bounces: {}, policy: { action: 'allow', shadowed: 0, refused: 0 },
  }
  await bus.publish(PairFactsEvent, ['edge', ...domainTokens('peer.example')], facts, { id: facts.id })
  await bus.publish(GatewayEvent, ['edge'], { gateway: 'edge', at, on: 'asked', says: 'a key that was not ours' }, { id: 'event-1' })
  await until(async () => ((await ask('/v1/changes?kind=gateway')).body['changes'] as unknown[]).length === 1)
  await bus.stop()
  expect(await control.stop()).toBe(0)
  expect(nats.logs()).not.toMatch(/Violation/)
})

it('who has lost every token makes an admin token with the seed of control, while control runs: it is taken at once, and on record', async () => {
  const accounts = readFileSync(writeNatsUsers({ folder, vantages: ['inside'] })[0] ?? '', 'utf8').replace(/^(listen|jetstream).*$/gm, '')
  await nats.end()
  const address = loopbackAddress()
  const monitor = `${address}:${await freePort(address)}`
  await nats.start(`http: "${monitor}"\n${accounts}`)
  const seed = ['--bus-seed', join(folder, 'control.nk')]
  const kept = async (): Promise<Record<string, unknown>> => {
    const { account_details: accounts = [] } = await (await fetch(`http://${monitor}/jsz?accounts=true&streams=true&config=true`)).json() as { account_details?: { stream_detail?: { name: string, config: unknown }[] }[] }
    return Object.fromEntries(accounts.flatMap(({ stream_detail: details = [] }) => details.map(({ name, config }) => [name, config])))
  }
  const lost = async (name: string, ...more: string[]): Promise<string> => {
    const said: string[] = []
    expect(await main(['--bus', nats.url, '--log-level', 'silent', '--new-admin-token', name, ...more], new AbortController().signal, line => { said.push(line) })).toBe(0)
    const [, token = '', called] = /^Token +(dlt_\S+) .*called ([a-z-]+);/.exec(said.join('\n')) ?? []
    expect(called).toBe(name)
    return token
  }
  // Where nothing keeps tokens yet it makes nothing that would.
  await expect(lost('too-early', ...seed)).rejects.toMatchObject({ code: 'bus-unreachable' })
  expect(await kept()).toEqual({})
  const control = run('control', ...seed)
  await until(() => control.url() !== '')
  // As another control would have it: nothing of that is brought to other limits.
  const other = await connectNats({ servers: nats.url, name: 'other', credentials: { nkeySeedFile: join(folder, 'control.nk') }, inboxPrefix: '_INBOX.control', limits: { bucketBytes: 2 ** 25, streams: { audit: { maxBytes: 2 ** 25 } } }, meter: NO_METER, logger: NO_LOGGER })
  await other.documents(ACCESS_DOCUMENT, { create: true })
  await other.extent('audit')
  await other.stop()
  const before = await kept()
  expect([before['KV_access'], before['dialtone-audit']]).toMatchObject([{ max_bytes: 2 ** 25 }, { max_bytes: 2 ** 25 }])
  const token = await lost('found-again', ...seed)
  expect(await kept()).toEqual(before)
  const ask = async (path: string, bearer: string) => await fetch(control.url() + path, { headers: { authorization: `Bearer ${bearer}` } })
  await until(async () => (await ask('/v1/me', token)).status === 200)
  expect(await (await ask('/v1/me', token)).json()).toMatchObject({ name: 'found-again', role: 'admin' })
  // What others have stays good.
  expect((await ask('/v1/me', control.token() ?? '')).status).toBe(200)
  await until(async () => JSON.stringify(await (await ask('/v1/audit', token)).json()).includes('Token/found-again'))
  expect(await (await ask('/v1/audit', token)).text()).not.toContain(token)
  await expect(lost('found-again', ...seed)).rejects.toMatchObject({ code: 'token-exists' })
  await expect(lost('No Name', ...seed)).rejects.toMatchObject({ code: 'usage' })
  // Not with the seed of an agent, nor with none.
  await expect(lost('thief', '--bus-seed', join(folder, 'probe-inside.nk'))).rejects.toMatchObject({ code: 'bus-refused' })
  await expect(lost('thief')).rejects.toMatchObject({ code: 'bus-unreachable' })
  expect(await control.stop()).toBe(0)
  // With no control at all, too.
  expect(await lost('later', ...seed)).toMatch(/^dlt_/)
})
