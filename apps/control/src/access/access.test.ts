import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER, OperatorError } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { embedded, eventually, NOW, problemOf, stand, type Stand } from '../resources/test-support.ts'
import { createAudit } from '../audit/audit.ts'
import { createAccess } from './access.ts'
import { MOST_FAILURES, createFailures } from './failures.ts'
import { ACCESS_DOCUMENT, ACCESS_KEY, bearerOf, hashOf, newToken } from './token.ts'

const clock = { now: () => NOW, elapsed: () => NOW }

describe('the first start', () => {
  it('makes one admin token, whoever starts at once, and later starts make none', async () => {
    const bus = embedded()
    const audit = createAudit({ bus, clock, logger: NO_LOGGER })
    const given = { bus, clock, random: RANDOM, logger: NO_LOGGER, audit }
    const both = await Promise.all([createAccess(given), createAccess(given), createAccess(given)])
    const tokens = both.map(({ firstToken }) => firstToken).filter(token => token !== undefined)
    expect(tokens).toHaveLength(1)
    expect(tokens[0]).toMatch(/^dlt_[\w-]{43}$/)
    expect(await createAccess(given)).toMatchObject({ firstToken: undefined })
    const kept = await (await bus.documents(ACCESS_DOCUMENT, { create: true })).get(ACCESS_KEY)
    expect(JSON.stringify(kept)).not.toContain(tokens[0]?.slice(4))
    expect(kept?.document.tokens).toMatchObject([{ name: 'admin', role: 'admin', hash: hashOf(tokens[0] ?? '') }])
    await bus.stop()
  })

  it('is over for all: the token of one control is known to the other at once', async () => {
    const bus = embedded()
    const [one, other] = [await stand({ bus }), await stand({ bus })]
    const { token } = await one.access.create({ name: 'cross', role: 'viewer' }, 'test')
    await eventually(() => other.access.tokens().map(({ name }) => name)).toContain('cross')
    expect(await other.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${token}` })).toMatchObject({ status: 200, body: { name: 'cross', role: 'viewer' } })
    await one.access.remove('cross')
    await eventually(() => other.access.tokens().map(({ name }) => name)).not.toContain('cross')
    expect((await other.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${token}` })).status).toBe(401)
    await one.stop()
    await other.app.close()
  })
})

