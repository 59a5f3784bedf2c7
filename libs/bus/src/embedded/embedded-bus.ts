/** The bus of one process: a SQLite file and in-process delivery. Everything that the fleet's bus promises, and nothing to install. */
import type { Bus } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Meter } from '@dialtone/kernel'
import { createBodies } from '../bodies.ts'
import { limitsWith, type LimitChanges } from '../limits.ts'
import { connected } from '../metrics.ts'
import { createCommands } from './commands.ts'
import { openDatabase } from './database.ts'
import { createBuckets } from './documents.ts'
import { createEvents } from './events.ts'

export type EmbeddedBusOptions = {
  /** Of SQLite, made when it is missing; ':memory:' forgets everything at `stop`. */
  file: string
  meter: Meter
  logger: Logger
  /** Default the system's. Times to live and ages go by it. */
  clock?: Clock
  limits?: LimitChanges
}

/** Throws an OperatorError `bus-file` when the file cannot be used or another process has it. Connected until `stop`. */
export function createEmbeddedBus ({ file, meter, logger, clock = SYSTEM, limits: changes }: EmbeddedBusOptions): Bus {
  const limits = limitsWith(changes)
  const bodies = createBodies(meter, limits)
  const database = openDatabase(file)
  const events = createEvents({ database, bodies, limits, clock, meter, logger })
  const commands = createCommands({ bodies, limits, meter, logger })
  const buckets = createBuckets({ database, bodies, limits, clock, meter, logger })
  const hearers = new Set<(connected: boolean) => void>()
  let up = true
  let stopping: Promise<void> | undefined
  meter.set(connected, {}, 1)

  const stop = async (): Promise<void> => {
    up = false
    await commands.stop()
    await events.stop()
    buckets.stop()
    database.sql.close()
    meter.set(connected, {}, 0)
    for (const hear of hearers) hear(false)
  }
  return {
    publish: events.publish,
    subscribe: events.subscribe,
    consume: events.consume,
    extent: events.extent,
    request: commands.request,
    serve: commands.serve,
    documents: async type => {
      if (!up) throw new OperatorError('bus-unreachable', 'the bus was stopped')
      const documents = buckets.open(type)
      const open = async <R>(work: () => Promise<R>): Promise<R> => {
        if (!up) throw new OperatorError('bus-unreachable', 'the bus was stopped')
        return work()
      }
      return {
        get: key => open(() => documents.get(key)),
        list: () => open(() => documents.list()),
        put: (key, document, options) => open(() => documents.put(key, document, options)),
        remove: (key, options) => open(() => documents.remove(key, options)),
        watch: hear => open(() => documents.watch(hear)),
      }
    },
    get connected () {
      return up
    },
    onConnection: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    stop: () => stopping ??= stop(),
  }
}

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
