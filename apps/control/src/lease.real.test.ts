import { setTimeout as pause } from 'node:timers/promises'
import { connectNats } from '@dialtone/bus'
import { NO_LOGGER, NO_METER, type Clock, type Logger } from '@dialtone/kernel'
import { startNatsServer } from '@dialtone/testkit'
import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { eventually } from './analysis/test-support/rig.ts'
import { startLease } from './lease.ts'

/** Its third is longer than the five seconds after which nats-server 2.9 puts its index of a subject away, and then loses it (`libs/bus`, nats/documents.ts). */
const SECONDS = 15.6
const LONGER = SECONDS * 1000 + 1000
const clock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

it('the bus was away for longer than it lives, then control was: it is kept, and nobody else can take it', async () => {
  const nats = await startNatsServer()
  const said: string[] = []
  const logger: Logger = { ...NO_LOGGER, warn: (details, says) => { said.push(`${says}: ${JSON.stringify(details)}`) } }
  const join = (name: string) => connectNats({ servers: nats.url, name, createStreams: false, meter: NO_METER, logger: NO_LOGGER })
  const control = async (instance: string) => {
    const bus = await join(instance)
    const lease = await startLease({ bus, instance, clock, logger, seconds: SECONDS })
    return {
      lease,
      stop: async () => {
        await lease.stop()
        await bus.stop()
      },
    }
  }
  /** A control that wrote once, was looked at, and ended without giving it up. */
  const earlier = async () => {
    const bus = await join('earlier')
    const documents = await bus.documents({ bucket: 'lease', schema: Type.Unknown(), ttlSeconds: SECONDS }, { create: true })
    await documents.put('control', { v: 1, holder: 'earlier', since: new Date().toISOString() })
    await documents.get('control')
    await documents.list()
    await pause(SECONDS * 1000 / 3)
    await bus.stop()
  }
  try {
    await earlier()
    await nats.end()
    await pause(LONGER)
    await nats.start()
    await earlier()
    await pause(LONGER)

    const one = await control('one')
    await eventually(() => expect(one.lease.held).toBe(true))
    await pause(1.6 * LONGER)
    const other = await control('other')
    const held: boolean[] = []
    other.lease.onChange(is => held.push(is))
    await pause(3000)
    expect([one.lease.held, held, said]).toEqual([true, [], []])
    await one.stop()
    await eventually(() => expect(other.lease.held).toBe(true))
    await other.stop()
  } finally {
    await nats.stop()
  }
}, 200_000)
