import { afterEach, expect, it, vi } from 'vitest'
import type { AgentPresence, Bus, DocumentChange } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { createPresence, type Presence } from './presence.ts'

const PERIOD_MS = 20
const WAIT = { timeout: 5000, interval: 2 }
const open: Presence[] = []
afterEach(async () => { for (const one of open.splice(0)) await one.stop() })

it('hears who comes and who goes, of its own vantage', async () => {
  const { presence, tell } = await standing()
  tell('put', 'agent.here.two')
  tell('put', 'agent.elsewhere.three')
  expect(presence.members()).toEqual(['one', 'two'])
  tell('put', 'agent.here.two', { listener: { domain: 'probe.example', places: [], connections: 0, asked: 0 } })
  expect(presence.listeners()).toEqual(['two'])
  tell('removed', 'agent.here.two')
  expect(presence.members()).toEqual(['one'])
})

it('takes nobody for gone while the bus is away, nor before all could speak again', async () => {
  const { presence, tell, connect, clock } = await standing()
  tell('put', 'agent.here.two')
  tell('put', 'agent.here.three')
  connect(false)
  tell('removed', 'agent.here.two')
  tell('removed', 'agent.here.three')
  expect(presence.members()).toEqual(['one', 'three', 'two'])
  connect(true)
  tell('put', 'agent.here.three')
  clock.pass(PERIOD_MS)
  expect(presence.members()).toEqual(['one', 'three', 'two'])
  clock.pass(2 * PERIOD_MS)
  await vi.waitUntil(() => presence.members().length === 2, WAIT)
  expect(presence.members()).toEqual(['one', 'three'])
})

it('notices another that runs under its name', async () => {
  const { presence, tell } = await standing()
  tell('put', 'agent.here.one', { startedAt: '2026-01-01T00:00:00.000Z' })
  expect(presence.doubled).toBe(false)
  tell('put', 'agent.here.one', { startedAt: '2026-01-01T00:00:05.000Z' })
  expect(presence.doubled).toBe(true)
})

async function standing () {
  let elapsed = 1000
  const clock = { now: () => elapsed, elapsed: () => elapsed, pass: (ms: number) => { elapsed += ms } }
  let hear: (change: DocumentChange<AgentPresence>) => void = () => undefined
  const hearers = new Set<(connected: boolean) => void>()
  let connected = true
  const bus = {
    get connected () { return connected },
    onConnection: (each: (connected: boolean) => void) => { hearers.add(each); return () => hearers.delete(each) },
    documents: async () => ({ put: async () => 1, remove: async () => undefined, watch: async (each: typeof hear) => { hear = each; each({ on: 'ready' }); return { stop: async () => undefined } } }),
  } as unknown as Bus
  const own = { startedAt: '2026-01-01T00:00:00.000Z' } as AgentPresence
  const presence = createPresence({ bus, vantage: 'here', agent: 'one', startedAt: own.startedAt, clock, logger: NO_LOGGER, own: () => own, changed: () => undefined, periodMs: PERIOD_MS })
  open.push(presence)
  await presence.settled
  return {
    presence, clock,
    tell: (on: 'put' | 'removed', key: string, document: Partial<AgentPresence> = {}) => hear(on === 'put' ? { on, key, document: document as AgentPresence, revision: 1 } : { on, key }),
    connect: (is: boolean) => { connected = is; for (const each of hearers) each(is) },
  }
}
