// Reads both rounds: `ours` judges and stores them, `plain` inserts the same JSON into a table.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createEmbeddedBus } from '@dialtone/bus'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import type { Bus } from '@dialtone/contracts'
import { startAnalysis } from '@dialtone/control/analysis'
import { NO_LOGGER, NO_METER, type Clock } from '@dialtone/kernel'
import { openStore } from '@dialtone/store'
import { setTimeout } from 'node:timers/promises'
import { NO_LEASE, configurationOf } from './fleet.ts'

export type Measured = { pid: number, megabytes: number, longestHoldMs: number, storeMB: number, rounds: { observations: number, perSecond: number, cpuSeconds: number, cpuMs: number }[] }

const CLOCK: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
const [folder = '', count = '0', who = 'ours'] = process.argv.slice(2)
const rounds: Measured['rounds'] = []
const file = join(folder, `${who}.sqlite`)
let [megabytes, longestHoldMs, before] = [0, 0, performance.now()]
const watch = setInterval(() => {
  megabytes = Math.max(megabytes, process.memoryUsage.rss() / 2 ** 20)
  longestHoldMs = Math.max(longestHoldMs, performance.now() - before - 5)
  before = performance.now()
}, 5)
for (const round of [0, 1]) {
  const bus = createEmbeddedBus({ file: join(folder, `round-${round}.sqlite`), meter: NO_METER, logger: NO_LOGGER })
  const observations = (await bus.extent('observations')).last
  const [began, used] = [performance.now(), process.cpuUsage()]
  await (who === 'ours' ? analyse(bus, observations) : insert(bus, observations))
  const { user, system } = process.cpuUsage(used)
  rounds.push({ observations, perSecond: observations / (performance.now() - began) * 1000, cpuSeconds: (user + system) / 1e6, cpuMs: (user + system) / 1000 / observations })
  await bus.stop()
}
clearInterval(watch)
const result: Measured = { pid: process.pid, megabytes, longestHoldMs, storeMB: statSync(file).size / 2 ** 20, rounds }
console.log(JSON.stringify(result))

async function analyse (bus: Bus, observations: number): Promise<void> {
  const store = openStore({ file, clock: CLOCK })
  store.setPosition('observations', 0)
  const analysis = await startAnalysis({ bus, store, configuration: configurationOf(Number(count)), lease: NO_LEASE, meter: NO_METER, logger: NO_LOGGER, clock: CLOCK, instance: 'bench' })
  while (store.position('observations') < observations) await setTimeout(5)
  const { causes } = analysis.readings.summary()
  if (Object.keys(causes).length < 10) throw new Error(`the verdicts are not what the zoo shows: ${JSON.stringify(causes)}`)
  await analysis.stop()
  store.close()
}

async function insert (bus: Bus, observations: number): Promise<void> {
  const db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS plain (n INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT)')
  const row = db.prepare('INSERT INTO plain (id, body) VALUES (?, ?)')
  let read = 0
  let done = (): void => undefined
  const all = new Promise<void>(resolve => { done = resolve })
  const subscription = await bus.consume(ObservationEvent, { afterSeq: 0 }, async batch => {
    db.exec('BEGIN')
    for (const { id, body } of batch) row.run(id, JSON.stringify(body))
    db.exec('COMMIT')
    read += batch.length
    if (read >= observations) done()
  })
  await all
  await subscription.stop()
  db.close()
}
