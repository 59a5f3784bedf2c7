/** Commands as requests of NATS: "nobody listens" is told by the server, a refusal by a header. */
import type { Bus } from '@dialtone/contracts'
import type { Logger, Meter } from '@dialtone/kernel'
import { NatsError, headers, type Msg } from 'nats'
import type { Bodies } from '../bodies.ts'
import { UNANSWERED, answering, countRequest, readAnswer, type Answer } from '../commands.ts'
import type { Limits } from '../limits.ts'
import { commandSubject } from '../subjects.ts'
import { toldAs } from './failures.ts'
import { headOf } from './heads.ts'
import type { Link } from './link.ts'
import { untilAborted } from './until-aborted.ts'

const FAILED = 'Dialtone-Failed'
/** Those of one target that take turns are one queue. */
const QUEUE = 'shared'

type Given = { link: Link, bodies: Bodies, limits: Limits, meter: Meter, logger: Logger }

export type Commands = Pick<Bus, 'request' | 'serve'> & { stop: () => Promise<void> }

export function createCommands ({ link, bodies, limits, meter, logger }: Given): Commands {
  const serving = new Set<() => Promise<void>>()
  return {
    request: async (type, to, body, { timeoutMs, signal }) => {
      signal?.throwIfAborted()
      const subject = commandSubject(type.verb, to)
      const bytes = bodies.write(type.verb, type.request, body)
      if (!link.connected) return countRequest(meter, type.verb, UNANSWERED.disconnected())
      try {
        const message = await untilAborted(link.fetch(subject, bytes, timeoutMs), signal)
        if (message.data.length === 0 && headOf(message).code === 503) return countRequest(meter, type.verb, UNANSWERED.noResponders(subject))
        return countRequest(meter, type.verb, readAnswer(bodies, type.verb, type.answer, answerOf(message)))
      } catch (error) {
        if (signal?.aborted === true) throw error
        if (error instanceof NatsError && error.code === 'TIMEOUT') return countRequest(meter, type.verb, UNANSWERED.timeout(subject, timeoutMs))
        if (!link.connected) return countRequest(meter, type.verb, UNANSWERED.disconnected())
        throw toldAs(error, subject)
      }
    },
    serve: async (type, to, handler, { shared = false } = {}) => {
      const { answer, idle } = answering(type, handler, { bodies, meter, logger, most: limits.served })
      const respond = async (message: Msg): Promise<void> => {
        const { bytes, failed } = await answer(message.data)
        const header = headers()
        if (failed !== undefined) header.set(FAILED, failed)
        try {
          message.respond(bytes, failed === undefined ? {} : { headers: header })
        } catch (error) {
          logger.warn({ verb: type.verb, error: String(error) }, 'an answer could not be sent')
        }
      }
      const subscription = await link.subscribe(commandSubject(type.verb, to), message => void respond(message), shared ? { queue: QUEUE } : {})
      const stop = async (): Promise<void> => {
        serving.delete(stop)
        await subscription.stop()
        await idle()
      }
      serving.add(stop)
      return { stop }
    },
    stop: async () => {
      await Promise.all([...serving].map(stop => stop()))
    },
  }
}

function answerOf (message: Msg): Answer {
  const failed = headOf(message).last(FAILED)
  return failed === 'refused' || failed === 'malformed' ? { bytes: message.data, failed } : { bytes: message.data }
}
