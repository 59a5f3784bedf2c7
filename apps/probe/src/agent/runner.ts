/**
 * Runs what is due, so many at once, and hands on what was seen. What a check shows goes to the spool and from there to the bus; the schedule hears
 * only how it went.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Assignment, Observation, ObservationRecorded, Target } from '@dialtone/contracts'
import { outlineOf } from '@dialtone/checks'
import type { Clock, Logger, Meter, Stoppable } from '@dialtone/kernel'
import { connectionsOf, refused, troubled, type CheckRequest, type Listener, type Progress, type Schedule } from '@dialtone/ladder'
import { requestOf } from './request.ts'
import type { Keyring } from './keyring.ts'
import { budgetPutOff, checksTotal, connectionsTotal } from './metrics.ts'
import type { Teller } from './progress.ts'

export type Observe = (request: CheckRequest, options: { signal: AbortSignal, progress?: (progress: Progress) => void, clock?: Clock }) => Promise<Observation>
type Aside = NonNullable<ObservationRecorded['aside']>

export type RunnerOptions = {
  schedule: Schedule
  agent: string
  parallel: number
  assignment: () => Assignment | undefined
  targetOf: (id: string) => Target | undefined
  listener: () => Listener | undefined
  keyring: Keyring
  observe: Observe
  aside: (since: number) => Aside | undefined
  /** Takes what was seen; it is safe when this returns. */
  record: (recorded: ObservationRecorded, target: Target) => void
  clock: Clock
  meter: Meter
  logger: Logger
}

export type Runner = Stoppable & {
  /** Something may be due. */
  wake: () => void
  /** Runs one that `schedule.claim` has given; false where too much runs already (it is given back). */
  runNow: (target: Target, deep: boolean, check: string, teller: Teller) => boolean
  readonly checks: number
}

/** Beyond what the schedule may have at once, for operators who wait. */
const OPERATORS = 16
const MOST_SLEEP_MS = 1000
/** What comes due meanwhile is begun together, which costs less than one by one. */
const LEAST_SLEEP_MS = 50
/** Nothing takes so long: every wait inside has its own end. */
const LONGEST_MS = 20 * 60_000

export function startRunner ({ schedule, agent, parallel, assignment, targetOf, listener, keyring, observe, aside, record, clock, meter, logger }: RunnerOptions): Runner {
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  let checks = 0
  let putOff = 0
  let timer: NodeJS.Timeout | undefined

  const run = async (target: Target, deep: boolean, asked?: { check: string, teller: Teller }): Promise<void> => {
    const now = assignment()
    const began = clock.elapsed()
    const { job } = target
    const labels = { vantage: now?.vantage ?? '', job, depth: deep ? 'deep' : 'light' }
    const drop = (error: unknown) => {
      schedule.dropped(target.id)
      meter.add(checksTotal, { ...labels, result: 'dropped' })
      const says = error instanceof Error ? error.message : String(error)
      asked?.teller.ended('failed', stopping.signal.aborted ? 'the agent was stopped' : says, clock.elapsed() - began)
      if (!stopping.signal.aborted) logger.warn({ target: target.id, deep }, `a check could not be made: ${says}`)
    }
    const cut = new AbortController()
    const stop = () => cut.abort(stopping.signal.reason)
    const tooLong = setTimeout(() => cut.abort(new Error('it took too long')), LONGEST_MS)
    stopping.signal.addEventListener('abort', stop, { once: true })
    try {
      if (now === undefined) throw new TypeError('there is no assignment')
      asked?.teller.begun()
      const request = await requestWith(target, now, deep)
      const observation = await observe(request, { signal: cut.signal, clock, ...(asked === undefined ? {} : { progress: asked.teller.heard }) })
      const why = aside(began)
      const recorded: ObservationRecorded = {
        v: 1, id: randomBytes(16).toString('base64url'), agent, vantage: now.vantage, target: target.id, job,
        ...(target.ours === undefined ? {} : { ours: target.ours }), ...(asked === undefined ? {} : { check: asked.check }), ...(why === undefined ? {} : { aside: why }), observation,
      }
      record(recorded, target)
      const failing = troubled(observation)
      const connections = connectionsOf(observation)
      // What it was, and not what was wanted: a secret that cannot be read makes a deep check a light one.
      schedule.done(target.id, { deep: observation.deep !== undefined, outline: digest(outlineOf(observation)), troubled: failing, refused: refused(observation), connections })
      checks++
      meter.add(checksTotal, { ...labels, result: failing ? 'failing' : 'ok' })
      meter.add(connectionsTotal, { vantage: now.vantage }, connections)
      asked?.teller.ended('done', failing ? 'a step failed' : 'every step was well', clock.elapsed() - began)
    } catch (error) {
      drop(error)
    } finally {
      clearTimeout(tooLong)
      stopping.signal.removeEventListener('abort', stop)
    }
  }
  /** As deep as can be: what a deep check needs and is not to be had is told in presence, and is no reason not to look. */
  const requestWith = async (target: Target, now: Assignment, deep: boolean): Promise<CheckRequest> => {
    const given = { keyring, ...(listener() === undefined ? {} : { listener: listener() as Listener }) }
    try {
      return await requestOf(target, now, { ...given, deep })
    } catch (error) {
      if (!deep) throw error
      return await requestOf(target, now, { ...given, deep: false })
    }
  }
  const begin = (work: Promise<void>) => {
    const tracked = work.finally(() => {
      // Whoever waits for room is told; what comes due is seen when its time is.
      const wasFull = running.size >= parallel
      running.delete(tracked)
      if (wasFull) wake()
    })
    running.add(tracked)
  }
  let woken = false
  const pump = () => {
    woken = false
    clearTimeout(timer)
    if (stopping.signal.aborted) return
    const room = parallel - running.size
    if (room > 0) {
      for (const { id, deep } of schedule.take(room)) {
        const target = targetOf(id)
        if (target === undefined) schedule.dropped(id)
        else begin(run(target, deep))
      }
    }
    if (schedule.putOff > putOff) meter.add(budgetPutOff, { vantage: assignment()?.vantage ?? '' }, schedule.putOff - putOff)
    putOff = schedule.putOff
    // Where there is no room, whatever ends wakes it.
    const next = running.size < parallel ? schedule.nextMs() : undefined
    timer = setTimeout(pump, Math.min(Math.max(next ?? MOST_SLEEP_MS, LEAST_SLEEP_MS), MOST_SLEEP_MS))
  }
  const wake = () => {
    if (woken || stopping.signal.aborted) return
    woken = true
    setImmediate(pump)
  }
  wake()
  return {
    wake,
    runNow: (target, deep, check, teller) => {
      if (running.size >= parallel + OPERATORS || stopping.signal.aborted) {
        schedule.dropped(target.id)
        return false
      }
      begin(run(target, deep, { check, teller }))
      return true
    },
    get checks () { return checks },
    stop: async () => {
      stopping.abort(new Error('the agent was stopped'))
      clearTimeout(timer)
      await Promise.allSettled(running)
    },
  }
}

function digest (outline: string): string {
  return createHash('sha256').update(outline).digest('base64url').slice(0, 22)
}
