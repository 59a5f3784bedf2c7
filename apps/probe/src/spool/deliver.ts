/**
 * From the spool to the bus, in order and with the same ids, for as long as it takes. A failure ends the round; after a pause, or when the bus is back, it goes on with the
 * oldest. What the bus will never take (no shape, too large) is put aside and counted, so that it does not stand before all others.
 */
import { domainTokens, type Bus, type ObservationRecorded } from '@dialtone/contracts'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import { OperatorError, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { observationsDelivered, spoolRefused } from './metrics.ts'
import type { Spool, Spooled } from './spool.ts'

export type Deliverer = Stoppable & {
  /** There is something. `recorded`: what was put there, which then need not be read again. */
  wake: (at?: Spooled, recorded?: ObservationRecorded) => void
}

export type DeliverOptions = { spool: Spool, bus: Pick<Bus, 'publish' | 'connected' | 'onConnection'>, meter: Meter, logger: Logger, /** Whose spool it is. */ labels: { vantage: string, agent: string }, pauseMs?: number }

/** In flight at once: enough that an hour of work is delivered in minutes. */
const WINDOW = 32
const PAUSE_MS = 1000
/** Kept in memory too. */
const MOST_FRESH = 128
const MOST_PAUSE_MS = 30_000
/** What waits when the agent ends may still go, for so long. */
const LAST_MS = 2000

export function startDelivery ({ spool, bus, meter, logger, labels, pauseMs = PAUSE_MS }: DeliverOptions): Deliverer {
  const stopping = new AbortController()
  const { signal } = stopping
  let wanted = true
  let wake: () => void = () => undefined
  /** Nothing is left, or nothing goes. */
  let emptied: () => void = () => undefined
  let idle = false
  /** Ends a rest, but no pause after a failure: what is new waits behind what failed. */
  const fresh = new Map<string, ObservationRecorded>()
  const call = (at?: Spooled, recorded?: ObservationRecorded) => {
    if (at !== undefined && recorded !== undefined && fresh.size < MOST_FRESH) fresh.set(nameOf(at), recorded)
    wanted = true
    if (idle) wake()
  }
  const forget = bus.onConnection(connected => { if (connected) wake() })
  const sleep = (ms: number | undefined) => new Promise<void>(resolve => {
    if (signal.aborted || (ms === undefined && wanted)) { resolve(); return }
    idle = ms === undefined
    const timer = ms === undefined ? undefined : setTimeout(() => wake(), ms)
    wake = () => {
      clearTimeout(timer)
      wake = () => undefined
      resolve()
    }
  })

  const run = async () => {
    let failures = 0
    while (!signal.aborted) {
      wanted = false
      const batch = spool.oldest(WINDOW)
      if (batch.length === 0) {
        fresh.clear()
        emptied()
        await sleep(undefined)
        continue
      }
      if (!bus.connected) {
        await sleep(MOST_PAUSE_MS)
        continue
      }
      const results = await Promise.all(batch.map(({ at, body }) => publish(body, fresh.get(nameOf(at)))))
      for (const [at, result] of results.entries()) {
        const place = batch[at]?.at
        if (place === undefined) continue
        fresh.delete(nameOf(place))
        if (result === 'later') continue
        spool.done(place)
        if (result === 'delivered') meter.add(observationsDelivered, labels)
      }
      failures = results.includes('later') ? failures + 1 : 0
      if (failures > 0) {
        emptied()
        await sleep(Math.min(pauseMs * 2 ** (failures - 1), MOST_PAUSE_MS))
      }
    }
  }
  const publish = async (held: () => Buffer, recorded?: ObservationRecorded): Promise<'delivered' | 'refused' | 'later'> => {
    let body: ObservationRecorded
    try {
      body = recorded ?? JSON.parse(held().toString('utf8')) as ObservationRecorded
    } catch (error) {
      return refuse('unreadable', error)
    }
    try {
      await bus.publish(ObservationEvent, [body.vantage, ...domainTokens(body.observation.domain)], body, { id: body.id, signal })
      return 'delivered'
    } catch (error) {
      return error instanceof OperatorError && (error.code === 'bad-body' || error.code === 'too-large') ? refuse(error.code, error) : 'later'
    }
  }
  const refuse = (why: 'unreadable' | 'bad-body' | 'too-large', error: unknown): 'refused' => {
    meter.add(spoolRefused, { ...labels, why })
    logger.error({ ...labels, why }, `an observation can never be delivered and is left out: ${error instanceof Error ? error.message : ''}`)
    return 'refused'
  }
  const running = run()
  const stop = async () => {
    forget()
    if (bus.connected) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, LAST_MS)
        emptied = () => {
          clearTimeout(timer)
          resolve()
        }
        wanted = true
        wake()
      })
    }
    stopping.abort()
    wake()
    await running
  }
  let stopped: Promise<void> | undefined
  return { wake: call, stop: () => stopped ??= stop() }
}

function nameOf ({ segment, number }: Spooled): string {
  return `${segment} ${number}`
}
