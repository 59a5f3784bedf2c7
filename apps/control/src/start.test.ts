import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEmbeddedBus } from '@dialtone/bus'
import { domainTokens, type Bus, type DomainView } from '@dialtone/contracts'
import { CheckNow, ObservationEvent, TellTime } from '@dialtone/contracts/schemas'
import { NO_LOGGER, type Logger } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'
import { certificateOf, testRoot } from '@dialtone/testkit'
import { parseControlConfig } from './http/config.ts'
import { until } from './http/test-support/harness.ts'
import { OBSERVED } from './http/test-support/readings.ts'
import { start, type Control } from './start.ts'

let folder: string
let bus: Bus
let running: Control[]
let troubles: unknown[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dialtone-control-'))
  bus = embedded()
  running = []
  troubles = []
})
afterEach(async () => {
  for (const each of running) await each.stop()
  await bus.stop()
  rmSync(folder, { recursive: true })
  expect(troubles).toEqual([])
})

const logger: Logger = { ...NO_LOGGER, error: (fields, says) => { troubles.push({ ...fields, says }) } }
const embedded = () => createEmbeddedBus({ file: join(folder, 'bus.db'), meter: createTelemetry().meter, logger: NO_LOGGER })

async function begin (config: object = {}, telemetry = createTelemetry()): Promise<Control> {
  const control = await start({ config: parseControlConfig({ listen: { port: 0 }, store: join(folder, 'store.db'), ...config }), bus, telemetry, logger })
  running.push(control)
  return control
}

