import type { Logger, Stoppable } from '@dialtone/kernel'

const AGAIN_MS = 2000

/** Serves from when the bus takes it, which may be away when the agent starts. */
export function servedForEver (begin: () => Promise<Stoppable>, logger: Logger): Stoppable {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let attempt: Promise<Stoppable | undefined> = Promise.resolve(undefined)
  const go = () => {
    attempt = begin().catch((error: unknown) => {
      logger.debug({ error: String(error) }, 'commands cannot be served yet')
      if (!stopped) timer = setTimeout(go, AGAIN_MS)
      return undefined
    })
  }
  go()
  return {
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      const given = new Promise<undefined>(resolve => { setTimeout(() => resolve(undefined), 1000).unref() })
      await (await Promise.race([attempt, given]))?.stop()
    },
  }
}
