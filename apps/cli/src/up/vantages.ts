/**
 * The vantages that are configured, each with its agent in this process: started when it is configured, stopped when it is not any more. The configuration is
 * read from the bus, as control keeps it there.
 */
import type { Bus, Configuration, Resource } from '@dialtone/contracts'
import { CONFIGURATION_KEY, ConfigurationDocument } from '@dialtone/contracts/schemas'
import type { Logger, Stoppable } from '@dialtone/kernel'

export type ConfiguredNow = {
  resources: () => readonly Resource[]
  /** Resolves when it is known at that revision, at once for `undefined`; rejects when `signal` is aborted. */
  reached: (revision: number | undefined, signal: AbortSignal) => Promise<void>
  stop: () => Promise<void>
}

/** Calls back once it is read, and after each change. */
export async function watchConfiguration (bus: Bus, changed: () => void): Promise<ConfiguredNow> {
  let resources: readonly Resource[] = []
  let known = 0
  const waiting = new Set<() => void>()
  const documents = await bus.documents(ConfigurationDocument, { create: true })
  const read = Promise.withResolvers<void>()
  const watching = await documents.watch(told => {
    if (told.on === 'ready') read.resolve()
    else if (told.key === CONFIGURATION_KEY) {
      resources = told.on === 'put' ? (told.document as Configuration).resources : []
      if (told.on === 'put') known = told.revision
      for (const look of waiting) look()
      changed()
    }
  })
  await read.promise
  const reached: ConfiguredNow['reached'] = async (revision = 0, signal) => {
    signal.throwIfAborted()
    if (known >= revision) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = () => { if (known >= revision) resolve() }
    const give = () => reject(signal.reason as Error)
    waiting.add(look)
    signal.addEventListener('abort', give, { once: true })
    try {
      await promise
    } finally {
      waiting.delete(look)
      signal.removeEventListener('abort', give)
    }
  }
  return { resources: () => resources, reached, stop: watching.stop }
}

/** `start`: an agent of one vantage. One that does not start is told and tried again with the next change. */
export function agentsOf (start: (vantage: string) => Promise<Stoppable>, logger: Logger, complain: (sentence: string) => void) {
  const running = new Map<string, Stoppable>()
  let turn: Promise<void> = Promise.resolve()
  const settle = async (wanted: readonly string[]) => {
    for (const [vantage, agent] of running) {
      if (wanted.includes(vantage)) continue
      running.delete(vantage)
      await agent.stop()
    }
    for (const vantage of wanted) {
      if (running.has(vantage)) continue
      try {
        running.set(vantage, await start(vantage))
      } catch (error) {
        logger.error({ vantage, error }, 'an agent did not start')
        complain(`the agent of vantage ${vantage} does not start: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  return {
    /** Resolves when exactly these run, as far as they can. */
    want: (vantages: readonly string[]): Promise<void> => turn = turn.then(() => settle(vantages)),
    stop: (): Promise<void> => turn = turn.then(() => settle([])),
    running: (): string[] => [...running.keys()],
  }
}
