// Who is to hear of a verdict, said once more and in other words than the rules, so that they cannot be wrong about it by themselves.
import type { Cause, Side, State } from '@dialtone/contracts'
import { CAUSE_ALERTS, QUIET_CAUSES, type CauseAlert, type Severity } from '../alerting/index.ts'

export function whoHears ({ cause, side, state, quiet }: { cause: Cause, side: Side, state: State, quiet?: boolean }): Severity | undefined {
  if (quiet === true || state === 'up' || (QUIET_CAUSES as readonly Cause[]).includes(cause)) return undefined
  const our = side === 'ours' || side === 'path'
  if (state === 'unknown' || (state === 'degraded' && !our)) return 'notice'
  // What nobody knows is no fault of anybody.
  if (cause === 'unknown' || cause === 'vantage.unhealthy') return undefined
  if (state === 'degraded' || !our) return 'ticket'
  // The firewall of the peer, perhaps.
  if (cause === 'path.peer-blocked') return 'ticket'
  return WEAK.test(cause) ? undefined : 'page'
}

/** What only weakens is never down. */
const WEAK = /^(degraded\.|dns\.split-view|peer\.(partition|busy))/

export function alertOf (cause: Cause): CauseAlert | undefined {
  return (Object.keys(CAUSE_ALERTS) as CauseAlert[]).find(name => (CAUSE_ALERTS[name] as readonly Cause[]).includes(cause))
}
