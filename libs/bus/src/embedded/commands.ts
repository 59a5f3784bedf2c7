/** Commands inside one process: a map from subjects to those who serve them. Bodies are written and read all the same, so that nobody shares an object. */
import type { Bus } from '@dialtone/contracts'
import type { Logger, Meter } from '@dialtone/kernel'
import type { Bodies } from '../bodies.ts'
import { UNANSWERED, answering, countRequest, readAnswer, type Answer } from '../commands.ts'
import type { Limits } from '../limits.ts'
import { commandSubject } from '../subjects.ts'

type Server = { shared: boolean, answer: (bytes: Uint8Array) => Promise<Answer>, idle: () => Promise<void> }

export type Commands = Pick<Bus, 'request' | 'serve'> & { stop: () => Promise<void> }

export function createCommands ({ bodies, limits, meter, logger }: { bodies: Bodies, limits: Limits, meter: Meter, logger: Logger }): Commands {
  const serving = new Map<string, Server[]>()
  const turns = new Map<string, number>()
  let stopped = false
  const leave = (subject: string, server: Server): void => {
    const left = (serving.get(subject) ?? []).filter(each => each !== server)
    if (left.length > 0) serving.set(subject, left)
    else {
      serving.delete(subject)
      turns.delete(subject)
    }
  }
  /** Everybody that does not take turns, and the next of those that do. */
  const asked = (subject: string): Server[] => {
    const all = serving.get(subject) ?? []
    const shared = all.filter(each => each.shared)
    const turn = turns.get(subject) ?? 0
    turns.set(subject, turn + 1)
    return [...all.filter(each => !each.shared), ...shared.slice(turn % (shared.length || 1)).slice(0, 1)]
  }

  return {
    request: async (type, to, body, { timeoutMs, signal }) => {
      signal?.throwIfAborted()
      const subject = commandSubject(type.verb, to)
      const bytes = bodies.write(type.verb, type.request, body)
      if (stopped) return countRequest(meter, type.verb, UNANSWERED.disconnected())
      const servers = serving.has(subject) ? asked(subject) : []
      if (servers.length === 0) return countRequest(meter, type.verb, UNANSWERED.noResponders(subject))
      let over = (): void => undefined
      const given = new Promise<'time' | 'aborted'>(resolve => {
        const timer = setTimeout(() => resolve('time'), timeoutMs)
        const abort = (): void => resolve('aborted')
        signal?.addEventListener('abort', abort, { once: true })
        over = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
        }
      })
      const first = await Promise.race([given, ...servers.map(server => server.answer(bytes))])
      over()
      signal?.throwIfAborted()
      return countRequest(meter, type.verb, typeof first === 'string' ? UNANSWERED.timeout(subject, timeoutMs) : readAnswer(bodies, type.verb, type.answer, first))
    },
    serve: async (type, to, handler, { shared = false } = {}) => {
      const subject = commandSubject(type.verb, to)
      const server: Server = { shared, ...answering(type, handler, { bodies, meter, logger, most: limits.served }) }
      serving.set(subject, [...serving.get(subject) ?? [], server])
      return {
        stop: async () => {
          leave(subject, server)
          await server.idle()
        },
      }
    },
    stop: async () => {
      stopped = true
      const all = [...serving.values()].flat()
      serving.clear()
      turns.clear()
      await Promise.all(all.map(server => server.idle()))
    },
  }
}
