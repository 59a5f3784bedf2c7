// Reads both rounds: `ours` judges and stores them, `plain` inserts the same JSON into a table.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createEmbeddedBus } from '@dialtone/bus'
import { ObservationEvent } from '@dialtone/contracts/schemas'
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
const bus = createEmbeddedBus({ file: join(folder, 'bus.sqlite'), meter: NO_METER, logger: NO_LOGGER })
const observations = (await bus.extent('observations')).last
let [began, used, from] = [performance.now(), process.cpuUsage(), 0]
await (who === 'ours' ? analyse() : insert())
await bus.stop()
clearInterval(watch)
const result: Measured = { pid: process.pid, megabytes, longestHoldMs, storeMB: statSync(file).size / 2 ** 20, rounds }
console.log(JSON.stringify(result))

/** Called whenever more was taken: ends a round with the first of the next, which is read when all that follows from the one before is done, and at the end. */
function taken (upTo: number): void {
  if (upTo < (rounds.length === 0 ? observations / 2 + 1 : observations) || rounds.length === 2) return
  const { user, system } = process.cpuUsage(used)
  const many = upTo - from
  rounds.push({ observations: many, perSecond: many / (performance.now() - began) * 1000, cpuSeconds: (user + system) / 1e6, cpuMs: (user + system) / 1000 / many });
  [began, used, from] = [performance.now(), process.cpuUsage(), upTo]
}

async function analyse (): Promise<void> {
  const store = openStore({ file, clock: CLOCK })
  const analysis = await startAnalysis({ bus, store, configuration: configurationOf(Number(count)), lease: NO_LEASE, meter: NO_METER, logger: NO_LOGGER, clock: CLOCK, instance: 'bench' })
  while (rounds.length < 2) {
    await setTimeout(5)
    taken(store.position('observations'))
  }
  const { causes } = analysis.readings.summary()
  if (Object.keys(causes).length < 10) throw new Error(`the verdicts are not what the zoo shows: ${JSON.stringify(causes)}`)
  await analysis.stop()
  store.close()
}

async function insert (): Promise<void> {
  const db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE plain (n INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT)')
  const row = db.prepare('INSERT INTO plain (id, body) VALUES (?, ?)')
  let read = 0
  let done = (): void => undefined
  const all = new Promise<void>(resolve => { done = resolve })
  const subscription = await bus.consume(ObservationEvent, { afterSeq: 0 }, async batch => {
    db.exec('BEGIN')
    for (const { id, body } of batch) row.run(id, JSON.stringify(body))
    db.exec('COMMIT')
    read += batch.length
    taken(read)
    if (read >= observations) done()
  })
  await all
  await subscription.stop()
  db.close()
}
