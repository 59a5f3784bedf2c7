/**
 * From the spool to the bus, in order and with the same ids, for as long as it takes. A failure ends the round; after a pause, or when the bus is back, it goes on with the
 * oldest. What the bus will never take (no shape, too large) is put aside and counted, so that it does not stand before all others.
 */
import { domainTokens, type Bus, type ObservationRecorded } from '@dialtone/contracts'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import { OperatorError, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { observationsDelivered, spoolRefused } from './metrics.ts'
import type { Spool } from './spool.ts'

export type Deliverer = Stoppable & {
  /** There is something. */
  wake: () => void
}

export type DeliverOptions = { spool: Spool, bus: Pick<Bus, 'publish' | 'connected' | 'onConnection'>, meter: Meter, logger: Logger, /** Whose spool it is. */ labels: { vantage: string, agent: string }, pauseMs?: number }

/** In flight at once: enough that an hour of work is delivered in minutes. */
const WINDOW = 32
const PAUSE_MS = 1000
const MOST_PAUSE_MS = 30_000
/** What waits when the agent ends may still go, for so long. */
const LAST_MS = 2000

export function startDelivery ({ spool, bus, meter, logger, labels, pauseMs = PAUSE_MS }: DeliverOptions): Deliverer {
  const stopping = new AbortController()
  const { signal } = stopping
  let wanted = true
  let wake: () => void = () => undefined
  let emptied: () => void = () => undefined
  const call = () => {
    wanted = true
    wake()
  }
  const forget = bus.onConnection(connected => { if (connected) call() })
  const sleep = (ms: number | undefined) => new Promise<void>(resolve => {
    if (signal.aborted || (ms === undefined && wanted)) { resolve(); return }
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
        emptied()
        await sleep(undefined)
        continue
      }
      if (!bus.connected) {
        await sleep(MOST_PAUSE_MS)
        continue
      }
      const results = await Promise.all(batch.map(({ body }) => publish(body)))
      for (const [at, result] of results.entries()) {
        const place = batch[at]?.at
        if (place === undefined || result === 'later') continue
        spool.done(place)
        if (result === 'delivered') meter.add(observationsDelivered, labels)
      }
      failures = results.includes('later') ? failures + 1 : 0
      if (failures > 0) await sleep(Math.min(pauseMs * 2 ** (failures - 1), MOST_PAUSE_MS))
    }
  }
  const publish = async (held: Buffer): Promise<'delivered' | 'refused' | 'later'> => {
    try {
      const body = JSON.parse(held.toString('utf8')) as ObservationRecorded
      await bus.publish(ObservationEvent, [body.vantage, ...domainTokens(body.observation.domain)], body, { id: body.id, signal })
      return 'delivered'
    } catch (error) {
      const never = error instanceof SyntaxError ? 'bad-body' : error instanceof OperatorError && (error.code === 'bad-body' || error.code === 'too-large') ? error.code : undefined
      if (never === undefined) return 'later'
      meter.add(spoolRefused, { ...labels, why: never })
      logger.error({ why: never, bytes: held.length }, `an observation can never be delivered and is left out: ${error instanceof Error ? error.message : ''}`)
      return 'refused'
    }
  }
  const running = run()
  return {
    wake: call,
    stop: async () => {
      forget()
      if (bus.connected) {
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, LAST_MS)
          emptied = () => {
            clearTimeout(timer)
            resolve()
          }
          call()
        })
      }
      stopping.abort()
      wake()
      await running
    },
  }
}
