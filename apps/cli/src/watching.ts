/**
 * A check repeated: when the next one is due, what changed, and what the whole of it came to. Memory does not grow with time: of what was seen only the first
 * refusal of a series is kept, since the judge needs it to tell a refusal from a pause.
 */
import type { Cause, Observation, Report, State } from '@dialtone/contracts'

/** What can change: of the domain, and of each direction of the pair. */
export type Standing = { state: State, cause: Cause, out?: { state: State, cause: Cause }, in?: { state: State, cause: Cause } }
/** `from` is absent at the first check. */
export type Change = { at: Date, from?: Standing, to: Report['verdict'], /** How long the old standing lasted. */ lastedMs?: number }
export type Summary = {
  checks: number
  /** Milliseconds from the first verdict to the end. */
  ms: number
  inState: Record<State, number>
  /** Of the total times of checks, in milliseconds; `median` is of the last `of`. */
  total?: { min: number, median: number, max: number, of: number }
}

export type Watching = {
  /** What the check gets, and gives. */
  look: (earlier: readonly Observation[]) => Promise<Report>
  /** Resolves after so many milliseconds, or as soon as it is to stop. */
  pause: (ms: number) => Promise<void>
  stopped: () => boolean
  now: () => number
  changed: (change: Change) => void
  /** Fixed interval instead of the back-off. */
  everyMs?: number
  /** Ends after so many checks. */
  count?: number
}

/** While it fails or changes, and the longest, while it is steady. */
const SHORTEST_MS = 60_000
const LONGEST_MS = 600_000
/** Servers that refused refuse for up to five minutes: sooner would prove nothing, and prolong it. */
const AFTER_REFUSAL_MS = 300_000
const REFUSALS: readonly Cause[] = ['peer.busy', 'policy.refused-by-peer']
/** Total times that the median is taken of. */
const KEPT_TIMES = 1000

/** Until it is stopped or has counted to the end. Rejects only where `look` does while nobody asked it to stop. */
export async function watch ({ look, pause, stopped, now, changed, everyMs, count = Number.POSITIVE_INFINITY }: Watching): Promise<{ summary: Summary, state: State }> {
  const tally = createTally()
  let earlier: Observation[] = []
  let before: Standing | undefined
  let since = now()
  let backOffMs = SHORTEST_MS
  let state: State = 'unknown'

  for (let checks = 1; !stopped(); checks++) {
    let report: Report
    try {
      report = await look(earlier)
    } catch (error) {
      if (stopped()) break
      throw error
    }
    const { verdict, observation } = report
    const to = standingOf(verdict)
    const same = before !== undefined && sameStanding(before, to)
    const at = now()
    tally.add(verdict.state, observation.ms, at)
    if (!same) {
      changed({ at: new Date(at), ...(before === undefined ? {} : { from: before, lastedMs: at - since }), to: verdict })
      since = at
    }
    state = verdict.state
    const refused = isRefused(to)
    earlier = refused ? earlier.length > 0 ? earlier : [observation] : []
    backOffMs = !same || verdict.state !== 'up' ? SHORTEST_MS : Math.min(LONGEST_MS, backOffMs * 2)
    before = to
    if (checks >= count) break
    await pause(Math.max(everyMs ?? backOffMs, refused ? AFTER_REFUSAL_MS : 0))
  }
  return { summary: tally.end(now()), state }
}

function standingOf ({ state, cause, pair }: Report['verdict']): Standing {
  return { state, cause, ...(pair === undefined ? {} : { out: { state: pair.out.state, cause: pair.out.cause }, in: { state: pair.in.state, cause: pair.in.cause } }) }
}

function sameStanding (a: Standing, b: Standing): boolean {
  return a.state === b.state && a.cause === b.cause && a.out?.state === b.out?.state && a.out?.cause === b.out?.cause && a.in?.state === b.in?.state && a.in?.cause === b.in?.cause
}

function isRefused (standing: Standing): boolean {
  return [standing, standing.out].some(each => each !== undefined && REFUSALS.includes(each.cause))
}

/** Time in each state: what was seen holds until something else is. */
function createTally (): { add: (state: State, ms: number, at: number) => void, end: (at: number) => Summary } {
  const inState: Record<State, number> = { up: 0, degraded: 0, down: 0, unknown: 0 }
  const times: number[] = []
  let checks = 0
  let [min, max] = [Number.POSITIVE_INFINITY, 0]
  let first: number | undefined
  let last: { state: State, at: number } | undefined
  const until = (at: number) => { if (last !== undefined) inState[last.state] += Math.max(0, at - last.at) }
  return {
    add: (state, ms, at) => {
      until(at)
      last = { state, at }
      first ??= at
      times[checks++ % KEPT_TIMES] = ms
      min = Math.min(min, ms)
      max = Math.max(max, ms)
    },
    end: at => {
      until(at)
      const sorted = times.toSorted((a, b) => a - b)
      const median = sorted[Math.floor((sorted.length - 1) / 2)]
      return { checks, ms: first === undefined ? 0 : Math.max(0, at - first), inState, ...(median === undefined ? {} : { total: { min, median, max, of: times.length } }) }
    },
  }
}
