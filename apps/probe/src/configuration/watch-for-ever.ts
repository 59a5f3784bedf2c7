import type { Bus, DocumentChange, DocumentType, Subscription } from '@dialtone/contracts'
import type { Logger, Stoppable } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'

const AGAIN_MS = 2000

/** Watches a bucket from when it can be reached: it may be away, or not made yet, when the agent starts. */
export function watchForEver<S extends TSchema> (bus: Bus, type: DocumentType<S>, hear: (change: DocumentChange<Static<S>>) => void, logger: Logger): Stoppable {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let said = false
  let attempt: Promise<Subscription | undefined> = Promise.resolve(undefined)
  const begin = () => {
    attempt = open().catch((error: unknown) => {
      // Once, and not every two seconds.
      if (!said) logger.warn({ bucket: type.bucket, error: error instanceof Error ? error.message : String(error) }, 'a bucket cannot be watched yet')
      said = true
      if (!stopped) timer = setTimeout(begin, AGAIN_MS)
      return undefined
    })
  }
  const open = async () => {
    const subscription = await (await bus.documents(type, { create: false })).watch(change => { if (!stopped) hear(change) })
    if (stopped) await subscription.stop()
    return subscription
  }
  begin()
  return {
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      // A bus that is away answers nobody, and is not waited for.
      const given = new Promise<undefined>(resolve => { setTimeout(() => resolve(undefined), 1000).unref() })
      await (await Promise.race([attempt, given]))?.stop()
    },
  }
}
