import type { Bus } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER, type Clock, type Logger } from '@dialtone/kernel'
import { createEmbeddedBus } from '@dialtone/bus'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from './analysis/test-support/rig.ts'
import { startLease } from './lease.ts'

const SECONDS = 1.5
const clock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
const closers: (() => Promise<void>)[] = []
let bus: Bus
beforeEach(() => { bus = createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER }) })
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await bus.stop()
})

it('one of two holds it, and gives it back when it stops', async () => {
  const [a, b] = [await lease('a', bus), await lease('b', bus)]
  await eventually(() => expect([a.held, b.held].filter(Boolean)).toHaveLength(1))
  const [holder, other] = a.held ? [a, b] : [b, a]
  const { token } = holder
  await holder.stop()
  await eventually(() => expect(other.held).toBe(true))
  expect(other.token).toBeGreaterThan(token)
  expect([holder.held, holder.token]).toEqual([false, 0])
})

it('who cannot write loses it by itself, before the other can take it; the token of the next is greater', async () => {
  const gate = { open: true }
  const a = await lease('a', gated(gate))
  await eventually(() => expect(a.held).toBe(true))
  const b = await lease('b', bus)
  const [{ token }, both] = [a, [] as boolean[]]
  b.onChange(() => both.push(a.held && b.held))
  gate.open = false
  await eventually(() => expect(a.held).toBe(false))
  await eventually(() => expect(b.held).toBe(true))
  expect(b.token).toBeGreaterThan(token)
  expect(both).toEqual([false])
  gate.open = true
  const held: boolean[] = []
  a.onChange(is => held.push(is))
  await b.stop()
  await eventually(() => expect(a.held).toBe(true))
  expect(held).toEqual([true])
})

it('is given up without an alarm, and lost with one', async () => {
  const said: string[] = []
  const logger: Logger = { ...NO_LOGGER, info: (_, says) => { said.push(`info ${says}`) }, warn: (_, says) => { said.push(`warn ${says}`) } }
  const gate = { open: true }
  const started = await startLease({ bus: gated(gate), instance: 'a', clock, logger, seconds: SECONDS })
  closers.push(started.stop)
  await eventually(() => expect(started.held).toBe(true))
  gate.open = false
  await eventually(() => expect(said).toContainEqual(expect.stringMatching(/^warn the lease is lost/)))
  gate.open = true
  await eventually(() => expect(started.held).toBe(true))
  said.length = 0
  await started.stop()
  expect(said).toEqual(['info the lease is given up'])
})

it('who is not fit gives it up at once, and takes it again when it is', async () => {
  let because: string | undefined
  const a = await startLease({ bus, instance: 'a', clock, logger: NO_LOGGER, seconds: SECONDS, unfit: () => because })
  closers.push(a.stop)
  await eventually(() => expect(a.held).toBe(true))
  const b = await lease('b', bus)
  because = 'nothing is judged'
  await eventually(() => expect([a.held, b.held]).toEqual([false, true]))
  await b.stop()
  await new Promise(resolve => { setTimeout(resolve, SECONDS * 1000) })
  expect(a.held).toBe(false)
  because = undefined
  await eventually(() => expect(a.held).toBe(true))
})

it('whom nothing woke for longer than it lives holds nothing, before his timer says so', async () => {
  let slept = 0
  const sleeper: Clock = { ...clock, elapsed: () => clock.elapsed() + slept }
  const a = await startLease({ bus, instance: 'a', clock: sleeper, logger: NO_LOGGER, seconds: SECONDS })
  closers.push(a.stop)
  await eventually(() => expect(a.held).toBe(true))
  const told: boolean[] = []
  a.onChange(held => told.push(held))
  slept = SECONDS * 1000
  expect([a.held, a.token, told]).toEqual([false, 0, []])
  await eventually(() => expect(told[0]).toBe(false))
})

async function lease (instance: string, on: Bus) {
  const started = await startLease({ bus: on, instance, clock, logger: NO_LOGGER, seconds: SECONDS })
  closers.push(started.stop)
  return started
}

/** A bus whose documents cannot be written while the gate is shut. */
function gated (gate: { open: boolean }): Bus {
  return {
    ...bus, connected: true,
    documents: async (type, options) => {
      const documents = await bus.documents(type, options)
      return { ...documents, put: async (key, document, how) => gate.open ? documents.put(key, document, how) : Promise.reject(new Error('unreachable')) }
    },
  }
}
