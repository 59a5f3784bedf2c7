/**
 * What is configured, each with its part in this process: started when it is configured, stopped when it is not any more. The configuration is read from the
 * bus, as control keeps it there.
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

/** One part in this process for each name that is wanted: the agent of a vantage, a gateway. `what` is what people call it. One that does not start is told and tried again with the next change. */
export function partsOf (what: string, start: (name: string) => Promise<Stoppable & { readonly problem?: string | undefined }>, logger: Logger, complain: (sentence: string) => void) {
  const running = new Map<string, Stoppable & { readonly problem?: string | undefined }>()
  let turn: Promise<void> = Promise.resolve()
  const settle = async (wanted: readonly string[]) => {
    for (const [name, part] of running) {
      if (wanted.includes(name)) continue
      running.delete(name)
      await part.stop()
    }
    for (const name of wanted) {
      if (running.has(name)) continue
      try {
        running.set(name, await start(name))
      } catch (error) {
        logger.error({ name, error }, `${what} did not start`)
        complain(`${what} ${name} does not start: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  return {
    /** Resolves when exactly these run, as far as they can. */
    want: (names: readonly string[]): Promise<void> => turn = turn.then(() => settle(names)),
    stop: (): Promise<void> => turn = turn.then(() => settle([])),
    running: (): string[] => [...running.keys()],
    /** What is wrong with those that run, now. */
    problems: (): string[] => [...running].flatMap(([name, { problem }]) => problem === undefined ? [] : [`${what} ${name}: ${problem}`]),
  }
}
