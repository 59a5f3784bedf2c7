/** What the control API reads: answered by the analysis over its store. All synchronous, bounded by `limit`. */
import type { Audit, Changes, DomainView, Incidents, LiveEvent, Observations, Overview, PairView, Summary, Timeline } from './api.ts'
import type { ObservationRecorded } from './fleet.ts'
import type { FleetVerdict } from './fleet-verdict.ts'
import type { Incident } from './incident.ts'
import type { Cause, Side, State } from './words.ts'

export type PageOf = { limit: number, cursor?: string }
export type OverviewFilter = { states?: readonly State[], causes?: readonly Cause[], sides?: readonly Side[], domain?: string, peer?: string, /** Part of a name. */ q?: string, only?: 'domains' | 'pairs' }
export type Period = { from?: string, to?: string }

export type Readings = {
  summary: () => Summary
  /** Worst first, then by name. `at`: as it was then, from the timeline. */
  overview: (filter: OverviewFilter, page: PageOf, at?: string) => Overview
  domain: (domain: string, at?: string) => DomainView | undefined
  pair: (domain: string, peer: string, at?: string) => PairView | undefined
  timeline: (domain: string, peer: string | undefined, period: Period, limit: number) => Timeline | undefined
  incidents: (filter: { domain?: string, open?: boolean, cause?: Cause }, page: PageOf) => Incidents
  incident: (id: string) => Incident | undefined
  changes: (filter: { domain?: string, kind?: string } & Period, page: PageOf) => Changes
  observations: (filter: { domain?: string, ours?: string, vantage?: string, check?: string } & Period, page: PageOf) => Observations
  /** Whole, with certificates and messages put back. */
  observation: (id: string) => ObservationRecorded | undefined
  audit: (filter: { actor?: string, subject?: string, action?: string } & Period, page: PageOf) => Audit
  /** Certificates that domains showed last and that end before `before`, soonest first. */
  expiries?: (before: string, limit: number) => { domain: string, endsAt: string }[]
  /** Verdicts of now, for metrics: every subject once. */
  verdicts: () => Iterable<{ domain: string, peer?: string, direction?: 'out' | 'in', verdict: Pick<FleetVerdict, 'state' | 'cause' | 'side' | 'confidence' | 'agreement'> }>
  /** Increases with everything that a reader could notice. */
  readonly seq: number
  onEvent: (hear: (event: LiveEvent, seq: number) => void) => () => void
}
