import { createEmbeddedBus } from '@dialtone/bus'
import type { Bus, GatewayPresence } from '@dialtone/contracts'
import { GatewayPresenceDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER, OperatorError } from '@dialtone/kernel'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { reportPresence, type Presence } from './presence.ts'

const [FIRST, SECOND] = ['2026-11-26T10:00:00.000Z', '2026-11-26T11:00:00.000Z']
const WAIT = { timeout: 10_000, interval: 2 }
let bus: Bus
const open: Presence[] = []
beforeEach(async () => {
  bus = createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER })
  await bus.documents(GatewayPresenceDocument, { create: true })
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop()
  await bus.stop()
})

it('two processes under one name both see it, and who ends leaves the word of the other; the one that stays is alone again', async () => {
  const [errors, infos] = [[] as string[], [] as string[]]
  const first = reporting(FIRST, { ...NO_LOGGER, error: (_: unknown, says: string) => { errors.push(says) }, info: (_: unknown, says: string) => { infos.push(says) } })
  await vi.waitFor(async () => expect((await said())?.startedAt).toBe(FIRST), WAIT)
  const second = reporting(SECOND)
  await vi.waitFor(() => expect([first.doubled, second.doubled]).toEqual([true, true]), WAIT)
  await second.stop()
  await vi.waitFor(() => expect(first.doubled).toBe(false), WAIT)
  expect((await said())?.startedAt).toBe(FIRST)
  expect(errors[0]).toContain('another process speaks under the name of this gateway')
  expect(errors).toHaveLength(infos.length)
  await first.stop()
  expect(await said()).toBeUndefined()
})

it('never takes away what another says, also when that was the last word', async () => {
  const first = reporting(FIRST, NO_LOGGER, 3_600_000)
  await vi.waitFor(async () => expect((await said())?.startedAt).toBe(FIRST), WAIT)
  await (await bus.documents(GatewayPresenceDocument, { create: false })).put('edge', presenceOf(SECOND))
  await first.stop()
  expect((await said())?.startedAt).toBe(SECOND)
})

it('does not take the last word of the process before it for another process', async () => {
  await (await bus.documents(GatewayPresenceDocument, { create: false })).put('edge', presenceOf(FIRST))
  const second = reporting(SECOND, { ...NO_LOGGER, error: () => { throw new Error('said') } })
  await vi.waitFor(async () => expect((await said())?.startedAt).toBe(SECOND), WAIT)
  expect(second.doubled).toBe(false)
})

it('goes on saying how it is on a server that does not let it look', async () => {
  const documents = await bus.documents(GatewayPresenceDocument, { create: false })
  let looks = 0
  let words = 0
  const get = async () => {
    looks++
    throw new OperatorError('not-allowed', 'no')
  }
  const put: typeof documents.put = async (...given) => {
    words++
    return await documents.put(...given)
  }
  reporting(FIRST, NO_LOGGER, 2, { ...bus, connected: true, documents: (async () => ({ ...documents, get, put })) as unknown as Bus['documents'] })
  await vi.waitFor(() => expect(words).toBeGreaterThan(3), WAIT)
  expect(looks).toBe(1)
})

function reporting (startedAt: string, logger: typeof NO_LOGGER = NO_LOGGER, periodMs = 5, on = bus): Presence {
  const presence = reportPresence({ bus: on, gateway: 'edge', startedAt, own: () => presenceOf(startedAt), logger, periodMs })
  open.push(presence)
  return presence
}

async function said (): Promise<GatewayPresence | undefined> {
  return (await (await bus.documents(GatewayPresenceDocument, { create: false })).get('edge'))?.document
}

function presenceOf (startedAt: string): GatewayPresence {
  return {
    v: 1, gateway: 'edge', version: '0', startedAt, at: startedAt, state: 'running', healthy: true, findings: [], revision: 1, listeners: [], streams: { inbound: 0, outbound: 0, negotiating: 0 },
    stanzas: { accepted: 0, outcomes: { 'acknowledged': 0, 'written': 0, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 }, queued: 0, onStream: 0, retried: 0 },
    queued: { stanzas: 0, bytes: 0, oldestSeconds: 0 }, drains: [], secrets: {}, certificates: {},
  }
}
