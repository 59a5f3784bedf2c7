import type { Signal } from '@dialtone/kernel'

/** What `work` resolves to, or a rejection as soon as the signal is aborted. The work itself goes on; nobody hears of it. */
export async function untilAborted<R> (work: Promise<R>, signal: Signal | undefined): Promise<R> {
  if (signal === undefined) return work
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<undefined>()
  const abort = (): void => aborted.resolve(undefined)
  signal.addEventListener('abort', abort, { once: true })
  work.catch(() => undefined)
  try {
    return await Promise.race([work, aborted.promise.then(() => {
      signal.throwIfAborted()
      return work
    })])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
