import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Observation, Target } from '@dialtone/contracts'
import { NO_LOGGER, OperatorError, defineGauge } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'
import { assert, asyncProperty, domain, ipV6, oneof, string, webUrl } from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { met } from '../health/test-support.ts'
import { startExporter, type ExporterOptions } from './exporter.ts'

const TOKEN = '0123456789abcdef0123456789abcdef'

it('serves metrics, health and readiness on the loopback', async () => {
  let ready: boolean | string = 'no configuration yet'
  const { get, url } = await exporter({ ready: () => ready })
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' })
  expect(await get('/readyz')).toMatchObject({ status: 503, text: 'no configuration yet\n' })
  ready = true
  expect(await get('/readyz')).toMatchObject({ status: 200 })
  const metrics = await get('/metrics')
  expect(metrics.type).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(metrics.text).toContain('dialtone_exporter_requests_total{route="/readyz",status="503"} 1')
})

it('what is not there, not allowed or no path is refused and counted under closed labels', async () => {
  const { get } = await exporter()
  expect(await get('/admin?x=1')).toMatchObject({ status: 404, text: 'there are /metrics, /healthz, /readyz, /probe\n' })
  expect(await get('/metrics', { method: 'DELETE' })).toMatchObject({ status: 405 })
  expect(await get('//evil.example/%00')).toMatchObject({ status: 404 })
  expect(await get('/metrics', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  const { text: said } = await get('/metrics')
  expect(said).toContain('dialtone_exporter_requests_total{route="other",status="404"} 2')
  expect(said).not.toContain('evil')
})

it('probes a configured domain, in any of its spellings', async () => {
  const { get, checked } = await exporter()
  for (const target of ['own.example', 'OWN.example.', 'xmpp:own.example', 'xmpp://own.example']) {
    const { status, text: said } = await get(`/probe?module=s2s_normal&target=${encodeURIComponent(target)}`)
    expect([target, status]).toEqual([target, 200])
    expect(said).toMatch(/^probe_success [01]$/m)
  }
  expect(checked).toEqual(['own.example'])
})

for (const [name, query, status, says] of [
  ['no module', 'target=own.example', 400, "the parameter 'module' is missing"],
  ['a client module', 'module=c2s_normal_auth&target=own.example', 400, 'no client connections'],
  ['an unknown module', 'module=__proto__&target=own.example', 400, 'there is no such module'],
  ['no target', 'module=s2s', 400, "'target' must be a domain"],
  ['an address', 'module=s2s&target=192.0.2.1', 400, "'target' must be a domain"],
  ['a URL', 'module=s2s&target=http://own.example/', 400, "'target' must be a domain"],
  ['a long target', `module=s2s&target=${'a.'.repeat(2000)}example`, 400, "'target' must be a domain"],
  ['a domain that is not configured', 'module=s2s&target=else.example', 403, 'else.example is not configured at this vantage'],
] as const) {
  it(`refuses ${name} without checking anything`, async () => {
    const { get, checked } = await exporter()
    expect(await get(`/probe?${query}`)).toMatchObject({ status, text: expect.stringContaining(says) as string })
    expect(checked).toEqual([])
  })
}

it('any domain may be probed with the token, and with no other', async () => {
  const { get, checked } = await exporter({ token: TOKEN })
  const ask = (authorization?: string) => get('/probe?module=s2s&target=else.example', authorization === undefined ? {} : { headers: { authorization } })
  expect(await ask()).toMatchObject({ status: 403, text: expect.stringContaining('send the token') as string })
  for (const wrong of ['Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, 'Bearer']) expect(await ask(wrong)).toMatchObject({ status: 401 })
  expect(checked).toEqual([])
  expect(await ask(`Bearer ${TOKEN}`)).toMatchObject({ status: 200 })
  expect(checked).toEqual(['else.example'])
})

it('refuses a token that can be guessed, and a port that is taken', async () => {
  await expect(exporter({ token: 'short' })).rejects.toMatchObject({ code: 'weak-token' })
  const { url } = await exporter()
  await expect(exporter({ listen: { port: Number(new URL(url).port) } })).rejects.toMatchObject({ code: 'cannot-listen' })
})

it('answers in the time that Prometheus gives, and ends the check', async () => {
  let signal: AbortSignal | undefined
  const { get } = await exporter({ check: (_, given) => new Promise((_resolve, reject) => {
    signal = given
    given.addEventListener('abort', () => reject(new Error('aborted')))
  }) })
  const { status, text: said } = await get('/probe?module=s2s&target=own.example', { headers: { 'x-prometheus-scrape-timeout-seconds': '0.2' } })
  expect(status).toBe(200)
  expect(said).toMatch(/^probe_success 0$/m)
  expect(said).toContain('probe_failure_info{cause="unknown",side="observer"} 1')
  expect(signal?.aborted).toBe(true)
})

it('ends the check of a scraper that went away', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const { url } = await exporter({ check: (_, given) => new Promise((_resolve, reject) => {
    begun.resolve(given)
    given.addEventListener('abort', () => reject(new Error('aborted')))
  }) })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  socket.write('GET /probe?module=s2s&target=own.example HTTP/1.1\r\nhost: x\r\n\r\n')
  const signal = await begun.promise
  const aborted = signal.aborted ? undefined : once(signal, 'abort')
  socket.destroy()
  await aborted
  expect(signal.aborted).toBe(true)
})

it('tells what the agent refuses, and hides what is its fault', async () => {
  const refusing = await exporter({ check: () => Promise.reject(new OperatorError('budget', 'own.example was asked 1200 times this hour: wait.')) })
  expect(await refusing.get('/probe?module=s2s&target=own.example')).toMatchObject({ status: 503, text: 'own.example was asked 1200 times this hour: wait.\n' })
  const broken = await exporter({ check: () => Promise.reject(new Error('secret detail')) })
  expect(await broken.get('/probe?module=s2s&target=own.example')).toMatchObject({ status: 500, text: 'this is a fault of the agent: see its log\n' })
})

it('refuses more checks than the limits, with the time to wait', async () => {
  const { get } = await exporter({ limits: { reuseMs: 0, parallel: 8, perMinute: 2 } })
  for (let i = 0; i < 2; i++) expect(await get('/probe?module=s2s&target=own.example')).toMatchObject({ status: 200 })
  expect(await get('/probe?module=s2s&target=own.example')).toMatchObject({ status: 429, retryAfter: expect.stringMatching(/^\d+$/) as string })
})

it('nothing that is asked for is a fault of the agent', async () => {
  const { get, url } = await exporter()
  await assert(asyncProperty(string({ unit: 'binary' }), oneof(string({ unit: 'binary' }), domain(), ipV6(), webUrl()), async (module, target) => {
    for (const query of [new URLSearchParams({ module, target: 'own.example' }), new URLSearchParams({ module: 's2s', target })]) expect((await get(`/probe?${query.toString()}`)).status).toBeOneOf([200, 400, 403])
  }), { numRuns: 60 })
  for (const path of ['//', 'http://[', '*', '/%', '/probe?%%%', '/probe?module=s2s&target=%ff%fe', 'http://other.example/metrics', `/${'a'.repeat(7000)}`]) expect([path, await raw(url, path)]).toEqual([path, expect.stringMatching(/^HTTP\/1\.1 (200|400|404) /) as string])
}, 60_000)

it('a metrics page that fails is a 500 or a broken answer, never half a truth; after the stop nobody answers', async () => {
  const telemetry = createTelemetry()
  telemetry.family(defineGauge('dialtone_broken', 'Breaks'), () => { throw new Error('broken') })
  const { get, stop } = await exporter({ telemetry })
  expect(await get('/metrics').then(({ status }) => status, () => 'broken')).toBeOneOf([500, 'broken'])
  await stop()
  await expect(get('/healthz')).rejects.toThrow()
})

/** The status line of the answer to a path that no client of ours would send. */
async function raw (url: string, path: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
  return (await text(socket)).split('\r\n')[0] ?? ''
}

async function exporter (given: Partial<ExporterOptions> = {}) {
  const checked: string[] = []
  const check = async (domain: string): Promise<Observation> => {
    checked.push(domain)
    return met(domain, 'timeout')
  }
  const target: Target = { id: 'own-published:own.example', job: 'own-published', domain: 'own.example', schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: [] }
  const started = await startExporter({ listen: { port: 0 }, telemetry: createTelemetry(), targets: () => [target], check, logger: NO_LOGGER, ready: () => true, ...given })
  onTestFinished(started.stop)
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${started.url}${path}`, init)
    return { status: response.status, type: response.headers.get('content-type'), retryAfter: response.headers.get('retry-after'), text: await response.text() }
  }
  return { ...started, get, checked }
}