const ask = async (control: Control, token: string | undefined, path: string, body?: object, method = body === undefined ? 'GET' : 'POST') => {
  const answer = await fetch(control.url + path, { method, headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  return { status: answer.status, body: await answer.json() as Record<string, unknown> }
}

const FLEET = [
  { kind: 'Domain', name: 'example.org', spec: {} },
  { kind: 'Vantage', name: 'inside', spec: { side: 'inside' } },
  { kind: 'Schedule', name: 'default', spec: {} },
]

it('is told what to watch, is told what is seen, and answers what it makes of it, live too', async () => {
  const telemetry = createTelemetry()
  const control = await begin({}, telemetry)
  const token = control.firstToken
  expect((await ask(control, token, '/v1/apply', { resources: FLEET })).status).toBe(200)
  const abort = new AbortController()
  const live = await fetch(`${control.url}/v1/events?topics=verdict,summary,resource`, { headers: { authorization: `Bearer ${token}` }, signal: abort.signal })
  let text = ''
  const reading = (async () => { for await (const bytes of live.body ?? []) text += Buffer.from(bytes as Uint8Array).toString() })().catch(() => undefined)

  const seen = { ...OBSERVED, observation: { ...OBSERVED.observation, startedAt: new Date().toISOString() } }
  await bus.publish(ObservationEvent, ['inside', ...domainTokens('example.org')], seen, { id: seen.id })
  await until(() => text.includes('event: verdict.changed') && text.includes('event: summary'))
  abort.abort()
  await reading

  const view = (await ask(control, token, '/v1/status/example.org')).body as unknown as DomainView
  expect(view).toMatchObject({ domain: 'example.org', verdict: { state: 'down' }, vantages: [{ vantage: 'inside', observation: seen.id }] })
  expect((await ask(control, token, `/v1/observations/${seen.id}`)).body).toMatchObject({ id: seen.id, observation: { domain: 'example.org' } })
  expect((await ask(control, token, '/v1/overview')).body['domains']).toMatchObject([{ domain: 'example.org', state: 'down' }])
  expect((await ask(control, token, '/v1/status/example.org/timeline')).body['spans']).not.toEqual([])
  const metrics = await (await fetch(`${control.url}/metrics`)).text()
  expect(metrics).toMatch(/dialtone_state\{domain="example.org",peer=""\}/)
  expect(metrics).toMatch(/dialtone_http_request_duration_seconds_count\{route="\/v1\/apply",method="POST",class="2xx"\} 1/)

  // A note is kept by way of the audit, and stands among the changes.
  expect((await ask(control, token, '/v1/changes', { domain: 'example.org', what: 'moved it' })).status).toBe(201)
  await until2(async () => ((await ask(control, token, '/v1/changes?kind=note')).body['changes'] as unknown[]).length === 1)
  expect((await ask(control, token, '/v1/audit?action=note')).body['entries']).toMatchObject([{ actor: 'admin' }])
})

it('gives out a token at the very first start alone, and remembers it', async () => {
  const first = await begin()
  const token = first.firstToken
  expect(token).toMatch(/^dlt_/)
  await first.stop()
  const second = await begin()
  expect(second.firstToken).toBeUndefined()
  expect((await ask(second, token, '/v1/meta')).body).toMatchObject({ me: { name: 'admin', role: 'admin' } })
})

it('tells agents the time, and has what it asks of them answered', async () => {
  const control = await begin()
  const told = await bus.request(TellTime, ['clock'], {}, { timeoutMs: 5000 })
  expect(Math.abs(Date.parse('answer' in told ? told.answer.at : '') - Date.now())).toBeLessThan(5000)
  await ask(control, control.firstToken, '/v1/apply', { resources: FLEET })
  const asked: string[] = []
  await bus.serve(CheckNow, ['inside', 'any'], async ({ check, target }) => {
    asked.push(target)
    const seen = { ...OBSERVED, id: 'obs-of-check', check, observation: { ...OBSERVED.observation, startedAt: new Date().toISOString() } }
    await bus.publish(ObservationEvent, ['inside', ...domainTokens('example.org')], seen, { id: seen.id })
    return { agent: 'a1', accepted: true }
  }, { shared: true })
  const { status, body } = await ask(control, control.firstToken, '/v1/checks', { domain: 'example.org', wait: 30 })
  expect([status, asked]).toEqual([200, ['own-published:example.org']])
  expect(body).toMatchObject({ state: 'done', vantages: [{ vantage: 'inside', agent: 'a1', state: 'done', observation: 'obs-of-check' }] })
})

describe('what it cannot use is said before it runs', () => {
  it('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await expect(begin({ listen: { port } })).rejects.toMatchObject({ code: 'cannot-listen', message: expect.stringContaining(String(port)) })
    other.close()
    // Nothing is left of it: the same store and bus serve the next.
    expect((await ask(await begin(), 'x', '/v1/meta')).status).toBe(401)
  })

  it('a certificate that is not there', async () => {
    await expect(begin({ tls: { certificate: join(folder, 'none.pem'), key: join(folder, 'none.key') } })).rejects.toMatchObject({ code: 'bad-config', message: expect.stringContaining('none.pem') })
  })
})

it('speaks TLS where it is given a certificate, and then insists on it', async () => {
  const { chain, key } = await certificateOf('good', 'control.example')
  const tls = { certificate: join(folder, 'chain.pem'), key: join(folder, 'key.pem') }
  writeFileSync(tls.certificate, chain)
  writeFileSync(tls.key, key)
  const control = await begin({ tls })
  expect(control.url).toMatch(/^https:/)
  const asking = request(`${control.url}/healthz`, { ca: await testRoot(), servername: 'control.example' }).end()
  const [answer] = await once(asking, 'response') as [IncomingMessage]
  answer.resume()
  expect([answer.statusCode, answer.headers['strict-transport-security']]).toEqual([200, expect.stringContaining('max-age')])
})

it('stops while readers, waiting requests and idle connections are open', async () => {
  const control = await begin()
  const token = control.firstToken
  await ask(control, token, '/v1/apply', { resources: FLEET })
  await bus.serve(CheckNow, ['inside', 'any'], async () => ({ agent: 'a1', accepted: true }), { shared: true })
  const live = await fetch(`${control.url}/v1/events`, { headers: { authorization: `Bearer ${token}` } })
  const read = live.text()
  const waiting = ask(control, token, '/v1/checks', { domain: 'example.org', wait: 60 })
  await until2(async () => (await (await fetch(`${control.url}/metrics`)).text()).includes('dialtone_sse_clients 1'))
  await control.stop()
  expect(await read).toContain('event: hello')
  // Told how far the check was, and not left hanging.
  expect(await waiting).toMatchObject({ status: 202, body: { state: 'running' } })
})

it('whose store is damaged gives up the lease and is not ready, says why, and does not stand in the way of another', async () => {
  const control = await begin()
  const token = control.firstToken
  await ask(control, token, '/v1/apply', { resources: FLEET })
  const other = await begin({ store: join(folder, 'other.db') })
  const ready = async (of: Control) => {
    const { status, body } = await ask(of, token, '/readyz')
    return { status, checks: body['checks'] as { name: string, ok: boolean, needed: boolean, says: string }[] }
  }
  await until2(async () => (await ready(control)).checks.some(({ name, ok }) => name === 'lease' && ok))
  await until2(async () => {
    damage(join(folder, 'store.db'))
    return (await ready(control)).status === 503
  })
  expect((await ready(control)).checks.find(({ name }) => name === 'analysis')).toMatchObject({ ok: false, needed: true, says: expect.stringContaining('move it away') })
  await until2(async () => (await ready(other)).checks.some(({ name, ok }) => name === 'lease' && ok))
  expect((await ready(other)).status).toBe(200)
  const metrics = async () => await (await fetch(`${control.url}/metrics`)).text()
  await until2(async () => /^dialtone_lease_held 0$/m.test(await metrics()) && /^dialtone_analysis_failing 1$/m.test(await metrics()))
  expect(await metrics()).toMatch(/^dialtone_analysis_behind \d/m)
  // Nobody takes a frozen verdict for one of now: the other answers.
  await control.stop()
  await expect(begin()).rejects.toMatchObject({ code: 'store-corrupt', message: expect.stringContaining('move it away') })
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `store.db${end}`), { force: true })
  expect((await ready(await begin())).status).toBe(200)
  expect(troubles).not.toEqual([])
  troubles.length = 0
}, 60_000)

/** Noise over all pages but the first, which are then read again, since somebody has written. */
function damage (file: string): void {
  try {
    const db = new DatabaseSync(file)
    db.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('else', 1); PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
  } catch {
    // It is damaged already.
  }
  const descriptor = openSync(file, 'r+')
  writeSync(descriptor, randomBytes(Math.max(0, statSync(file).size - 4096)), 0, null, 4096)
  closeSync(descriptor)
}

async function until2 (condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise(resolve => { setTimeout(resolve, 20) })
}
