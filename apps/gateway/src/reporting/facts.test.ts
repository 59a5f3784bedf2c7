import type { Bus, PairFacts } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER, OperatorError } from '@dialtone/kernel'
import { expect, it, vi } from 'vitest'
import { reportFacts } from './facts.ts'

it('publishes the newest of each pair when the bus is back, and of each pair once', async () => {
  const bus = scripted()
  bus.connected = false
  const reporting = reportFacts({ bus, meter: NO_METER, logger: NO_LOGGER })
  for (const [id, peer] of [['facts-001', 'a.example'], ['facts-002', 'b.example'], ['facts-003', 'a.example']] as const) reporting.put(facts(id, peer))
  expect(reporting.waiting).toBe(2)
  bus.reach()
  await vi.waitFor(() => expect(reporting.waiting).toBe(0))
  expect(bus.published).toEqual(['edge.example.b facts-002', 'edge.example.a facts-003'])
  await reporting.stop()
})

it('keeps what the bus did not take, drops what it never will, and delivers at the end', async () => {
  const bus = scripted()
  bus.fail = new OperatorError('too-large', 'too large')
  const reporting = reportFacts({ bus, meter: NO_METER, logger: NO_LOGGER })
  reporting.put(facts('facts-001', 'a.example'))
  await vi.waitFor(() => expect(reporting.waiting).toBe(0))
  bus.fail = new OperatorError('bus-unreachable', 'away')
  reporting.put(facts('facts-002', 'a.example'))
  await vi.waitFor(() => expect(bus.tried).toBe(2))
  expect(reporting.waiting).toBe(1)
  bus.fail = undefined
  await reporting.stop()
  expect(bus.published).toEqual(['edge.example.a facts-002'])
})

function scripted () {
  let hear: (connected: boolean) => void = () => undefined
  const bus = {
    connected: true, published: [] as string[], tried: 0, fail: undefined as OperatorError | undefined,
    onConnection: (told: typeof hear) => { hear = told; return () => undefined },
    publish: (async (_, key, __, { id }) => {
      bus.tried++
      if (bus.fail !== undefined) throw bus.fail
      bus.published.push(`${key.join('.')} ${id}`)
    }) satisfies Bus['publish'],
    reach: () => { bus.connected = true; hear(true) },
  }
  return bus
}

function facts (id: string, peer: string): PairFacts {
  const at = '2026-11-26T10:00:00.000Z'
  return {
    v: 1, id, gateway: 'edge', at, startedAt: at, ours: 'ours.example', peer, inbound: {}, outbound: {}, asked: { valid: 0, invalid: 0, refused: 0 }, shown: { valid: 0, invalid: 0, failed: 0 },
    stanzas: { in: 0, out: 0, outcomes: { 'acknowledged': 0, 'written': 0, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 } }, bounces: {}, policy: { action: 'allow', shadowed: 0, refused: 0 },
  }
}
