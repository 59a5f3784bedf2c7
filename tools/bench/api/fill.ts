// Publishes what every vantage sees of every peer, once, into a bus that is a file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import { domainTokens } from '@dialtone/contracts'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { VANTAGES, observationOf, peerName } from '../ingest/fleet.ts'

const [folder = '', count = '0'] = process.argv.slice(2)
const peers = Number(count)
const templates = JSON.parse(readFileSync(join(folder, 'templates.json'), 'utf8')) as string[]
const startedAt = new Date().toISOString()
const bus = createEmbeddedBus({ file: join(folder, 'bus.sqlite'), meter: NO_METER, logger: NO_LOGGER })
for (const vantage of VANTAGES) {
  for (let at = 0; at < peers; at += 100) {
    await Promise.all(Array.from({ length: Math.min(100, peers - at) }, (_, more) => {
      const record = observationOf(templates[(at + more) % templates.length] ?? '', peerName(at + more), vantage, startedAt, `0-${vantage}-${at + more}`)
      return bus.publish(ObservationEvent, [vantage, ...domainTokens(record.observation.domain)], record, { id: record.id })
    }))
  }
}
await bus.stop()
process.disconnect?.()
