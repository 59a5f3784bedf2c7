/** The bus of a fleet: NATS with JetStream. Built for a server that comes and goes; nothing here waits for it but what needs it. */
import type { Bus } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Meter } from '@dialtone/kernel'
import { createBodies } from '../bodies.ts'
import { limitsWith, type LimitChanges } from '../limits.ts'
import { createCommands } from './commands.ts'
import { createDocuments } from './documents.ts'
import { createEvents } from './events.ts'
import { createJetStream } from './jetstream.ts'
import { createLink, type LinkOptions } from './link.ts'

export type NatsBusOptions = LinkOptions & {
  meter: Meter
  logger: Logger
  /** Whether the durable streams are made where they are missing, and brought to the limits. For control; a user that may not is better off without. Default true. */
  createStreams?: boolean
  /** Of streams and buckets; 3 in a cluster of three. What is there is brought to it. Without: what is there keeps what it has, what is missing is made with one. */
  replicas?: number
  limits?: LimitChanges
  /** How long this waits for the first connection. Default 3000. */
  firstMs?: number
}

/**
 * Resolves when the bus is reached, or after `firstMs` without: it goes on trying for ever. While it is away, `publish`, `put`, `get` and their like reject with
 * `bus-unreachable` at once, requests end as `disconnected`, and what was subscribed, served, consumed and watched waits and goes on.
 * Throws `bus-credentials` when the seed cannot be read, or an address has a user in it.
 */
export async function connectNats ({ meter, logger, createStreams = true, replicas, limits: changes, firstMs = 3000, ...options }: NatsBusOptions): Promise<Bus> {
  const limits = limitsWith(changes)
  const bodies = createBodies(meter, limits)
  const link = createLink(options, meter, logger)
  const jetstream = createJetStream(link, { limits, replicas, createStreams, logger })
  const events = createEvents({ link, jetstream, bodies, limits, clock: SYSTEM, meter, logger })
  const commands = createCommands({ link, bodies, limits, meter, logger })
  const documents = createDocuments({ link, jetstream, bodies, limits, meter, logger })
  let stopping: Promise<void> | undefined

  await link.reached(firstMs)
  return {
    publish: events.publish,
    subscribe: events.subscribe,
    consume: events.consume,
    extent: events.extent,
    request: commands.request,
    serve: commands.serve,
    documents: async (type, choice) => {
      if (stopping !== undefined) throw new OperatorError('bus-unreachable', 'the bus was stopped')
      return documents.open(type, choice)
    },
    get connected () {
      return link.connected
    },
    onConnection: link.onChange,
    stop: () => stopping ??= (async () => {
      await Promise.all([commands.stop(), events.stop(), documents.stop()])
      await link.stop()
    })(),
  }
}

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
