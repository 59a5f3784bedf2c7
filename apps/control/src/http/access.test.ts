import type { Role } from '@dialtone/contracts'
import { GATEWAY_ACTS, GATEWAY_WANTS, KINDS } from '@dialtone/contracts/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { harness, type Harness } from './test-support/harness.ts'

/** Every route that there is, with who may ask: a new one is a decision that is made here too. */
const EXPECTED: Record<string, 'anyone' | Role> = {
  'GET /healthz': 'anyone', 'GET /readyz': 'anyone', 'GET /runbooks': 'anyone', 'GET /runbooks/': 'anyone', 'GET /runbooks/:name': 'anyone', 'GET /runbooks/:name/': 'anyone', 'GET /openapi.json': 'anyone',
  'GET /docs/*': 'anyone', 'GET /': 'anyone',
  'GET /metrics': 'viewer', 'GET /v1/meta': 'viewer', 'GET /v1/causes': 'viewer', 'GET /v1/summary': 'viewer', 'GET /v1/overview': 'viewer', 'GET /v1/search': 'viewer', 'GET /v1/expiries': 'viewer',
  'GET /v1/status/:domain': 'viewer', 'GET /v1/status/:domain/timeline': 'viewer', 'GET /v1/status/:domain/:peer': 'viewer', 'GET /v1/status/:domain/:peer/timeline': 'viewer',
  'GET /v1/incidents': 'viewer', 'GET /v1/incidents/:id': 'viewer', 'GET /v1/changes': 'viewer', 'GET /v1/observations': 'viewer', 'GET /v1/observations/:id': 'viewer',
  'GET /v1/agents': 'viewer', 'GET /v1/agents/:vantage/:agent': 'viewer', 'GET /v1/listeners': 'viewer', 'GET /v1/events': 'viewer', 'GET /v1/checks/:id': 'viewer',
  'GET /v1/gateways/:name/status': 'viewer', 'GET /v1/gateways/:name/streams': 'viewer', 'GET /v1/gateways/:name/queues': 'viewer', 'GET /v1/explain-route': 'viewer',
  'GET /v1/gateways/:name/trace': 'operator',
  ...Object.fromEntries([...GATEWAY_WANTS, ...GATEWAY_ACTS].map(verb => [`POST /v1/gateways/:name/${verb}`, 'operator'])),
  'GET /v1/lint': 'viewer', 'POST /v1/apply': 'admin', 'GET /v1/me': 'viewer', 'GET /v1/tokens': 'admin', 'POST /v1/tokens': 'admin', 'DELETE /v1/tokens/:name': 'admin',
  ...Object.fromEntries(Object.values(KINDS).flatMap(({ path }) => [[`GET /v1/${path}`, 'viewer'], [`GET /v1/${path}/:name`, 'viewer'], ...['PUT', 'PATCH', 'DELETE'].map(method => [`${method} /v1/${path}/:name`, path === 'exceptions' ? 'operator' : 'admin']), [`GET /v1/${path}/:name/revisions`, 'viewer']])),
  'GET /v1/audit': 'operator', 'POST /v1/checks': 'operator', 'DELETE /v1/checks/:id': 'operator', 'POST /v1/reset': 'operator', 'POST /v1/maintenance': 'operator', 'POST /v1/changes': 'operator',
  'POST /v1/agents/:vantage/:verb': 'operator', 'POST /v1/agents/:vantage/:agent/:verb': 'operator', 'POST /v1/schedules/:name/:verb': 'operator',
  'POST /v1/vantages/:name/quarantine': 'operator', 'POST /v1/vantages/:name/release': 'operator', 'POST /v1/managed-servers/:name/:hook': 'operator',
}

let api: Harness
beforeAll(async () => { api = await harness() })
afterAll(async () => { await api.stop() })

const path = (url: string) => url.replaceAll(/:domain|:peer/g, 'example.org').replaceAll(/:\w+/g, 'x1').replace('*', '')
const routes = () => api.server.routes().filter(({ method }) => method !== 'HEAD')
const shown = (url: string) => url === '/docs' || url.startsWith('/docs/') ? '/docs/*' : url

describe('every route', () => {
  it('says who may ask, as is expected here', () => {
    expect(Object.fromEntries(routes().map(({ method, url, role }) => [`${method} ${shown(url)}`, role]))).toEqual(EXPECTED)
  })

  it('refuses who has no token, and a wrong one', async () => {
    let asked = 0
    for (const { method, url, role } of routes()) {
      if (role === 'anyone' || url === '/metrics') continue
      for (const headers of [{}, { authorization: 'Bearer nonsense' }, { authorization: `Bearer dlt_${'x'.repeat(43)}` }, { authorization: 'Basic YTpi' }, { authorization: 'Bearer ' + 'x'.repeat(5000) }]) {
        const { statusCode, body, headers: { 'content-type': type } } = await api.app.inject({ method: method as 'GET', url: path(url), headers, ...(method !== 'GET' ? { payload: {} } : {}) })
        asked++
        // Many from one address are told to wait: that too is a refusal.
        expect([401, 429], `${method} ${url}`).toContain(statusCode)
        expect(type).toContain('application/problem+json')
        expect(JSON.parse(body)).toMatchObject({ status: statusCode, type: expect.stringMatching(/^urn:dialtone:problem:[a-z-]+$/), detail: expect.stringContaining(statusCode === 401 ? 'Bearer' : 'wait'), traceId: expect.any(String) })
      }
    }
    expect(asked).toBeGreaterThan(100)
  })

  it('refuses a role that does not suffice, and says which does', async () => {
    const low = routes().filter(({ role }) => role === 'operator' || role === 'admin')
    expect(low.length).toBeGreaterThan(30)
    for (const { method, url, role } of low) {
      const { statusCode, body } = await api.app.inject({ method: method as 'GET', url: path(url), headers: role === 'admin' ? api.as.operator : api.as.viewer, ...(method !== 'GET' ? { payload: {} } : {}) })
      expect(statusCode, `${method} ${url}`).toBe(403)
      expect(JSON.parse(body)).toMatchObject({ code: 'forbidden', detail: expect.stringContaining(`needs ${role}`) })
    }
  })

  it('lets in who has the role', async () => {
    for (const { method, url, role } of routes()) {
      if (url === '/v1/events' || role === 'anyone') continue
      const { statusCode } = await api.app.inject({ method: method as 'GET', url: path(url), headers: api.as.admin, ...(method !== 'GET' ? { payload: {} } : {}) })
      expect([401, 403], `${method} ${url}`).not.toContain(statusCode)
      expect(statusCode, `${method} ${url}`).not.toBe(500)
    }
  })
})

it('does not start with a route that does not say who may ask', () => {
  expect(() => api.app.get('/v1/forgotten', async () => 'x')).toThrow()
})

it('tells the metrics to this host without a token, and to nobody whom a proxy or a web page sends', async () => {
  expect((await api.app.inject({ url: '/metrics', headers: { host: '127.0.0.1:5280' } })).body).toBe('# a\n')
  for (const headers of [{ host: 'evil.example' }, { host: '127.0.0.1', 'x-forwarded-for': '192.0.2.1' }, { host: 'localhost', forwarded: 'for=192.0.2.1' }]) {
    expect((await api.app.inject({ url: '/metrics', headers, remoteAddress: '127.0.0.1' })).statusCode).not.toBe(200)
  }
  expect((await api.app.inject({ url: '/metrics', headers: { host: 'x.example', ...api.as.viewer }, remoteAddress: '192.0.2.7' })).statusCode).toBe(200)
})
