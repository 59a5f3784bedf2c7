/**
 * Targets that failed, per zone: tried after the others for 60 s, twice as long after every further failure, one hour at most (gateways.md 5.3 step 3). What is
 * about one domain alone (its certificate, its host-unknown) does not count against the server's other domains.
 */
import type { Clock, Meter } from '@dialtone/kernel'
import type { OutboundLimits } from './limits.ts'
import { badTargetsGauge } from './metrics.ts'

export type Place = { address: string, port: number, kind: 'starttls' | 'direct' }

export type BadTargets = {
  /** It failed while we connected to the domain; `alone`: which says nothing about its other domains. */
  mark: (zone: string, place: Place, domain: string, alone: boolean) => void
  /** It works: whatever it was marked for, for this domain and in general. */
  clear: (zone: string, place: Place, domain: string) => void
  /** Milliseconds until it is tried in its turn again; undefined when it is good. */
  waits: (zone: string, place: Place, domain: string) => number | undefined
  /** The operator wants it tried now: everything of a zone, or what was marked while connecting to a domain. Returns how many there were. */
  forget: (zone?: string, domain?: string) => number
  readonly size: number
}

type Mark = { zone: string, until: number, failures: number, /** The last domain that it failed for. */ domain: string }

export function createBadTargets ({ clock, meter }: { clock: Clock, meter: Meter }, { badTargetMs, badTargetMostMs, badTargets }: OutboundLimits): BadTargets {
  const marks = new Map<string, Mark>()
  const perZone = new Map<string, number>()
  const drop = (key: string, { zone }: Mark) => {
    marks.delete(key)
    count(zone, -1)
  }
  const count = (zone: string, by: number) => {
    const now = (perZone.get(zone) ?? 0) + by
    perZone.set(zone, now)
    meter.set(badTargetsGauge, { zone }, now)
  }
  const dropOldest = () => {
    const [oldest] = marks
    if (oldest !== undefined) drop(...oldest)
  }
  const mark: BadTargets['mark'] = (zone, place, domain, alone) => {
    const key = keyOf(zone, place, alone ? domain : '')
    const before = marks.get(key)
    const failures = (before?.failures ?? 0) + 1
    if (before !== undefined) drop(key, before)
    else if (marks.size >= badTargets) dropOldest()
    marks.set(key, { zone, until: clock.elapsed() + Math.min(badTargetMostMs, badTargetMs * 2 ** Math.min(failures - 1, 20)), failures, domain })
    count(zone, 1)
  }
  return {
    mark,
    clear: (zone, place, domain) => {
      for (const key of [keyOf(zone, place, ''), keyOf(zone, place, domain)]) {
        const mark = marks.get(key)
        if (mark !== undefined) drop(key, mark)
      }
    },
    waits: (zone, place, domain) => {
      const left = Math.max(...[keyOf(zone, place, ''), keyOf(zone, place, domain)].map(key => (marks.get(key)?.until ?? 0) - clock.elapsed()))
      return left > 0 ? left : undefined
    },
    forget: (zone, domain) => {
      const those = [...marks].filter(([, mark]) => (zone === undefined || mark.zone === zone) && (domain === undefined || mark.domain === domain))
      for (const [key, mark] of those) drop(key, mark)
      return those.length
    },
    get size () { return marks.size },
  }
}

function keyOf (zone: string, { address, port, kind }: Place, domain: string): string {
  return `${zone} ${kind} ${address} ${port} ${domain}`
}
