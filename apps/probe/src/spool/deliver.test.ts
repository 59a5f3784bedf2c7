import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER, OperatorError, type Stoppable } from '@dialtone/kernel'
import { startDelivery } from './deliver.ts'
import { openSpool, type Spool } from './spool.ts'

const WAIT = { timeout: 10_000, interval: 5 }
let directory: string
let open: Stoppable[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'deliver-'))
  open = []
})
afterEach(async () => {
  for (const one of open.toReversed()) await one.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('delivers in order, under a key that is the vantage and the reversed domain', async () => {
  const bus = fakeBus()
  const spool = spoolOf()
  put(spool, 0, 200)
  deliver(spool, bus)
  await vi.waitUntil(() => spool.counts().waiting === 0, WAIT)
  expect(bus.got.map(({ id }) => id)).toEqual(ids(0, 200))
  expect(bus.got[0]?.key).toEqual(['here', 'example', 'partner'])
})

it('keeps what it cannot hand over, and goes on with the oldest when the bus is back', async () => {
  const bus = fakeBus()
  const spool = spoolOf()
  bus.say(false)
  deliver(spool, bus)
  put(spool, 0, 50)
  bus.say(true)
  await vi.waitUntil(() => bus.got.length === 50, WAIT)
  bus.fail = () => new OperatorError('bus-unreachable', 'away')
  put(spool, 50, 90)
  await vi.waitUntil(() => bus.refused > 3, WAIT)
  delete bus.fail
  await vi.waitUntil(() => spool.counts().waiting === 0, WAIT)
  expect(bus.got.map(({ id }) => id)).toEqual(ids(0, 90))
})

it('repeats with the same id what the bus took and did not say so, after a crash too', async () => {
  const bus = fakeBus()
  const before = spoolOf()
  put(before, 0, 10)
  // Stored, and the connection lost before the answer.
  bus.fail = () => new OperatorError('bus-unreachable', 'lost')
  bus.storesAllTheSame = true
  const dying = deliver(before, bus)
  await vi.waitUntil(() => bus.got.length >= 10, WAIT)
  await dying.stop()
  await before.stop()

  delete bus.fail
  const after = spoolOf()
  expect(after.counts().waiting).toBe(10)
  deliver(after, bus)
  await vi.waitUntil(() => after.counts().waiting === 0, WAIT)
  expect(new Set(bus.got.map(({ id }) => id))).toEqual(new Set(ids(0, 10)))
})

it('does not let what can never be delivered stand before the rest', async () => {
  const bus = fakeBus()
  const spool = spoolOf()
  spool.put(Buffer.from('{"no json'))
  put(spool, 0, 3)
  bus.fail = id => id === 'observation-1' ? new OperatorError('too-large', 'too large') : undefined
  deliver(spool, bus)
  await vi.waitUntil(() => spool.counts().waiting === 0, WAIT)
  expect(bus.got.map(({ id }) => id)).toEqual(['observation-0', 'observation-2'])
})

function spoolOf (): Spool {
  const spool = openSpool({ directory, mostBytes: 1e7, mostCount: 1000 })
  open.push(spool)
  return spool
}

function deliver (spool: Spool, bus: ReturnType<typeof fakeBus>) {
  const delivery = startDelivery({ spool, bus, meter: NO_METER, logger: NO_LOGGER, labels: { vantage: 'here', agent: 'one' }, pauseMs: 5 })
  bus.woken = delivery.wake
  open.push(delivery)
  return delivery
}

function put (spool: Spool, from: number, to: number): void {
  for (const id of ids(from, to)) spool.put(Buffer.from(JSON.stringify({ id, vantage: 'here', observation: { domain: 'partner.example' } })))
  wakers.at(-1)?.woken?.()
}

function ids (from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => `observation-${from + at}`)
}

const wakers: ReturnType<typeof fakeBus>[] = []
type FakeBus = Pick<Bus, 'publish' | 'connected' | 'onConnection'> & { got: { id: string, key: readonly string[] }[], refused: number, fail?: (id: string) => Error | undefined, storesAllTheSame?: boolean, woken?: () => void, say: (connected: boolean) => void }

function fakeBus (): FakeBus {
  const hearers = new Set<(connected: boolean) => void>()
  let connected = true
  const bus: FakeBus = {
    got: [], refused: 0,
    get connected () { return connected },
    onConnection: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    say: is => {
      connected = is
      for (const hear of hearers) hear(is)
    },
    publish: async (_, key, __, { id }) => {
      const error = bus.fail?.(id)
      if (error === undefined || bus.storesAllTheSame === true) bus.got.push({ id, key })
      if (error === undefined) return
      bus.refused++
      throw error
    },
  }
  wakers.push(bus)
  return bus
}
