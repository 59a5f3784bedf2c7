import { Check, Errors } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CAUSES } from '@dialtone/contracts'
import * as shapes from '@dialtone/contracts/schemas'
import type { TSchema } from 'typebox'
import { OBSERVED } from './test-support/readings.ts'
import { beThere, harness, type Harness } from './test-support/harness.ts'

let api: Harness
beforeAll(async () => {
  api = await harness()
  await beThere(api, 'inside', 'a1')
})
afterAll(async () => { await api.stop() })

const get = (url: string, headers: Record<string, string> = {}) => api.app.inject({ url, headers: { ...api.as.operator, ...headers } })

describe('what is read has the shape that the documentation shows', () => {
  for (const [url, shape] of [
    ['/v1/meta', shapes.Meta], ['/v1/causes', shapes.Causes], ['/v1/summary', shapes.Summary],
    ['/v1/overview', shapes.Overview], ['/v1/overview?state=down,up&side=peer&cause=service.down&only=pairs&q=EXAMPLE&limit=1', shapes.Overview], ['/v1/overview?at=2026-01-01T00:00:00%2B01:00', shapes.Overview],
    ['/v1/status/example.org', shapes.DomainView], ['/v1/status/example.org/peer.example', shapes.PairView], ['/v1/status/example.org/timeline?limit=5', shapes.Timeline], ['/v1/status/example.org/peer.example/timeline', shapes.Timeline],
    ['/v1/incidents?open=true&domain=example.org', shapes.Incidents], ['/v1/incidents/i-1', shapes.Incident], ['/v1/changes?kind=records&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z', shapes.Changes], ['/v1/audit?actor=admin', shapes.Audit],
    ['/v1/observations?vantage=inside', shapes.Observations], [`/v1/observations/${OBSERVED.id}`, shapes.ObservationRecorded],
    ['/v1/agents', shapes.Agents], ['/v1/agents/inside/a1', shapes.AgentPresence], ['/v1/listeners', shapes.Listeners], ['/v1/search?q=exam', shapes.SearchResults], ['/v1/expiries?within=3650', shapes.Expiries],
  ] as [string, TSchema][]) {
    it(url, async () => {
      const { statusCode, body } = await get(url)
      expect(statusCode, body).toBe(200)
      expect(Check(shape, JSON.parse(body)) ? [] : Errors(shape, JSON.parse(body))).toEqual([])
    })
  }
})

it('has every cause with its sentence and remedy', async () => {
  const { causes } = (await get('/v1/causes')).json<shapes.Causes>()
  expect(causes.map(({ cause }) => cause)).toEqual(CAUSES)
  expect(causes.every(({ says, remedy }) => says !== '' && remedy.length > 0)).toBe(true)
})

it('tells who is asking', async () => {
  expect((await api.app.inject({ url: '/v1/meta', headers: api.as.viewer })).json()).toMatchObject({ me: { name: 't-viewer', role: 'viewer' }, apiVersion: 'v1' })
})

it('pages, and finds by part of a name', async () => {
  const first = (await get('/v1/overview?limit=1')).json<shapes.Overview>()
  expect(first.domains).toHaveLength(1)
  const second = (await get(`/v1/overview?limit=1&cursor=${first.next}`)).json<shapes.Overview>()
  expect(second.domains[0]?.peer).toBe('peer.example')
  expect(second.next).toBeUndefined()
  const names = (await get('/v1/search?q=INSIDE')).json<shapes.SearchResults>().found.map(({ kind, name }) => `${kind} ${name}`)
  expect(names).toEqual(['agent inside/a1', 'resource Vantage/inside'])
})

it('says of a peer that it is one, and where to ask', async () => {
  await api.configuration.change(() => [{ put: { kind: 'Peer', name: 'known.example', spec: {} } }], 'test')
  expect((await get('/v1/status/known.example')).json()).toMatchObject({ status: 404, detail: expect.stringContaining('/v1/overview?peer=known.example') })
  expect((await get('/v1/status/unknown.example')).json()).toMatchObject({ status: 404, detail: expect.stringContaining('PUT /v1/peers/unknown.example') })
})

