/** Bodies that are made to cost time or to slip through: what is not valid is never accepted, others are answered meanwhile, and no secret is told again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemOf, stand, type Stand } from './test-support.ts'

let api: Stand
beforeAll(async () => { api = await stand() })
afterAll(() => api.stop())

const junk = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]))

describe('what is not valid is never accepted', () => {
  for (const count of [1, 63, 64, 65, 500]) {
    it(`with ${count} unknown fields`, async () => {
      const spec = { ...junk(count), ours: 7 }
      for (const query of ['', '?dryRun=true']) {
        const found = problemOf(await api.ask('PUT', `/v1/peers/zz.example${query}`, { spec }))
        expect(found).toMatchObject({ status: 400, pointer: '/spec/k0', problems: expect.arrayContaining([{ pointer: '/spec/k0', says: expect.stringContaining('is not a field') }]) })
      }
      expect(problemOf(await api.ask('PUT', '/v1/peers/zz.example', { spec: {}, ...junk(count) }))).toMatchObject({ status: 400, pointer: '/k0' })
      expect(problemOf(await api.ask('POST', '/v1/apply', { resources: [{ kind: 'Peer', name: 'zz.example', spec }] }))).toMatchObject({ status: 400, pointer: '/resources/0/spec/k0' })
      expect((await api.ask('GET', '/v1/peers/zz.example')).status).toBe(404)
    })
  }
})

describe('what is large and wrong', () => {
  const filled = (around: (items: string) => string, count = 999_000) => around(Array.from({ length: count }, () => '[]').join(','))
  const resource = '{"kind":"Domain","name":"a.example","spec":{"x":1}}'
  it.each([
    ['lists in the list', filled(items => `{"resources":[${items}]}`), '/resources'],
    ['lists as one resource', filled(items => `{"resources":[[${items}]]}`), '/resources/0'],
    ['lists as one spec', filled(items => `{"resources":[{"kind":"Domain","name":"a.example","spec":[${items}]}]}`), '/resources/0/spec'],
    ['lists in a list that takes few', filled(items => `{"resources":[{"kind":"Domain","name":"a.example","spec":{"hostedBy":[${items}]}}]}`), '/resources/0/spec/hostedBy'],
    ['lists to delete', filled(items => `{"delete":[${items}]}`), '/delete'],
    ['lists beside what is known', filled(items => `{"x":[${items}]}`), '/x'],
    ['more lists than are read', filled(items => `{"resources":[${items}]}`, 5_000_000), undefined],
    ['as many wrong resources as a list takes', `{"resources":[${Array.from({ length: 40_000 }, () => resource).join(',')}]}`, '/resources/0/spec/x'],
  ])('%s is refused, and the loop is held for no longer than reading it takes', async (_, body, pointer) => {
    const parsing = performance.now()
    JSON.parse(body)
    const read = performance.now() - parsing
    let [last, held] = [performance.now(), 0]
    const beat = () => { [last, held] = [performance.now(), Math.max(held, performance.now() - last)] }
    const timer = setInterval(beat, 5)
    const found = problemOf(await api.ask('POST', '/v1/apply', body))
    beat()
    clearInterval(timer)
    expect([found.status, found.pointer]).toEqual(pointer === undefined ? [413, undefined] : [400, pointer])
    expect(found.problems?.length ?? 0).toBeLessThanOrEqual(100)
    expect(held).toBeLessThan(1000 + 3 * read)
  })

  it('more than the route takes is refused unread', async () => {
    expect(problemOf(await api.ask('POST', '/v1/apply', `{"resources":[${'[],'.repeat(6_000_000)}[]]}`)).status).toBe(413)
  })
})

it('a secret in place of its reference is told to nobody', async () => {
  const secret = 'plaintextsecret'
  const listen = [{ address: '127.0.0.1', port: 5269 }]
  for (const [path, spec, pointer] of [
    ['domains/s.example', { secret }, '/spec/secret'], ['domains/s.example', { secret: `${secret}\u0007` }, '/spec/secret'], ['domains/s.example', { secret: `file:/${secret}\u0007` }, '/spec/secret'], ['domains/s.example', { secret: secret.repeat(100) }, '/spec/secret'],
    ['vantages/s', { side: 'inside', probeDomain: { domain: 'p.example', secret, listen } }, '/spec/probeDomain/secret'],
    ['vantages/s', { side: 'inside', probeDomain: { domain: 'p.example', secret: 'file:/s', listen, certificate: secret, key: secret } }, '/spec/probeDomain/certificate'],
    ['vantages/s', { side: 'inside', anchors: { system: true, given: [secret] } }, '/spec/anchors/given/0'],
  ] as const) {
    const answer = await api.ask('PUT', `/v1/${path}`, { spec })
    expect(problemOf(answer)).toMatchObject({ status: 400, pointer })
    expect(JSON.stringify(answer.body)).not.toContain(secret)
  }
  expect(JSON.stringify(await api.trail())).not.toContain(secret)
})

it('an exception ends within 366 days and is about something', async () => {
  const put = async (spec: object) => api.ask('PUT', '/v1/exceptions/works?dryRun=true', { spec: { effect: 'maintenance', domain: 'ours.example', reason: 'works', until: '2026-12-01T00:00:00Z', ...spec } })
  expect((await api.ask('PUT', '/v1/domains/ours.example', { spec: {} })).status).toBe(201)
  expect((await put({})).status).toBe(200)
  expect(problemOf(await put({ until: '9999-12-31T00:00:00Z' }))).toMatchObject({ status: 422, detail: expect.stringContaining('366 days') })
  expect(problemOf(await put({ domain: undefined }))).toMatchObject({ status: 422, detail: expect.stringContaining('names no domain, peer or vantage') })
})

describe('roles', () => {
  it('configuration is for admins, exceptions are for operators too', async () => {
    const operator = { authorization: `Bearer ${await api.tokenOf('operator')}` }
    for (const [method, url, body] of [['PUT', '/v1/domains/ours.example', { spec: { secret: 'file:/etc/shadow' } }], ['PATCH', '/v1/vantages/in', { spec: {} }], ['DELETE', '/v1/peers/x.example', undefined], ['POST', '/v1/apply', {}], ['POST', '/v1/apply?dryRun=true', {}]] as const) {
      expect(problemOf(await api.ask(method, url, body, operator)), `${method} ${url}`).toMatchObject({ status: 403, detail: expect.stringContaining('needs admin') })
    }
    const spec = { effect: 'maintenance', domain: 'ours.example', reason: 'works', until: '2026-12-01T00:00:00Z' }
    expect((await api.ask('PUT', '/v1/exceptions/by-operator', { spec }, operator)).status).toBe(201)
    expect((await api.ask('DELETE', '/v1/exceptions/by-operator', undefined, { ...operator, 'if-match': '*' })).status).toBe(200)
  })
})
