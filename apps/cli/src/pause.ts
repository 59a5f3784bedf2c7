import { setTimeout as timer } from 'node:timers/promises'

/** Waits for so many milliseconds. Rejects with the reason of `signal` when it aborts. */
export async function pause (ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}
