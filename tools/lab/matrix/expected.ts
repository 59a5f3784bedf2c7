/**
 * What each fleet must say of each break, derived from the table of causes (docs/checks/causes.md) and from what the real servers do, before anybody looked at what Dialtone
 * says. `shared` holds the dialback secret of our server; `bare` proves only what a stranger can, and must not accuse where it cannot. Alerts follow from cause, state and
 * side by the rules of deploy/alerting.
 */
import type { Cause, OverviewRow } from '@dialtone/contracts'
import type { AlertName } from '@dialtone/deploy'
import { EDGE, OURS, type Expected, type FleetName } from '../seams.ts'
import type { BreakName } from '../breaks/index.ts'
import type { Follows, SideExpectation } from './compare.ts'

export type Expectation = Record<FleetName, SideExpectation> & {
  /** Where the table of causes does not make it obvious. */
  why?: string
}

type Of = Pick<OverviewRow, 'state' | 'side'>
const DOWN_OURS: Of = { state: 'down', side: 'ours' }
const DOWN_PATH: Of = { state: 'down', side: 'path' }
const DOWN_PEER: Of = { state: 'down', side: 'peer' }
const DEGRADED_PEER: Of = { state: 'degraded', side: 'peer' }

const ours = (cause: Cause, of: Partial<Of>): Expected => ({ domain: OURS, cause, ...of })
const edge = (cause: Cause, of: Partial<Of>): Expected => ({ domain: EDGE, cause, ...of })
const pair = (peer: string, cause: Cause, of: Partial<Of>): Expected => ({ domain: OURS, peer, cause, ...of })
const side = (alert: AlertName | undefined, rows: readonly Expected[], follows: readonly Follows[] = []): SideExpectation => ({ rows, follows, alerts: alert === undefined ? [] : [alert] })
const both = (alert: AlertName | undefined, rows: readonly Expected[], follows: readonly Follows[] = [], why?: string): Expectation => ({ shared: side(alert, rows, follows), bare: side(alert, rows, follows), ...(why === undefined ? {} : { why }) })
const NOTHING = side(undefined, [])

/** While nothing is broken: every row is healthy but these. */
export const HEALTHY: Record<FleetName, readonly Expected[]> = {
  // It insists on a certificate, and no agent has that of our server: what comes of showing it was not seen.
  shared: [pair('webex.test', 'auth.external-refused', { state: 'unknown' })],
  bare: [],
}

export const EXPECTED: Record<BreakName, Expectation> = {
  // The way in.
  'pat': both('DialtonePathBlocked', [ours('path.inbound-blocked', DOWN_PATH)]),
  'pat-wrong-ip': both('DialtonePathBlocked', [ours('path.inbound-refused', DOWN_PATH)]),
}
