/**
 * Whether this agent is itself the problem: its way out, its clock, its event loop. What it sees meanwhile is set aside, and says why; it never judges
 * what it sees of others.
 */
import { setInterval } from 'node:timers'
import type { AgentPresence, Bus, Observation } from '@dialtone/contracts'
import type { Clock, Meter, Stoppable } from '@dialtone/kernel'
import { OFFSET_NOTED_MS, OFFSET_UNHEALTHY_MS, watchClock } from './clock-offset.ts'
import { anythingAnswers, type WayOut } from './confirm-uplink.ts'
import { LAG_NOTED_MS, LAG_UNHEALTHY_MS, watchLoop, type LoopMeter } from './event-loop.ts'
import { clockOffset, eventLoopLag, trouble } from './metrics.ts'
import { lost, readStanding, type Standing } from './standing.ts'
import { watchUplink, type Place } from './uplink.ts'

export type Aside = 'uplink' | 'clock' | 'event-loop'
export type SelfFinding = AgentPresence['findings'][number]

export type Health = Stoppable & {
  /** Why what is seen now is no evidence. `since`: when the check began, of the clock's `elapsed`: a loop that was held meanwhile counts too. */
  aside: (since?: number) => Aside | undefined
  findings: () => SelfFinding[]
  /** What a check met, of whatever target: how the way out is judged. */
  note: (observation: Observation) => void
  /** This clock minus control's; unknown while control has not answered. */
  clockOffsetMs: () => number | undefined
  eventLoopLagMs: () => number
  /** One look at everything; it happens by itself every five seconds. */
  look: () => Promise<void>
}

/** Where the vantage of this agent stands, as it is configured at the moment. */
export type HealthVantage = WayOut & { readonly sourceAddress?: string }

export type HealthOptions = {
  clock: Clock
  bus: Pick<Bus, 'request' | 'connected'>
  meter: Meter
  /** Whose health it is, in metrics. */
  labels: { readonly vantage: string, readonly agent: string }
  vantage: () => HealthVantage
  /** For tests: each has the real one as default. */
  standing?: () => Standing
  loop?: LoopMeter
  answers?: (places: readonly Place[], wayOut: WayOut, signal: AbortSignal) => Promise<boolean>
  /** 0: looks only when told to. */
  everyMs?: number
}

const EVERY_MS = 5000
/** A suspicion that was not confirmed is not looked into again for so long. */
const AGAIN_MS = 30_000

export function createHealth ({ clock, bus, meter, labels, vantage, standing = readStanding, loop, answers = anythingAnswers, everyMs = EVERY_MS }: HealthOptions): Health {
  const stopping = new AbortController()
  const loopWatch = watchLoop(clock.elapsed, loop)
  const clockWatch = watchClock(clock, bus)
  const uplink = watchUplink(clock.elapsed)
  const atStart = standing()
  let gone: string | undefined
  let silent = false
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined

  /** While it is silent, at every look; else when there is a suspicion. */
  async function lookAtUplink (): Promise<void> {
    gone = lost(atStart, standing(), vantage().sourceAddress)
    const places = uplink.suspected()
    if (places === undefined) {
      silent = false
      return
    }
    if (!silent && clock.elapsed() - lookedAt < AGAIN_MS) return
    lookedAt = clock.elapsed()
    silent = !await answers(places, vantage(), stopping.signal)
    if (!silent) uplink.clear()
  }
  async function look (): Promise<void> {
    loopWatch.look()
    await Promise.all([lookAtUplink(), clockWatch.look(stopping.signal)])
    if (stopping.signal.aborted) return
    const offset = clockWatch.offset()
    meter.set(eventLoopLag, labels, loopWatch.lagMs() / 1000)
    if (offset === undefined) meter.remove(clockOffset, labels)
    else meter.set(clockOffset, labels, offset.ms / 1000)
    const found = findings()
    for (const what of ['uplink', 'clock', 'event-loop']) {
      const finding = found.find(each => each.what === what)
      meter.set(trouble, { ...labels, what }, finding === undefined ? 0 : finding.unhealthy ? 2 : 1)
    }
  }
  function findings (since?: number): SelfFinding[] {
    const found: SelfFinding[] = []
    if (gone !== undefined) found.push({ what: 'uplink', unhealthy: true, says: gone })
    else if (silent) found.push({ what: 'uplink', unhealthy: true, says: 'everything that answered before is silent, and so is the resolver: the way out of this place is broken' })
    const offset = clockWatch.offset()
    const certain = offset === undefined ? 0 : Math.abs(offset.ms) - offset.uncertainMs
    if (offset !== undefined && certain > OFFSET_NOTED_MS) found.push({ what: 'clock', unhealthy: certain > OFFSET_UNHEALTHY_MS, says: `this clock is ${(Math.abs(offset.ms) / 1000).toFixed(1)} s ${offset.ms > 0 ? 'ahead of' : 'behind'} control's: set it, best by NTP` })
    const lagMs = loopWatch.lagMs(since)
    if (lagMs > LAG_NOTED_MS) found.push({ what: 'event-loop', unhealthy: lagMs > LAG_UNHEALTHY_MS, says: `the agent was held up for ${(lagMs / 1000).toFixed(1)} s: it has too much to do, or too little processor` })
    return found
  }
  const once = (): Promise<void> => looking ??= look().finally(() => { looking = undefined })
  const timer = everyMs === 0 ? undefined : setInterval(() => { once().catch(() => undefined) }, everyMs)
  timer?.unref()

  return {
    aside: since => findings(since).find(({ unhealthy }) => unhealthy)?.what as Aside | undefined,
    findings: () => findings(),
    note: uplink.note,
    clockOffsetMs: () => clockWatch.offset()?.ms,
    eventLoopLagMs: () => loopWatch.lagMs(),
    look: once,
    stop: async () => {
      clearInterval(timer)
      stopping.abort()
      loopWatch.stop()
      await looking?.catch(() => undefined)
    },
  }
}
