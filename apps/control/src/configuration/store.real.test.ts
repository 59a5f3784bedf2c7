/** The configuration, tokens, audit and assignments on a real NATS server, with two controls, and with the server gone in between. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectNats } from '@dialtone/bus'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { startNatsServer, type NatsServer } from '@dialtone/testkit'
import type { Bus } from '@dialtone/contracts'
import { ASSIGNMENT_KEY, assignmentDocument } from '@dialtone/contracts/schemas'
import { startAssigner } from '../assign/assigner.ts'
import { eventually, problemOf, type Stand, stand } from '../resources/test-support.ts'

let server: NatsServer
let buses: Bus[]
let one: Stand
let other: Stand
beforeAll(async () => {
  server = await startNatsServer()
  buses = await Promise.all([1, 2].map(() => connectNats({ servers: server.url, name: 'control', meter: NO_METER, logger: NO_LOGGER })))
  const [first, second] = buses
  if (first === undefined || second === undefined) throw new Error('two buses were asked for')
  ;[one, other] = await Promise.all([stand({ bus: first }), stand({ bus: second })])
})
afterAll(async () => {
  await one.stop()
  await other.stop()
  await server.stop()
})

it('of two controls that start at once, one makes the first token', () => {
  expect([one, other].filter(({ access }) => access.firstToken !== undefined)).toHaveLength(1)
})

it('two that write over one revision at different controls: exactly one wins, each time', async () => {
  expect((await one.ask('PUT', '/v1/domains/ours.example', { spec: {} })).status).toBe(201)
  await eventually(() => other.configuration.revision).toBe(one.configuration.revision)
  for (let round = 0; round < 15; round++) {
    const match = { 'if-match': String((await one.ask('GET', '/v1/domains/ours.example')).headers['etag']) }
    const answers = await Promise.all([one, other].map((api, i) => api.ask('PUT', '/v1/domains/ours.example', { spec: { note: `${round}.${i}` } }, match)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412])
    const note = `${round}.${answers.findIndex(({ status }) => status === 200)}`
    await eventually(() => [one, other].map(({ configuration }) => configuration.get('Domain', 'ours.example')?.spec.note)).toEqual([note, note])
  }
  const done = (await one.trail()).filter(({ outcome }) => outcome === 'done')
  expect(done).toHaveLength(16)
})

it('many writers of different resources all get through, and both controls see all of it', async () => {
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? one : other).ask('PUT', `/v1/domains/d${i}.example`, { spec: {} })))
  expect(answers.filter(({ status }) => status !== 201)).toEqual([])
  await eventually(() => [one, other].map(({ configuration }) => configuration.all('Domain').length)).toEqual([31, 31])
})

it('ten thousand domains are one message', async () => {
  const resources = Array.from({ length: 10_000 }, (_, i) => ({ kind: 'Domain', name: `c${i}.customer-${i % 97}.example`, spec: { expectedAddresses: [`203.0.${i % 256}.${i >> 8}`], internal: [{ host: `10.${i % 256}.${i >> 8}.7`, port: 5269 }], note: `Customer ${i}` } }))
  expect((await one.ask('POST', '/v1/apply', { resources })).body).toMatchObject({ counts: { created: 10_000 } })
  await eventually(() => other.configuration.all('Domain').length).toBe(10_031)
})

it('an assignment is written where agents may read it', async () => {
  await one.ask('PUT', '/v1/vantages/out', { spec: { side: 'outside' } })
  const assigner = startAssigner({ bus: buses[0] as Bus, configuration: one.configuration, logger: NO_LOGGER, lease: { held: true, token: 1, onChange: () => () => undefined } })
  await assigner.settled()
  const documents = await (buses[1] as Bus).documents(assignmentDocument('out'), { create: false })
  expect((await documents.get(ASSIGNMENT_KEY))?.document.targets).toHaveLength(10_031)
  await assigner.stop()
})

it('with the server gone reading goes on, writing is refused, and nothing is half done when it is back', async () => {
  const before = one.configuration.revision
  await server.kill()
  await eventually(() => [one, other].map(({ bus }) => bus.connected)).toEqual([false, false])
  expect((await one.ask('GET', '/v1/domains/ours.example')).status).toBe(200)
  expect((await one.ask('GET', '/v1/me')).status).toBe(200)
  expect(problemOf(await one.ask('PUT', '/v1/domains/new.example', { spec: {} }))).toMatchObject({ status: 503, code: 'audit-unavailable' })
  expect(problemOf(await one.ask('PUT', '/v1/domains/new.example?dryRun=true', { spec: {} })).status).toBe(503)
  expect(problemOf(await one.ask('POST', '/v1/tokens', { name: 'late', role: 'viewer' })).status).toBe(503)
  await server.start()
  await eventually(() => [one, other].map(({ bus }) => bus.connected)).toEqual([true, true])
  await eventually(async () => (await one.ask('PUT', '/v1/domains/new.example', { spec: {} })).status).toBe(201)
  expect(one.configuration.revision).toBe(before + 1)
  await eventually(() => other.configuration.get('Domain', 'new.example')?.revision).toBe(before + 1)
})
