import { connect } from 'node:net'
import { once } from 'node:events'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { harness, type Harness } from './test-support/harness.ts'

let api: Harness
let port: number
beforeAll(async () => {
  api = await harness({ limits: { bodyBytes: 4096, requestSeconds: 1 } })
  await api.app.listen({ host: '127.0.0.1', port: 0 })
  port = (api.app.server.address() as { port: number }).port
})
afterAll(async () => { await api.stop() })

type Body = { code: string, detail: string, pointer?: string, traceId?: string, status: number, type: string }
const post = (url: string, payload: string, type = 'application/json') => api.app.inject({ method: 'POST', url, payload, headers: { ...api.as.operator, 'content-type': type } })
const get = (url: string) => api.app.inject({ url, headers: api.as.operator })

describe('a request that is not right is refused by the name of what is wrong', () => {
  for (const [name, ask, status, code, about] of [
    ['no JSON', () => post('/v1/checks', '{"domain":'), 400, 'invalid-json', undefined],
    ['an empty body', () => post('/v1/checks', ''), 400, 'invalid-json', undefined],
    ['no object', () => post('/v1/checks', '[]'), 400, 'invalid-request', ''],
    ['null', () => post('/v1/checks', 'null'), 400, 'invalid-request', undefined],
    ['an unknown field', () => post('/v1/checks', '{"domain":"example.org","zeal":1}'), 400, 'invalid-request', '/zeal'],
    ['a missing field', () => post('/v1/checks', '{}'), 400, 'invalid-request', '/domain'],
    ['a number that is text', () => post('/v1/checks', '{"domain":"example.org","wait":"5"}'), 400, 'invalid-request', '/wait'],
    ['a field that is too long', () => post('/v1/maintenance', JSON.stringify({ domain: 'example.org', minutes: 1, reason: 'x'.repeat(401) })), 400, 'invalid-request', '/reason'],
    ['a domain in capitals', () => post('/v1/checks', '{"domain":"Example.org"}'), 400, 'invalid-request', '/domain'],
    ['__proto__', () => post('/v1/checks', '{"domain":"example.org","__proto__":{"role":"admin"}}'), 400, 'invalid-json', undefined],
    ['constructor.prototype', () => post('/v1/checks', '{"domain":"example.org","constructor":{"prototype":{}}}'), 400, 'invalid-json', undefined],
    ['more unknown fields than are told', () => post('/v1/checks', JSON.stringify({ domain: 'example.org', ...Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 1])) })), 400, 'invalid-request', '/k0'],
    ['another charset', () => post('/v1/checks', '{}', 'application/json; charset=utf-16'), 415, 'unsupported-media-type', undefined],
    ['a limit that is no whole number', () => get('/v1/overview?limit=1.5'), 400, 'invalid-request', '/limit'],
    ['a part of the path that is too long', () => get(`/v1/status/${'x'.repeat(400)}`), 414, 'uri-too-long', undefined],
    ['a query where there is none', () => post('/v1/checks?x=1', '{"domain":"example.org"}'), 400, 'invalid-request', '/x'],
    ['too much', () => post('/v1/checks', `{"domain":"${'x'.repeat(5000)}"}`), 413, 'too-large', undefined],
    ['deep nesting', () => post('/v1/checks', '['.repeat(2000) + ']'.repeat(2000)), 400, 'invalid-request', ''],
    ['XML', () => post('/v1/checks', '<a/>', 'application/xml'), 415, 'unsupported-media-type', undefined],
    ['text', () => post('/v1/checks', '{}', 'text/plain'), 415, 'unsupported-media-type', undefined],
    ['an unknown query parameter', () => get('/v1/overview?stat=down'), 400, 'invalid-request', '/stat'],
    ['a repeated query parameter', () => get('/v1/overview?limit=1&limit=2'), 400, 'invalid-request', '/limit'],
    ['a word that is none', () => get('/v1/overview?state=down,sideways'), 400, 'invalid-request', '/state'],
    ['a limit that is too high', () => get('/v1/overview?limit=1001'), 400, 'invalid-request', '/limit'],
    ['a time that is none', () => get('/v1/overview?at=yesterday'), 400, 'invalid-request', '/at'],
    ['a period that ends before it begins', () => get('/v1/changes?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z'), 400, 'invalid-request', '/from'],
    ['a domain that is none', () => get('/v1/status/..%2f..%2fetc'), 400, 'invalid-request', '/domain'],
    ['a percent sign that means nothing', () => get('/v1/status/%zz'), 400, 'invalid-request', undefined],
    ['NUL', () => get('/v1/status/a%00b'), 400, 'invalid-request', '/domain'],
    ['an unknown path', () => get('/v1/nothing'), 404, 'no-such-route', undefined],
    ['an unknown domain', () => get('/v1/status/unknown.example'), 404, 'not-found', undefined],
    ['an unknown observation', () => get('/v1/observations/00000000'), 404, 'not-found', undefined],
    ['an unknown check', () => get('/v1/checks/x'), 404, 'not-found', undefined],
    ['a wrong method', () => api.app.inject({ method: 'DELETE', url: '/v1/overview', headers: api.as.operator }), 405, 'method-not-allowed', undefined],
    ['a path that is too long', () => get(`/v1/overview?q=${'x'.repeat(5000)}`), 414, 'uri-too-long', undefined],
  ] as const) {
    it(name, async () => {
      const answer = await ask()
      const body = answer.json<Body>()
      expect([answer.statusCode, body.code], answer.body).toEqual([status, code])
      expect(answer.headers['content-type']).toContain('application/problem+json')
      expect(body).toMatchObject({ type: `urn:dialtone:problem:${code}`, status, detail: expect.stringMatching(/\w+ \w+/), traceId: expect.stringMatching(/^[0-9a-f]{32}$/) })
      if (about !== undefined) expect(body.pointer).toBe(about)
    })
  }
})

