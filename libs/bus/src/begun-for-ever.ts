/** What needs the bus and begins when the bus takes it: it may be away when an app starts, and what is wanted of it not made yet. */
import type { Bus, DocumentChange, DocumentType } from '@dialtone/contracts'
import type { Logger, Stoppable } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'

const AGAIN_MS = 2000
/** A bus that is away answers nobody, and is not waited for when the app ends. */
const GIVEN_MS = 1000

/** Begins, and tries again for as long as that fails. `failed` hears of each failure. */
function begunForEver (begin: () => Promise<Stoppable>, failed: (error: unknown) => void): Stoppable {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let attempt: Promise<Stoppable | undefined> = Promise.resolve(undefined)
  const go = () => {
    attempt = begin().then(async begun => {
      if (!stopped) return begun
      // Whoever stops may have stopped waiting.
      await begun.stop()
      return undefined
    }).catch((error: unknown) => {
      failed(error)
      if (!stopped) timer = setTimeout(go, AGAIN_MS)
      return undefined
    })
  }
  go()
  return {
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      const given = new Promise<undefined>(resolve => { setTimeout(() => resolve(undefined), GIVEN_MS).unref() })
      await (await Promise.race([attempt, given]))?.stop()
    },
  }
}

/** Serves from when the bus takes it. */
export function servedForEver (begin: () => Promise<Stoppable>, logger: Logger): Stoppable {
  return begunForEver(begin, error => logger.debug({ error: String(error) }, 'commands cannot be served yet'))
}

/** Watches a bucket from when it can be reached. */
export function watchForEver<S extends TSchema> (bus: Bus, type: DocumentType<S>, hear: (change: DocumentChange<Static<S>>) => void, logger: Logger): Stoppable {
  let stopped = false
  let said = false
  const watching = begunForEver(async () => (await bus.documents(type, { create: false })).watch(change => { if (!stopped) hear(change) }), error => {
    // Once, and not every two seconds.
    if (!said) logger.warn({ bucket: type.bucket, error: error instanceof Error ? error.message : String(error) }, 'a bucket cannot be watched yet')
    said = true
  })
  return {
    stop: () => {
      stopped = true
      return watching.stop()
    },
  }
}
