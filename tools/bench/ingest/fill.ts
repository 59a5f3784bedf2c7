// Publishes both rounds into one bus: in the second round one in fifty shows another scenario than before.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import { domainTokens } from '@dialtone/contracts'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { VANTAGES, observationOf, peerName } from './fleet.ts'

const [folder = '', count = '0'] = process.argv.slice(2)
const peers = Number(count)
const templates = JSON.parse(readFileSync(join(folder, 'templates.json'), 'utf8')) as string[]

// Rounds are a minute apart, and the second ends now.
let startedAt = new Date(Date.now() - 60_000).toISOString()
const bus = createEmbeddedBus({ file: join(folder, 'bus.sqlite'), meter: NO_METER, logger: NO_LOGGER, clock: { now: () => Date.parse(startedAt), elapsed: () => performance.now() } })
for (const round of [0, 1]) {
  for (const vantage of VANTAGES) {
    for (let at = 0; at < peers; at += 100) {
      await Promise.all(Array.from({ length: Math.min(100, peers - at) }, (_, more) => {
        const n = at + more
        const peer = peerName(n)
        const template = templates[(n + (round === 1 && n % 50 === 0 ? 1 : 0)) % templates.length] ?? ''
        const record = observationOf(template, peer, vantage, startedAt, `${round}-${vantage}-${n}`)
        return bus.publish(ObservationEvent, [vantage, ...domainTokens(peer)], record, { id: record.id })
      }))
    }
  }
  startedAt = new Date().toISOString()
}
await bus.stop()
console.log('{}')
