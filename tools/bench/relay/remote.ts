// A helper of a bench in a process of its own: asked over the channel that Node gives a child, one answer to each question.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { NetworkHost } from '@dialtone/testkit'

/** How long a helper may take to end. */
const PATIENCE_MS = 5000

type Question = { id: number, name: string, argument: unknown }
type Answer = { id: number, value?: unknown, failed?: string }

/** What a helper can do, by name. */
export type Errands = { [name: string]: (argument: never) => unknown }
type Argument<E> = E extends (argument: infer A) => unknown ? A : never
type Value<E> = E extends (...argument: never) => infer V ? Awaited<V> : never

export type Helper<H extends Errands> = {
  pid: number
  /** Throws what the helper threw, or that it ended. */
  ask: <N extends keyof H & string>(name: N, argument: Argument<H[N]>) => Promise<Value<H[N]>>
  stop: () => Promise<void>
}

/** In the helper: answers until whoever asks is gone, then ends. */
export function answerAll (errands: Errands): void {
  process.on('message', ({ id, name, argument }: Question) => {
    const tell = (answer: Answer): void => { process.send?.(answer) }
    void Promise.resolve().then(() => errands[name]?.(argument as never)).then(
      value => tell({ id, value }),
      (error: unknown) => tell({ id, failed: error instanceof Error ? error.stack ?? error.message : String(error) }),
    )
  })
  process.once('disconnect', () => process.exit())
}

/** Starts a helper on a host of the network. */
export function startHelper<H extends Errands> (host: NetworkHost, file: string, nodeOptions: readonly string[] = []): Helper<H> {
  const child: ChildProcess = host.spawn(process.execPath, [...nodeOptions, file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, { resolve: (value: never) => void, reject: (error: Error) => void }>()
  let last = 0
  child.on('message', ({ id, value, failed }: Answer) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (failed === undefined) one?.resolve(value as never)
    else one?.reject(new Error(failed))
  })
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with ${signal ?? code}`))
    waiting.clear()
  })
  return {
    pid: child.pid ?? 0,
    ask: (name, argument) => new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      child.send({ id, name, argument } satisfies Question, error => {
        if (error !== null) reject(error)
      })
    }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      // So that a profile is written where one was asked for.
      child.disconnect()
      const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      await ended
      clearTimeout(late)
    },
  }
}
