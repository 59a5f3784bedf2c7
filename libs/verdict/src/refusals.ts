// When a refusal is policy: only when it is repeated after the peer's retry window. Once, it may be a limit or a pause.
import type { Fault } from './faults.ts'
import type { Proofs } from './proofs.ts'

/** Servers in use block for up to five minutes after a failure. */
const RETRY_WINDOW_MS = 300_000

/** Whether the fault is a refusal, and the observations hold another from before the window. */
export function isRepeated ({ refusal }: Fault, each: readonly Proofs[]): boolean {
  if (refusal !== true) return false
  const times = each.filter(({ faults }) => faults.some(fault => fault.refusal === true)).map(({ startedAt }) => startedAt)
  return Math.max(...times) - Math.min(...times) >= RETRY_WINDOW_MS
}

export function asPolicy (fault: Fault): Fault {
  return { ...fault, cause: 'policy.refused-by-peer' }
}
