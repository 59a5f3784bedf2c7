/** What both adapters agree on about commands: how a request is worked on, what an answer is, and how the outcome is counted. */
import type { CommandType, Unanswered } from '@dialtone/contracts'
import { OperatorError, quoted, type Logger, type Meter } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'
import type { Bodies } from './bodies.ts'
import * as metrics from './metrics.ts'

/** As it travels: a body, or one sentence and why there is no body. */
export type Answer = { bytes: Uint8Array, failed?: 'refused' | 'malformed' }

export type Handler<Q extends TSchema, A extends TSchema> = (body: Static<Q>) => Promise<Static<A>>

type Given = { bodies: Bodies, meter: Meter, logger: Logger, most: number }

/** Makes of a handler a function of bytes that never rejects. More than `most` at a time are refused. */
export function answering<Q extends TSchema, A extends TSchema> (type: CommandType<Q, A>, handler: Handler<Q, A>, { bodies, meter, logger, most }: Given) {
  const running = new Set<Promise<unknown>>()
  const ended = (outcome: string, answer: Answer): Answer => {
    meter.add(metrics.served, { verb: type.verb, outcome })
    return answer
  }
  const work = async (bytes: Uint8Array): Promise<Answer> => {
    const read = bodies.read(type.verb, type.request, bytes)
    if ('reason' in read) return ended('malformed', no('refused', `the request is not what '${type.verb}' says: ${read.says}`))
    let value: Static<A>
    try {
      value = await handler(read.value as Static<Q>)
    } catch (error) {
      if (error instanceof OperatorError) return ended('refused', no('refused', error.message))
      logger.error({ verb: type.verb, error: String(error) }, 'the handler of a command threw')
      return ended('failed', no('refused', `who should do '${type.verb}' failed at it; its log says why`))
    }
    try {
      return ended('answered', { bytes: bodies.write(type.verb, type.answer, value) })
    } catch (error) {
      logger.error({ verb: type.verb, error: String(error) }, 'the answer of a command cannot be sent')
      return ended('malformed', no('malformed', error instanceof Error ? error.message : String(error)))
    }
  }
  return {
    answer: async (bytes: Uint8Array): Promise<Answer> => {
      if (running.size >= most) return ended('busy', no('refused', `${most} commands '${type.verb}' are being worked on; try again later`))
      const task = work(bytes)
      running.add(task)
      try {
        return await task
      } finally {
        running.delete(task)
      }
    },
    /** Resolves when those that run are over. */
    idle: async (): Promise<void> => {
      await Promise.all(running)
    },
  }
}

/** What an answer that arrived means to who asked. */
export function readAnswer<A extends TSchema> (bodies: Bodies, verb: string, schema: A, { bytes, failed }: Answer): { answer: Static<A> } | Unanswered {
  if (failed !== undefined) return { failed, says: quoted(Buffer.from(bytes).toString(), 2000) }
  const read = bodies.read(verb, schema, bytes)
  return 'reason' in read ? { failed: 'malformed', says: `the answer is not what '${verb}' says: ${read.says}` } : { answer: read.value as Static<A> }
}

export function countRequest<R extends object> (meter: Meter, verb: string, ended: R): R {
  meter.add(metrics.requests, { verb, outcome: 'failed' in ended ? String(ended.failed) : 'answered' })
  return ended
}

export const UNANSWERED = {
  noResponders: (subject: string): Unanswered => ({ failed: 'no-responders', says: `nobody serves ${subject}` }),
  timeout: (subject: string, ms: number): Unanswered => ({ failed: 'timeout', says: `no answer from ${subject} within ${ms} ms` }),
  disconnected: (): Unanswered => ({ failed: 'disconnected', says: 'the bus cannot be reached' }),
}

function no (failed: 'refused' | 'malformed', says: string): Answer {
  return { failed, bytes: Buffer.from(says.slice(0, 2000)) }
}
