/**
 * Says what became of incidents, once for all instances: only who holds the lease does, and the id makes it harmless that it is said again. What an earlier holder worked
 * out and did not say, the next one says.
 */
import { AnnouncementEvent } from '@dialtone/contracts/schemas'
import { domainTokens, type Bus, type Lease } from '@dialtone/contracts'
import { OperatorError, type Logger, type Meter } from '@dialtone/kernel'
import type { Store } from '@dialtone/store'
import { announced } from './metrics.ts'

/** News of yesterday is none: a store that was rebuilt finds a lot of it. */
const NEWS_MS = 86_400_000
const AT_ONCE = 50

/** Says what is to be said. Resolves when nothing is left, the lease is lost, or the bus is away. `now`: of the stream. */
export async function announce ({ bus, store, lease, meter, logger, signal, now }: { bus: Bus, store: Store, lease: Lease, meter: Meter, logger: Logger, signal: AbortSignal, now: number }): Promise<void> {
  const { token } = lease
  const mine = () => lease.held && lease.token === token && !signal.aborted
  while (mine()) {
    const waiting = store.journal.unsaid(AT_ONCE)
    if (waiting.length === 0) return
    for (const announcement of waiting) {
      if (!mine()) return
      const at = Date.parse(announcement.at)
      if (now - at <= NEWS_MS) {
        try {
          await bus.publish(AnnouncementEvent, domainTokens(announcement.incident.domain), announcement, { id: announcement.id, signal })
        } catch (error) {
          if (error instanceof OperatorError && (error.code === 'bad-body' || error.code === 'too-large')) {
            logger.error({ id: announcement.id, error: error.message }, 'an announcement cannot be published and is left out')
          } else return
        }
        meter.add(announced, { event: announcement.on })
      }
      if (!signal.aborted) store.journal.said(announcement.id, at)
    }
  }
}
