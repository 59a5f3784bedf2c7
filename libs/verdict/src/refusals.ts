// When a refusal is policy: only when it is repeated after the peer's retry window. Once, it may be a limit or a pause.
import type { Fault } from './faults.ts'
import type { Proofs } from './proofs.ts'

/** Servers in use block for up to five minutes after a failure; where another window is configured, that one counts. */
const RETRY_WINDOW_MS = 300_000

/** The proofs with every refusal called policy of which they hold another, of the same domain, from before the window. */
export function concluded (proofs: Proofs, each: readonly Proofs[], windowMs = RETRY_WINDOW_MS): Proofs {
  const conclude = (fault: Fault): Fault => isRepeated(fault, each, windowMs) ? { ...fault, cause: 'policy.refused-by-peer' } : fault
  return { ...proofs, faults: proofs.faults.map(conclude), ...(proofs.deep === undefined ? {} : { deep: { ...proofs.deep, faults: proofs.deep.faults.map(conclude) } }) }
}

function isRepeated ({ refusal }: Fault, each: readonly Proofs[], windowMs: number): boolean {
  if (refusal === undefined) return false
  const times = each.filter(({ faults, deep }) => [...faults, ...deep?.faults ?? []].some(fault => fault.refusal === refusal)).map(({ startedAt }) => startedAt)
  return Math.max(...times) - Math.min(...times) >= windowMs
}