it('does not answer again what has not changed, and does when it has', async () => {
  const { headers: { etag } } = await get('/v1/overview')
  expect(etag).toMatch(/^W\/"/)
  const again = await get('/v1/overview', { 'if-none-match': `"x", ${String(etag)}` })
  expect([again.statusCode, again.body]).toEqual([304, ''])
  api.readings.setSeq(99)
  expect((await get('/v1/overview', { 'if-none-match': String(etag) })).statusCode).toBe(200)
})

it('shows an observation as text in which a peer cannot forge a line or move a cursor', async () => {
  const { body, headers } = await get(`/v1/observations/${OBSERVED.id}?as=text`)
  expect(headers['content-type']).toBe('text/plain; charset=utf-8')
  expect(body).toContain('tcp            failed  3 ms  tcp refused: a\\u{1b}[2Jb')
  expect(body).toContain('< one\\ntwo\\u{202e}')
})

describe('the documentation', () => {
  it('is OpenAPI 3.1, names every path that is served, and refers to nothing that it has not', async () => {
    const document = (await api.app.inject({ url: '/openapi.json' })).json<{ openapi: string, paths: Record<string, Record<string, { operationId: string, security?: unknown[], responses: Record<string, unknown>, summary?: string }>>, components: { schemas: Record<string, unknown> } }>()
    expect(document.openapi).toBe('3.1.0')
    const served = api.server.routes().filter(({ method, url }) => method !== 'HEAD' && !url.startsWith('/docs') && url !== '/openapi.json' && url !== '/' && !['/runbooks', '/runbooks/:name/'].includes(url)).map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
    const told = Object.entries(document.paths).flatMap(([url, methods]) => Object.keys(methods).map(method => `${method.toUpperCase()} ${url}`))
    expect(told.toSorted()).toEqual(served.toSorted())
    for (const reference of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) expect(Object.keys(document.components.schemas).map(name => `#/components/schemas/${name}`)).toContain(reference[1])
    for (const methods of Object.values(document.paths)) for (const operation of Object.values(methods)) {
      expect(operation.summary).toMatch(/\w/)
      expect(Object.keys(operation.responses)).toContain('default')
    }
    const ids = Object.values(document.paths).flatMap(methods => Object.values(methods).map(({ operationId }) => operationId))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toContain('getStatusByDomainTimeline')
    expect(document.paths['/v1/checks']?.['post']?.security).toEqual([{ bearer: [] }])
  })

  it('is shown by a page that loads nothing from elsewhere', async () => {
    expect((await api.app.inject({ url: '/' })).headers['location']).toBe('/docs/')
    const { statusCode, body, headers } = await api.app.inject({ url: '/docs/' })
    expect(statusCode).toBe(200)
    expect(body).not.toMatch(/(?:src|href)=["'](?:https?:)?\/\//)
    expect(headers['content-security-policy']).toContain("script-src 'self';")
    expect(headers['content-security-policy']).not.toMatch(/https?:/)
    for (const [, path] of body.matchAll(/(?:src|href)="([^"]+)"/g)) expect((await api.app.inject({ url: new URL(path ?? '', 'http://x/docs/').pathname })).statusCode, path).toBe(200)
    expect(body).not.toMatch(/<script(?![^>]*src=)[^>]*>[^<]/)
  })
})

it('guards every answer with headers', async () => {
  const { headers } = await get('/v1/meta')
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': expect.any(String), 'referrer-policy': 'no-referrer', 'cache-control': 'no-store', 'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'" })
  expect(headers['strict-transport-security']).toBeUndefined()
  expect(headers['server']).toBeUndefined()
})

it('says whether it can be asked', async () => {
  expect((await api.app.inject({ url: '/healthz' })).json()).toEqual({ ok: true })
  expect((await api.app.inject({ url: '/readyz' })).json()).toMatchObject({ ready: true, checks: [{ name: 'bus', ok: true }] })
})