it('says which methods a path has', async () => {
  expect((await api.app.inject({ method: 'PUT', url: '/v1/changes', headers: api.as.operator })).headers['allow']).toBe('GET, HEAD, POST')
})

it('answers under the trace id that it is given', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const answer = await api.app.inject({ url: '/v1/nothing', headers: { ...api.as.viewer, traceparent: `00-${traceId}-00f067aa0ba902b7-01` } })
  expect([answer.headers['x-trace-id'], answer.json<Body>().traceId]).toEqual([traceId, traceId])
})

it('never blames itself for what a client sent', async () => {
  const routes = api.server.routes().filter(({ method, url }) => (method === 'GET' || method === 'POST') && url !== '/v1/events' && !url.startsWith('/docs'))
  await fc.assert(fc.asyncProperty(fc.constantFrom(...routes), fc.string({ maxLength: 60, unit: 'binary' }), fc.dictionary(fc.constantFrom('limit', 'at', 'q', 'domain', 'wait', 'cursor', 'zz', '__proto__'), fc.string({ unit: 'binary' }), { maxKeys: 3 }), fc.json(), async ({ method, url }, name, query, payload) => {
    const at = `${url.replaceAll(/:\w+/g, encodeURIComponent(name.toWellFormed()) || 'x')}?${new URLSearchParams(Object.entries(query).map(([key, value]): [string, string] => [key, value.toWellFormed()])).toString()}`
    const { statusCode, body } = await api.app.inject({ method: method as 'GET', url: at, headers: { ...api.as.operator, 'content-type': 'application/json' }, ...(method === 'POST' ? { payload } : {}) })
    expect(statusCode === 503 ? body : statusCode, `${method} ${at} ${body}`).toSatisfy((is: unknown) => typeof is === 'string' ? is.includes('no-agent') : (is as number) < 500)
  }), { numRuns: 400 })
})

describe('on the wire', () => {
  for (const [name, text, status] of [
    ['what is no HTTP', 'EHLO example.org\r\n\r\n', 400],
    ['headers without end', `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /v1/checks HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a request that never ends', 'POST /v1/checks HTTP/1.1\r\nHost: a\r\nContent-', 408],
  ] as const) {
    it(`${name} is answered with a problem, and the connection is closed`, { timeout: 60_000 }, async () => {
      const socket = connect(port, '127.0.0.1')
      let answer = ''
      socket.on('data', bytes => { answer += bytes.toString() })
      socket.on('error', () => undefined)
      socket.write(text)
      await once(socket, 'close')
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status })
    })
  }
})

it('tells a token that asks too often to wait, and for how long, and not the others', async () => {
  const limited = await harness({ limits: { perTokenPerMinute: 3 } })
  try {
    const ask = async (role: 'viewer' | 'operator') => (await limited.app.inject({ url: '/v1/summary', headers: limited.as[role] }))
    for (let at = 0; at < 3; at++) expect((await ask('viewer')).statusCode).toBe(200)
    const refused = await ask('viewer')
    expect(refused.json()).toMatchObject({ status: 429, code: 'too-many-requests', detail: expect.stringContaining('3 times a minute') })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await ask('operator')).statusCode).toBe(200)
  } finally {
    await limited.stop()
  }
})

it.each([
  ['a key that is refused', () => post('/v1/checks', '{"domain":"example.org","__proto__":{}}'), "The body has the key '__proto__', which is a field of nothing; leave it out."],
  ['the other one', () => post('/v1/checks', '{"constructor":{"prototype":1}}'), "The body has the key 'constructor', which is a field of nothing; leave it out."],
  ['no known field', () => post('/v1/checks?x=1', '{"domain":"example.org"}'), "The query is not valid: 'x' is not a field of the query, which has none."],
  ['a slip of the hand', () => api.app.inject({ method: 'DELETE', url: '/v1/domains/example.org?dry-run=true', headers: api.as.admin }), "The query is not valid: 'dry-run' is not a field of the query; is 'dryRun' meant?"],
  ['half a number', () => get('/v1/overview?limit=1.5'), "The query is not valid: 'limit' must be an integer, not 1.5."],
])('the sentence about %s', async (_, ask, detail) => {
  expect((await ask()).json<Body>().detail).toBe(detail)
})
