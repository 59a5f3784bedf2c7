/**
 * Which of several control instances speaks for all: a document that lives for a few seconds and is written again and again by who holds it, over the revision that he wrote
 * last. Who could not write it in time holds nothing any more, by his own clock and before anybody else can take it. The revision at which it was taken is the fencing
 * token: greater with every holder.
 */
import type { Bus, Documents, Lease } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Stoppable } from '@dialtone/kernel'
import { Type, type Static } from 'typebox'

const LeaseHeld = Type.Object({ v: Type.Literal(1), holder: Type.String({ minLength: 1, maxLength: 100 }), since: Type.String({ format: 'date-time' }) }, { additionalProperties: false })
type LeaseHeld = Static<typeof LeaseHeld>

const LEASE_SECONDS = 15
const KEY = 'control'
const STOPPED = 'stopped'

/** `instance`: of this process alone. `seconds`: how long it lives without being written; a third of it is the time between two writes. */
export type LeaseOptions = {
  bus: Bus, instance: string, clock: Clock, logger: Logger, seconds?: number
  /** Why this instance may not speak for all, while it may not: it neither takes nor keeps the lease then. */
  unfit?: () => string | undefined
}

/** Resolves when the bucket is there; the lease is taken when it can be. `stop` gives it back. */
export async function startLease ({ bus, instance, clock, logger, seconds = LEASE_SECONDS, unfit = () => undefined }: LeaseOptions): Promise<Lease & Stoppable> {
  const documents: Documents<LeaseHeld> = await bus.documents({ bucket: 'lease', schema: LeaseHeld, ttlSeconds: seconds, single: true }, { create: true })
  const period = seconds * 1000 / 3
  const hearers = new Set<(held: boolean) => void>()
  let revision = 0
  let token = 0
  /** When what is written now begins to end, by the clock that nobody sets. */
  let writtenAt = Number.NEGATIVE_INFINITY
  let stopped = false
  let trying: Promise<void> | undefined

  const tell = (held: boolean) => { for (const hear of hearers) hear(held) }
  const lose = (because: string): void => {
    if (token === 0) return
    token = 0
    revision = 0
    if (because === STOPPED) logger.info({ instance }, 'the lease is given up')
    else logger.warn({ instance, because }, 'the lease is lost: another instance may speak for all')
    tell(false)
  }
  const takenBy = async (): Promise<string> => {
    const holder = (await documents.get(KEY).catch(() => undefined))?.document.holder
    return holder === undefined || holder === instance ? 'what was written is not there as it was' : `another instance has it: ${holder}`
  }
  const take = async (): Promise<void> => {
    const began = clock.elapsed()
    const mine = token > 0
    try {
      const written = await documents.put(KEY, { v: 1, holder: instance, since: new Date(clock.now()).toISOString() }, { expect: mine ? revision : 0 })
      if (mine && token === 0) {
        // It came too late: it was lost meanwhile, and is given back rather than taken up unseen.
        await documents.remove(KEY, { expect: written })
        return
      }
      revision = written
      writtenAt = began
      if (mine) return
      token = written
      logger.info({ instance, token }, 'holds the lease: speaks for all instances')
      tell(true)
    } catch (error) {
      if (error instanceof OperatorError && error.code === 'conflict') {
        if (mine) lose(await takenBy())
      } else logger.debug({ instance, error: error instanceof Error ? error.message : String(error) }, 'the lease could not be written')
    }
  }
  const turn = (): void => {
    // A third of its life is left then: nobody else can have it yet.
    if (token > 0 && clock.elapsed() - writtenAt > 2 * period) lose('it could not be written in time')
    if (stopped || trying !== undefined) return
    const because = unfit()
    if (because !== undefined) {
      if (token > 0) trying = giveUp(because).finally(() => { trying = undefined })
      return
    }
    const due = token === 0 || clock.elapsed() - writtenAt >= period
    if (due) trying = take().finally(() => { trying = undefined })
  }

  /** So that another one has it at once. What cannot be removed ends by itself. */
  const giveUp = async (because: string): Promise<void> => {
    const mine = revision
    lose(because)
    await documents.remove(KEY, { expect: mine }).catch(() => undefined)
  }

  /** Also where the timer has not run since: a loop that was blocked, a process that was stopped. */
  const held = (): boolean => token > 0 && clock.elapsed() - writtenAt < seconds * 1000
  const timer = setInterval(turn, period / 5)
  turn()
  return {
    get held () { return held() },
    get token () { return held() ? token : 0 },
    onChange: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    stop: async () => {
      stopped = true
      clearInterval(timer)
      await trying
      if (token > 0) await giveUp(STOPPED)
    },
  }
}
