import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import type { Bus, GatewayAssignment, GatewayEvent, GatewayPresence } from '@dialtone/contracts'
import { ASSIGNMENT_KEY, ExplainRoute, GatewayAct, GatewayEvent as Event, GatewayPresenceDocument, GatewayStreams, gatewayDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER, OperatorError } from '@dialtone/kernel'
import type { Relay, RelayOptions } from '@dialtone/relay'
import { createTelemetry } from '@dialtone/telemetry'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { start, type Gateway } from './start.ts'

const WORK: GatewayAssignment = { v: 1, revision: 3, gateway: 'edge', spec: { desired: 'running' }, policies: {}, routes: {}, domains: {}, peers: {} }
const OUTCOMES = { 'acknowledged': 0, 'written': 0, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 }
const WAIT = { timeout: 10_000, interval: 5 }
let directory: string
let bus: Bus
let running: Gateway | undefined
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-'))
  bus = createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER })
  await bus.documents(GatewayPresenceDocument, { create: true })
  await (await bus.documents(gatewayDocument('edge'), { create: true })).put(ASSIGNMENT_KEY, WORK)
})
afterEach(async () => {
  await running?.stop(AbortSignal.abort())
  running = undefined
  await bus.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('says how it is, and takes its word back when it ends', async () => {
  const engine = scripted()
  running = await start({ config: { gateway: 'edge', stateDirectory: directory }, bus, telemetry: createTelemetry(), logger: NO_LOGGER, engine: engine.create })
  await vi.waitFor(async () => expect(await presence()).toMatchObject({ state: 'running', revision: 3 }), WAIT)
  engine.problems.push({ pointer: '/routes/x', says: 'goes in a circle' })
  await (await bus.documents(gatewayDocument('edge'), { create: true })).put(ASSIGNMENT_KEY, { ...WORK, revision: 4 })
  await vi.waitFor(async () => expect((await presence())?.findings).toMatchObject([{ what: 'configuration', says: expect.stringContaining('/routes/x: goes in a circle') as string }]), WAIT)
  const [at, gateway] = [AbortSignal.abort(), running]
  running = undefined
  await gateway.stop(at)
  expect(engine.stoppedWith).toBe(at)
  expect(await presence()).toBeUndefined()
})

it('says that there is nothing to work by, and why, and is not ready', async () => {
  const engine = scripted()
  engine.problems.push({ pointer: '/spec/zones/0/listen/0', says: 'the port is taken' })
  running = await start({ config: { gateway: 'edge', stateDirectory: directory, http: { port: 0 } }, bus, telemetry: createTelemetry(), logger: NO_LOGGER, engine: engine.create })
  await running.tried
  expect(running).toMatchObject({ configured: false, problem: '/spec/zones/0/listen/0: the port is taken' })
  expect(await (await fetch(`${running.url}/readyz`)).text()).toBe('there is no configuration to work by: /spec/zones/0/listen/0: the port is taken\n')
  await vi.waitFor(async () => expect(await presence()).toMatchObject({ healthy: false, findings: [{ unhealthy: true, says: 'there is no configuration to work by: /spec/zones/0/listen/0: the port is taken' }] }), WAIT)
})

it('keeps its state directory for itself, and does not start where it cannot have one', async () => {
  const engine = scripted()
  const begin = (stateDirectory: string) => start({ config: { gateway: 'edge', stateDirectory }, bus, telemetry: createTelemetry(), logger: NO_LOGGER, engine: engine.create })
  running = await begin(directory)
  await expect(begin(directory)).rejects.toMatchObject({ code: 'state-locked', message: expect.stringContaining(directory) as string })
  await expect(begin('/proc/x')).rejects.toMatchObject({ code: 'state-directory' })
  await vi.waitFor(async () => expect(await presence()).toBeDefined(), WAIT)
})

it('answers commands; what the engine refuses is a refusal', async () => {
  const engine = scripted()
  running = await start({ config: { gateway: 'edge', stateDirectory: directory }, bus, telemetry: createTelemetry(), logger: NO_LOGGER, engine: engine.create })
  await vi.waitFor(() => expect(engine.configured).toEqual([3]), WAIT)
  const ask = () => bus.request(GatewayStreams, ['edge'], {}, { timeoutMs: 5000 })
  await vi.waitFor(async () => expect(await ask()).toEqual({ answer: { streams: [], all: 0 } }), WAIT)
  expect(await bus.request(GatewayAct, ['edge'], { act: 'retry', peer: 'gone.example' }, { timeoutMs: 5000 })).toMatchObject({ failed: 'refused', says: 'there is no route to gone.example' })
  expect(await bus.request(ExplainRoute, ['edge'], { from: 'a.example', to: 'b.example' }, { timeoutMs: 5000 })).toMatchObject({ failed: 'refused', says: 'nothing is configured yet' })
  expect(await bus.request(GatewayAct, ['edge'], { act: 'reload' }, { timeoutMs: 5000 })).toMatchObject({ answer: { affected: 1 } })
  expect(engine.configured).toEqual([3, 3])
})

it('tells people who watch what happens, and no more than they can read', async () => {
  const engine = scripted()
  running = await start({ config: { gateway: 'edge', stateDirectory: directory }, bus, telemetry: createTelemetry(), logger: NO_LOGGER, engine: engine.create })
  const heard: GatewayEvent[] = []
  const subscription = await bus.subscribe(Event, ['edge'], ({ body }) => heard.push(body))
  for (let i = 0; i < 1000; i++) engine.options?.tell({ on: 'stream-refused', says: `stranger ${i}` })
  await vi.waitFor(() => expect(heard.length).toBeGreaterThan(50), WAIT)
  expect(heard.length).toBeLessThan(200)
  await vi.waitFor(() => {
    engine.options?.tell({ on: 'state', says: 'later' })
    expect(heard.find(({ on }) => on === 'left-out')?.count).toBeGreaterThan(700)
  }, WAIT)
  await subscription.stop()
})

it('is ready while it runs, and not while it drains or has nothing to do', async () => {
  const engine = scripted()
  running = await start({ config: { gateway: 'edge', stateDirectory: directory, http: { port: 0 } }, bus, telemetry: createTelemetry(), logger: NO_LOGGER, engine: engine.create })
  const ready = async () => (await fetch(`${running?.url}/readyz`)).status
  const metrics = async () => (await fetch(`${running?.url}/metrics`)).text()
  await vi.waitFor(async () => expect(await ready()).toBe(200), WAIT)
  expect(await metrics()).toContain('dialtone_gateway_ready{gateway="edge"} 1\n')
  engine.findings.push({ what: 'configuration', unhealthy: true, says: 'the last one was refused' })
  expect(await ready()).toBe(200)
  engine.findings.push({ what: 'memory', unhealthy: true, says: 'too much waits' })
  expect(await (await fetch(`${running.url}/readyz`)).text()).toBe('unhealthy: too much waits\n')
  engine.state = 'draining'
  expect(await (await fetch(`${running.url}/readyz`)).text()).toBe('the gateway is draining\n')
  expect(await metrics()).toContain('dialtone_gateway_ready{gateway="edge"} 0\n')
})

async function presence (): Promise<GatewayPresence | undefined> {
  return (await (await bus.documents(GatewayPresenceDocument, { create: false })).get('edge'))?.document
}

function scripted () {
  const engine = {
    state: 'running' as GatewayPresence['state'], problems: [] as { pointer: string, says: string }[], configured: [] as number[], findings: [] as GatewayPresence['findings'], stoppedWith: undefined as AbortSignal | undefined, options: undefined as RelayOptions | undefined,
    create: (options: RelayOptions): Relay => {
      engine.options = options
      return {
        configure: async ({ revision }) => { engine.configured.push(revision); return engine.problems },
        presence: () => ({
          state: engine.state, healthy: engine.findings.length === 0, findings: engine.findings, revision: engine.configured.at(-1) ?? 0, listeners: [], streams: { inbound: 0, outbound: 0, negotiating: 0 },
          stanzas: { accepted: 0, outcomes: OUTCOMES, queued: 0, onStream: 0, retried: 0 }, queued: { stanzas: 0, bytes: 0, oldestSeconds: 0 }, drains: [], secrets: {}, certificates: {},
        }),
        act: async ({ peer }) => { throw new OperatorError('not-found', `there is no route to ${peer}`) },
        streams: () => ({ streams: [], all: 0 }), queues: () => ({ queues: [], all: 0 }),
        explain: async () => { throw new OperatorError('not-configured', 'nothing is configured yet') },
        stop: async at => { engine.stoppedWith = at },
      }
    },
  }
  return engine
}
