/**
 * From the engine to the bus: the newest facts of each pair, until the bus has taken them. Newer ones of a pair replace older ones that wait, so that an hour without the bus
 * costs no more than the pairs that there are, and nothing that still matters is lost.
 */
import { domainTokens, type Bus, type PairFacts } from '@dialtone/contracts'
import { PairFactsEvent } from '@dialtone/contracts/schemas'
import { OperatorError, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { factsPublished } from '../metrics.ts'

const MOST_WAITING = 20_000
const WINDOW = 16
const PAUSE_MS = 2000
/** What waits when the gateway ends may still go, for so long. */
const LAST_MS = 2000

export function reportFacts ({ bus, meter, logger }: { bus: Pick<Bus, 'publish' | 'connected' | 'onConnection'>, meter: Meter, logger: Logger }): Stoppable & { put: (facts: PairFacts) => void, readonly waiting: number } {
  const waiting = new Map<string, PairFacts>()
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let wanted = false
  let timer: NodeJS.Timeout | undefined

  const publish = async (key: string, facts: PairFacts): Promise<boolean> => {
    try {
      await bus.publish(PairFactsEvent, [facts.gateway, ...domainTokens(facts.peer)], facts, { id: facts.id, signal: stopping.signal })
      meter.add(factsPublished, { outcome: 'published' })
    } catch (error) {
      if (!(error instanceof OperatorError) || (error.code !== 'bad-body' && error.code !== 'too-large')) return false
      meter.add(factsPublished, { outcome: 'dropped' })
      logger.error({ pair: `${facts.ours} ${facts.peer}`, error: error.message }, 'facts that the bus will never take')
    }
    if (waiting.get(key) === facts) waiting.delete(key)
    return true
  }
  const round = async (): Promise<void> => {
    while (waiting.size > 0 && bus.connected && !stopping.signal.aborted) {
      const went = await Promise.all([...waiting].slice(0, WINDOW).map(([key, facts]) => publish(key, facts)))
      if (went.every(one => one)) continue
      timer = setTimeout(wake, PAUSE_MS)
      return
    }
  }
  const run = async (): Promise<void> => {
    // Not before `running` is set.
    await Promise.resolve()
    while (wanted) {
      wanted = false
      await round()
    }
    running = undefined
  }
  const wake = () => {
    clearTimeout(timer)
    wanted = true
    running ??= run()
  }
  const forget = bus.onConnection(connected => { if (connected) wake() })

  return {
    get waiting () { return waiting.size },
    put: facts => {
      const key = `${facts.ours} ${facts.peer}`
      if (waiting.delete(key)) meter.add(factsPublished, { outcome: 'replaced' })
      waiting.set(key, facts)
      for (const oldest of waiting.keys()) {
        if (waiting.size <= MOST_WAITING) break
        waiting.delete(oldest)
        meter.add(factsPublished, { outcome: 'dropped' })
      }
      wake()
    },
    stop: async () => {
      forget()
      wake()
      const given = new Promise<void>(resolve => { setTimeout(resolve, LAST_MS).unref() })
      await Promise.race([running, given])
      clearTimeout(timer)
      stopping.abort()
      await running
    },
  }
}
