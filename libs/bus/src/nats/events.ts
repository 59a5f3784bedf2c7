/** Events on NATS: core messages for what is fire and forget, JetStream for what is durable. */
import type { Bus, EventType } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Meter } from '@dialtone/kernel'
import { headers, type Msg } from 'nats'
import { MOST_BATCH, deliveryOf } from '../batches.ts'
import type { Bodies } from '../bodies.ts'
import { NOUNS, type Limits } from '../limits.ts'
import { createMailbox } from '../mailbox.ts'
import * as metrics from '../metrics.ts'
import { eventSubject, provedId } from '../subjects.ts'
import { writtenBy } from '../written.ts'
import { toldAs } from './failures.ts'
import { headOf } from './heads.ts'
import { streamNames, type JetStream } from './jetstream.ts'
import type { Link } from './link.ts'
import { readStream } from './read-stream.ts'
import { untilAborted } from './until-aborted.ts'

const ID = 'Nats-Msg-Id'

export type Given = { link: Link, jetstream: JetStream, bodies: Bodies, limits: Limits, clock: Clock, meter: Meter, logger: Logger }
export type Events = Pick<Bus, 'publish' | 'subscribe' | 'consume' | 'extent'> & { stop: () => Promise<void> }

export function createEvents ({ link, jetstream, bodies, limits, clock, meter, logger }: Given): Events {
  const readers = new Set<() => Promise<void>>()
  const storing = new Set<Promise<void>>()
  let stopped = false
  const storeOne = async ({ noun, stream }: EventType, subject: string, bytes: Uint8Array, id: string): Promise<void> => {
    if (stream === undefined) return
    const began = clock.elapsed()
    try {
      await jetstream.stream(stream)
      const { duplicate } = await jetstream.store(streamNames[stream], subject, bytes, { [ID]: id })
      meter.add(metrics.published, { noun, outcome: duplicate ? 'duplicate' : 'stored' })
      meter.observe(metrics.publishSeconds, { noun }, (clock.elapsed() - began) / 1000)
    } catch (error) {
      const told = toldAs(error, subject)
      meter.add(metrics.published, { noun, outcome: told instanceof OperatorError && told.code !== 'bus-unreachable' ? 'refused' : 'failed' })
      throw told
    }
  }
  return {
    publish: async (type, key, body, { id, signal }) => {
      signal?.throwIfAborted()
      if (stopped) throw new OperatorError('bus-unreachable', 'the bus was stopped')
      const subject = eventSubject(type.noun, key)
      provedId(id)
      const bytes = writtenBy(bodies, meter, type, body)
      if (type.stream !== undefined) {
        if (NOUNS[type.stream] !== type.noun) throw new Error(`'${type.noun}' is not what the stream ${type.stream} keeps`)
        const task = storeOne(type, subject, bytes, id)
        storing.add(task)
        void task.catch(() => undefined).finally(() => storing.delete(task))
        return untilAborted(task, signal)
      }
      const header = headers()
      header.set(ID, id)
      try {
        link.publish(subject, bytes, header)
      } catch (error) {
        meter.add(metrics.published, { noun: type.noun, outcome: 'failed' })
        throw toldAs(error, subject)
      }
      meter.add(metrics.published, { noun: type.noun, outcome: 'sent' })
    },
    subscribe: async (type, key, handler) => {
      const mailbox = createMailbox<{ message: Msg, at: number }>({
        of: type.noun, most: limits.mailbox, meter, logger,
        onDrop: () => meter.add(metrics.dropped, { noun: type.noun }),
        handle: ({ message, at }) => {
          const { delivery } = deliveryOf(type, { seq: 0, id: headOf(message).last(ID), at, subject: message.subject, body: message.data }, bodies, logger)
          if (delivery === undefined) return
          meter.add(metrics.delivered, { noun: type.noun })
          handler(delivery)
        },
      })
      const put = (message: Msg): void => mailbox.put({ message, at: clock.now() })
      // What is below the key, and the key itself.
      const subject = eventSubject(type.noun, key)
      const subscriptions = await Promise.all([link.subscribe(`${subject}.>`, put), link.subscribe(subject, put)])
      return {
        stop: async () => {
          mailbox.close()
          await Promise.all(subscriptions.map(each => each.stop()))
        },
      }
    },
    consume: async (type, from, handler, options = {}) => {
      const { stream } = type
      if (stream === undefined) throw new Error(`'${type.noun}' is not durable`)
      const { stop, place } = await readStream({ link, jetstream, type, stream, from, handler, most: options.most ?? MOST_BATCH, bodies, limits, meter, logger })
      readers.add(stop)
      return {
        stop: async () => {
          readers.delete(stop)
          await stop()
        },
        place,
      }
    },
    extent: async stream => {
      try {
        await jetstream.stream(stream)
        const { created: made, state } = await jetstream.info(streamNames[stream])
        return state.messages === 0 ? { first: 0, last: 0, made } : { first: state.first_seq, last: state.last_seq, made }
      } catch (error) {
        throw toldAs(error, streamNames[stream])
      }
    },
    stop: async () => {
      stopped = true
      await Promise.allSettled(storing)
      await Promise.all([...readers].map(stop => stop()))
    },
  }
}
