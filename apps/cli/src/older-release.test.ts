/** What an older release left is what this one starts on: its configuration, its store, an agent's state directory with what it had not delivered, and what older agents go on to publish. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { createEmbeddedBus } from '@dialtone/bus'
import { parseControlConfig, start as startControl, type Control } from '@dialtone/control'
import { domainTokens, type AgentPresence, type Agents, type Assignment, type Bus, type Configuration, type Incidents, type ObservationRecorded, type Overview } from '@dialtone/contracts'
import { CONFIGURATION_KEY, ConfigurationDocument, ObservationEvent, PresenceDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER } from '@dialtone/kernel'
import { start as startProbe } from '@dialtone/probe'
import { createTelemetry } from '@dialtone/telemetry'
import { afterEach, beforeEach, expect, it } from 'vitest'

type Recorded = {
  at: string, configuration: Configuration, observations: { id: string, body: ObservationRecorded }[], presence: AgentPresence[], assignment: Assignment, schedule: unknown
  causes: [string, string | null, string][], incidents: string[]
}

const FOLDERS = readdirSync(join(import.meta.dirname, 'recorded'), { withFileTypes: true }).filter(entry => entry.isDirectory()).map(({ name }) => name)
const PATIENCE = { timeout: 30_000, interval: 50 }
let folder = ''
const stops: (() => Promise<void>)[] = []
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'dialtone-older-')) })
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
  rmSync(folder, { recursive: true, force: true })
})

it('something was recorded', () => expect(FOLDERS.length).toBeGreaterThan(0))

for (const name of FOLDERS) {
  const unpacked = (file: string): Buffer => brotliDecompressSync(readFileSync(join(import.meta.dirname, 'recorded', name, `${file}.br`)))
  const recorded = JSON.parse(unpacked('fleet.json').toString()) as Recorded

  it(`${name}: control starts on the configuration and the store, tells the causes and incidents that were told, and the configuration can be written`, async () => {
    writeFileSync(join(folder, 'control.db'), unpacked('control.db'))
    const { ask } = await controlOn(await busWith(recorded), recorded)
    const { domains } = await ask<Overview>('/v1/overview?limit=200')
    expect(domains.map(({ domain, peer, cause }) => `${domain}>${peer ?? ''} ${cause}`).toSorted()).toEqual(recorded.causes.map(([domain, peer, cause]) => `${domain}>${peer ?? ''} ${cause}`).toSorted())
    expect((await ask<Incidents>('/v1/incidents')).incidents.map(({ id }) => id).toSorted()).toEqual(recorded.incidents.toSorted())
    await ask('/v1/apply', { resources: [{ kind: 'Peer', name: 'new.example', spec: {} }] })
    for (const { kind, name: of, spec } of recorded.configuration.resources) {
      expect(await ask(`/v1/${PATHS[kind]}/${of}`), of).toMatchObject({ spec })
    }
  })

  it(`${name}: observations of older agents are taken, and judged as they were; their presence is seen`, async () => {
    const bus = await busWith(recorded)
    for (const presence of recorded.presence) await (await bus.documents(PresenceDocument, { create: true })).put(`agent.${presence.vantage}.${presence.agent}`, presence)
    const { ask } = await controlOn(bus, recorded)
    expect((await ask<Agents>('/v1/agents')).agents.map(({ agent }) => agent).toSorted()).toEqual(recorded.presence.map(({ agent }) => agent).toSorted())
    for (const { id, body } of recorded.observations) await bus.publish(ObservationEvent, [body.vantage, ...domainTokens(body.observation.domain)], body, { id })
    const listed = async (): Promise<string[]> => (await ask<{ observations: { id: string }[] }>('/v1/observations?limit=200')).observations.map(({ id }) => id)
    await expect.poll(async () => (await listed()).length, PATIENCE).toBeGreaterThan(0)
    const told = new Map(recorded.causes.map(([domain, peer, cause]) => [`${domain}>${peer ?? ''}`, cause]))
    // One look of one agent says less than what the fleet knew; what it says is nothing else.
    await expect.poll(async () => (await ask<Overview>('/v1/overview?limit=200')).domains.filter(({ cause }) => cause !== 'unknown').length, PATIENCE).toBeGreaterThan(2)
    const { domains } = await ask<Overview>('/v1/overview?limit=200')
    expect(domains.filter(({ domain, peer, cause }) => told.get(`${domain}>${peer ?? ''}`) === cause).length).toBeGreaterThan(2)
  })

  it(`${name}: an agent starts on its state directory, works by what it was told, and delivers what it had not`, async () => {
    const state = join(folder, 'outside-1')
    mkdirSync(join(state, 'spool'), { recursive: true })
    writeFileSync(join(state, 'assignment.json'), JSON.stringify(recorded.assignment))
    writeFileSync(join(state, 'schedule.json'), JSON.stringify(recorded.schedule))
    writeFileSync(join(state, 'spool/000000000001.spool'), unpacked('outside.spool'))
    const bus = await busWith(recorded)
    const delivered: ObservationRecorded[] = []
    stops.push((await bus.consume(ObservationEvent, { afterSeq: 0 }, async batch => { delivered.push(...batch.map(({ body }) => body)) })).stop)
    const agent = await startProbe({
      config: { agent: 'outside-1', vantage: 'outside', stateDirectory: state }, bus, telemetry: createTelemetry(), logger: NO_LOGGER, clock: clockFrom(recorded.at),
      // Nothing of what it was told to look at is there.
      observe: (_, { signal }) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true }) }),
    })
    stops.push(agent.stop)
    await expect.poll(() => delivered.filter(({ vantage }) => vantage === 'outside').length, PATIENCE).toBeGreaterThan(10)
    const known = new Set(recorded.assignment.targets.map(({ id }) => id))
    expect(delivered.filter(({ target }) => !known.has(target))).toEqual([])
    const presences = await bus.documents(PresenceDocument, { create: true })
    await expect.poll(async () => (await presences.get('agent.outside.outside-1'))?.document.targets.all, PATIENCE).toBe(recorded.assignment.targets.length)
  })
}

const PATHS: Record<string, string> = { Domain: 'domains', Peer: 'peers', Vantage: 'vantages', Schedule: 'schedules' }

async function busWith ({ configuration }: Recorded): Promise<Bus> {
  const bus = createEmbeddedBus({ file: join(folder, 'bus.db'), meter: createTelemetry().meter, logger: NO_LOGGER })
  stops.push(bus.stop)
  await (await bus.documents(ConfigurationDocument, { create: true })).put(CONFIGURATION_KEY, configuration)
  return bus
}

async function controlOn (bus: Bus, { at }: Recorded): Promise<{ control: Control, ask: <T>(path: string, body?: object) => Promise<T> }> {
  const control = await startControl({ config: parseControlConfig({ listen: { port: 0 }, store: join(folder, 'control.db') }), bus, telemetry: createTelemetry(), logger: NO_LOGGER, clock: clockFrom(at) })
  stops.push(control.stop)
  return {
    control,
    ask: async (path, body) => {
      const response = await fetch(control.url + path, { method: body === undefined ? 'GET' : 'POST', headers: { authorization: `Bearer ${control.firstToken}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      const text = await response.text()
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
      return JSON.parse(text) as never
    },
  }
}

/** It was then, and goes on. */
function clockFrom (at: string): { now: () => number, elapsed: () => number } {
  const [then, began] = [Date.parse(at), performance.now()]
  return { now: () => then + performance.now() - began, elapsed: () => performance.now() }
}
