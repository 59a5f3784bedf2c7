import type { Bus } from '@dialtone/contracts'
import { vi } from 'vitest'
import type { LimitChanges } from '../limits.ts'
import type { createCounts } from './counts.ts'

/** One bus with nothing on it, and those who are on it. */
export type Rig = {
  /** One more that is on it; the embedded bus is the same for all. All of them count to `counts`. */
  join: () => Promise<Bus>
  counts: ReturnType<typeof createCounts>
  close: () => Promise<void>
}

export type StartRig = (limits?: LimitChanges) => Promise<Rig>

/** Runs `test` with two that are on a bus of their own. */
export async function withRig (start: StartRig, test: (here: { a: Bus, b: Bus, counts: Rig['counts'], join: Rig['join'] }) => Promise<void>, limits?: LimitChanges): Promise<void> {
  const rig = await start(limits)
  try {
    await test({ a: await rig.join(), b: await rig.join(), counts: rig.counts, join: rig.join })
  } finally {
    await rig.close()
  }
}

/** Waits until it holds, and returns what it returned; the error of the last attempt if it never does. */
export function eventually<T> (check: () => T | Promise<T>, timeout = 10_000): Promise<T> {
  return vi.waitFor(check, { timeout, interval: 10 })
}