it('a bus that has lost the tokens is told them again, and nobody is locked out', async () => {
  const bus = embedded()
  const api = await stand({ bus })
  const { token } = await api.access.create({ name: 'kept', role: 'viewer' }, 'test')
  const documents = await bus.documents(ACCESS_DOCUMENT, { create: true })
  await documents.remove(ACCESS_KEY)
  await eventually(async () => (await documents.get(ACCESS_KEY))?.document.tokens.map(({ name }) => name)).toContain('kept')
  expect((await api.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${token}` })).status).toBe(200)
  await api.stop()
})

it('a bus that has lost the tokens and cannot be read at first is told them when it can', async () => {
  const bus = embedded()
  let failures = 0
  const failing: Bus = {
    ...bus,
    documents: async (type, choice) => {
      const documents = await bus.documents(type, choice)
      return {
        ...documents,
        get: async key => {
          if (failures === 0) return await documents.get(key)
          failures--
          throw new OperatorError('bus-unreachable', 'JetStream is not ready')
        },
      }
    },
  }
  const access = await createAccess({ bus: failing, clock, random: RANDOM, logger: NO_LOGGER, audit: createAudit({ bus, clock, logger: NO_LOGGER }) })
  failures = 2
  const documents = await bus.documents(ACCESS_DOCUMENT, { create: true })
  await documents.remove(ACCESS_KEY)
  await eventually(async () => (await documents.get(ACCESS_KEY))?.document.tokens.map(({ name }) => name)).toEqual(['admin'])
  expect(failures).toBe(0)
  await access.stop()
  await bus.stop()
})

describe('who asks', () => {
  let api: Stand
  beforeEach(async () => { api = await stand() })
  afterEach(() => api.stop())

  const ROUTES = [
    ['GET', '/v1/me', 'viewer'], ['GET', '/v1/domains', 'viewer'], ['HEAD', '/v1/domains', 'viewer'], ['GET', '/v1/domains/ours.example', 'viewer'], ['GET', '/v1/domains/ours.example/revisions', 'viewer'], ['GET', '/v1/lint', 'viewer'],
    ['PUT', '/v1/domains/ours.example', 'admin'], ['PATCH', '/v1/domains/ours.example', 'admin'], ['DELETE', '/v1/domains/ours.example', 'admin'], ['POST', '/v1/apply', 'admin'],
    ['PUT', '/v1/domains/ours.example?dryRun=true', 'admin'], ['PUT', '/v1/exceptions/works', 'operator'], ['PATCH', '/v1/exceptions/works', 'operator'], ['DELETE', '/v1/exceptions/works', 'operator'],
    ['GET', '/v1/tokens', 'admin'], ['POST', '/v1/tokens', 'admin'], ['DELETE', '/v1/tokens/admin', 'admin'],
  ] as const
  const body = (method: string) => method === 'GET' || method === 'HEAD' || method === 'DELETE' ? undefined : {}

  it.each(ROUTES)('%s %s is answered to %ss and those above, and to nobody else', async (method, url, needs) => {
    const roles = ['viewer', 'operator', 'admin'] as const
    for (const role of roles) {
      const { status } = await api.ask(method, url, body(method), { authorization: `Bearer ${await api.tokenOf(role)}` })
      if (roles.indexOf(role) < roles.indexOf(needs)) expect(status).toBe(403)
      else expect([401, 403]).not.toContain(status)
    }
    const nobody = await api.app.inject({ method, url, ...(body(method) === undefined ? {} : { payload: {} }) })
    expect(nobody.statusCode).toBe(401)
    expect(nobody.headers['www-authenticate']).toBe('Bearer realm="dialtone"')
  })

  it('is answered the same whatever is wrong with the token', async () => {
    const wrong = [undefined, '', 'Bearer', 'Bearer dlt_short', `Bearer ${newToken(RANDOM)}`, 'Basic YWRtaW46YWRtaW4=', `Bearer dlt_${'A'.repeat(5000)}`, `bearer ${newToken(RANDOM)} x`]
    const answers = await Promise.all(wrong.map(async authorization => (await api.app.inject({ url: '/v1/me', headers: authorization === undefined ? {} : { authorization } })).json()))
    expect(new Set(answers.map(answer => JSON.stringify({ ...answer, traceId: undefined }))).size).toBe(1)
  })

  it('is not found in a query, so that it never stands in a log', async () => {
    const token = await api.tokenOf('admin')
    expect((await api.app.inject({ url: `/v1/me?token=${token}&access_token=${token}` })).statusCode).toBe(401)
  })

  it('is told by 403 what role it takes, and the try is on record', async () => {
    const authorization = `Bearer ${await api.tokenOf('viewer')}`
    const found = problemOf(await api.ask('PUT', '/v1/domains/ours.example', { spec: {} }, { authorization }))
    expect(found.detail).toContain('needs admin')
    expect(await api.trail()).toMatchObject([{ action: 'forbidden', outcome: 'refused', role: 'viewer', subject: 'PUT /v1/domains/:name' }])
    // Who tries again and again fills no audit.
    for (let times = 0; times < 20; times++) expect((await api.ask('PUT', `/v1/domains/d${times}.example`, { spec: {} }, { authorization })).status).toBe(403)
    expect(await api.trail()).toHaveLength(1)
    await api.access.stop()
    expect(await api.trail()).toMatchObject([{}, { action: 'forbidden', subject: 'PUT /v1/domains/:name', says: '20 more within 60 s: needs the role admin' }])
  })

  it('a token ends when it expires', async () => {
    const made = await api.ask('POST', '/v1/tokens', { name: 'short', role: 'viewer', expiresAt: new Date(NOW + 60_000).toISOString() })
    expect(made).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' }, body: { name: 'short', role: 'viewer', createdBy: 'admin' } })
    const headers = { authorization: `Bearer ${made.body.token}` }
    expect((await api.ask('GET', '/v1/me', undefined, headers)).status).toBe(200)
    api.clock.time += 60_000
    expect((await api.ask('GET', '/v1/me', undefined, headers)).status).toBe(401)
    expect(problemOf(await api.ask('POST', '/v1/tokens', { name: 'late', role: 'viewer', expiresAt: new Date(NOW).toISOString() })).pointer).toBe('/expiresAt')
  })

  it('the last admin token that does not expire stays, also when two are deleted at once', async () => {
    expect(problemOf(await api.ask('DELETE', '/v1/tokens/admin'))).toMatchObject({ status: 409, code: 'last-admin-token' })
    await api.ask('POST', '/v1/tokens', { name: 'brief', role: 'admin', expiresAt: new Date(NOW + 1000).toISOString() })
    expect((await api.ask('DELETE', '/v1/tokens/admin')).status).toBe(409)
    await api.ask('POST', '/v1/tokens', { name: 'second', role: 'admin' })
    const both = await Promise.all([api.access.remove('admin'), api.access.remove('second')].map(async one => one.then(() => 'gone', (error: Error) => error.message)))
    expect(both.filter(one => one === 'gone')).toHaveLength(1)
  })

  it('tokens are listed without what they are made of, and on record without it', async () => {
    const { body } = await api.ask('POST', '/v1/tokens', { name: 'ci', role: 'operator' })
    expect(problemOf(await api.ask('POST', '/v1/tokens', { name: 'ci', role: 'viewer' })).code).toBe('token-exists')
    expect(problemOf(await api.ask('POST', '/v1/tokens', { name: 'CI', role: 'root', extra: 1 })).problems?.map(({ pointer }) => pointer).toSorted()).toEqual(['/extra', '/name', '/role'])
    await api.ask('DELETE', '/v1/tokens/ci')
    const shown = JSON.stringify([await api.ask('GET', '/v1/tokens'), await api.trail()])
    expect(shown).not.toContain(body.token.slice(4))
    expect(shown).not.toContain(hashOf(body.token))
    expect((await api.trail()).map(({ action, outcome }) => [action, outcome])).toEqual([['token.create', 'done'], ['token.create', 'refused'], ['token.delete', 'done']])
  })

  it('who guesses is slowed, and who has a token is not shut out with them', async () => {
    const guess = async () => (await api.app.inject({ url: '/v1/me', headers: { authorization: `Bearer ${newToken(RANDOM)}` } })).statusCode
    for (let i = 0; i < MOST_FAILURES; i++) expect(await guess()).toBe(401)
    const limited = await api.app.inject({ url: '/v1/me' })
    expect([limited.statusCode, limited.headers['retry-after']]).toEqual([429, '60'])
    expect((await api.ask('GET', '/v1/me')).status).toBe(200)
    api.clock.time += 60_000
    expect(await guess()).toBe(401)
  })
})

it('failures are counted by IPv4 address and IPv6 network', () => {
  const failures = createFailures(clock)
  for (let i = 0; i < MOST_FAILURES; i++) expect(failures.failed(`2001:db8:0:1::${i}`)).toBe(0)
  expect(failures.failed('2001:db8:0:1:ffff::1')).toBeGreaterThan(0)
  expect(failures.failed('2001:db8:0:2::1')).toBe(0)
  expect(failures.failed('192.0.2.1')).toBe(0)
  for (let i = 0; i < MOST_FAILURES; i++) failures.failed('::ffff:192.0.2.1')
  expect(failures.failed('192.0.2.1')).toBeGreaterThan(0)
})

it('reads a bearer token, and nothing else for one', () => {
  const token = newToken(RANDOM)
  expect(bearerOf(`BEARER ${token}`)).toEqual({ token })
  expect(bearerOf(undefined)).toEqual({ wrong: 'missing' })
  for (const header of [token, `Bearer${token}`, `Bearer ${token}, Bearer ${token}`, `Bearer ${token}=`]) expect(bearerOf(header)).toEqual({ wrong: 'malformed' })
})
