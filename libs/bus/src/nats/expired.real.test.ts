/** nats-server 2.9.10 loses count of a subject in a bucket of which everything had expired when it started (documents.ts). */
import { setTimeout as pause } from 'node:timers/promises'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { startNatsServer } from '@dialtone/testkit'
import { expect, it } from 'vitest'
import { Alive, Single } from '../test-support/kinds.ts'
import { connectNats } from './connect-nats.ts'

/** The server puts its index of a subject away after five seconds, and then loses it. */
const PERIOD_MS = 5200
const ttlSeconds = 12
const PAST = 1000 * ttlSeconds + 1000

it('everything expired while the server was away, and again: a single one is written over its revision alone, and who is written in time is never told as removed', async () => {
  const server = await startNatsServer()
  const join = async () => {
    const bus = await connectNats({ servers: server.url, name: 'test', createStreams: false, meter: NO_METER, logger: NO_LOGGER })
    const [alive, single] = await Promise.all([bus.documents({ ...Alive, ttlSeconds }, { create: true }), bus.documents({ ...Single, ttlSeconds }, { create: true })])
    let revision = 0
    return {
      bus, alive, single,
      write: async (n: number): Promise<void> => {
        revision = await single.put('k', { n }, { expect: revision })
        await alive.put('k', { n })
        for (const documents of [single, alive]) {
          await documents.get('k')
          await documents.list()
        }
        await pause(PERIOD_MS)
      },
    }
  }
  try {
    const before = await join()
    await before.write(0)
    await before.bus.stop()
    await server.end()
    await pause(PAST)
    await server.start()
    const first = await join()
    await first.write(1)
    await pause(PAST)
    await first.bus.stop()

    const { bus, alive, single, write } = await join()
    for (let n = 2; n < 6; n++) await write(n)
    await expect(single.put('k', { n: 0 }, { expect: 0 })).rejects.toMatchObject({ code: 'conflict' })
    expect((await single.get('k'))?.document).toEqual({ n: 5 })
    const seen: string[] = []
    await alive.watch(change => seen.push(change.on === 'put' ? `put ${change.document.n}` : change.on))
    await pause(3000)
    expect(seen).toEqual(['put 5', 'ready'])
    await bus.stop()
  } finally {
    await server.stop()
  }
}, 120_000)
