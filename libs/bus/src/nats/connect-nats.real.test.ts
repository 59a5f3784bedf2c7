import { startNatsServer } from '@dialtone/testkit'
import { NO_LOGGER } from '@dialtone/kernel'
import type { Bus } from '@dialtone/contracts'
import { busCompliance } from '../test-support/compliance.ts'
import { createCounts } from '../test-support/counts.ts'
import { connectNats } from './connect-nats.ts'

busCompliance('nats', async limits => {
  const server = await startNatsServer()
  const counts = createCounts()
  const joined: Bus[] = []
  return {
    counts,
    join: async () => {
      const bus = await connectNats({ servers: server.url, name: 'test', meter: counts, logger: NO_LOGGER, limits: { bucketBytes: 16 * 1024 * 1024, ...limits, streams: { announcements: { maxBytes: 1e6 }, audit: { maxBytes: 1e6 }, ...limits?.streams, observations: { maxBytes: 1e8, ...limits?.streams?.observations } } } })
      joined.push(bus)
      return bus
    },
    close: async () => {
      await Promise.all(joined.map(bus => bus.stop()))
      await server.stop()
    },
  }
})
