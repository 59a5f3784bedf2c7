/** What happens at the gateway, for people who watch: bounded, since strangers can make things happen without end. What is left out is told as a number. */
import type { Bus, GatewayEvent } from '@dialtone/contracts'
import { GatewayEvent as Event } from '@dialtone/contracts/schemas'
import type { Clock, Meter } from '@dialtone/kernel'
import { eventsWithheld } from '../metrics.ts'

const BURST = 100
const PER_SECOND = 20

export function reportEvents ({ bus, gateway, clock, meter }: { bus: Pick<Bus, 'publish' | 'connected'>, gateway: string, clock: Clock, meter: Meter }): (event: Omit<GatewayEvent, 'gateway' | 'at'>) => void {
  let tokens = BURST
  let at = clock.elapsed()
  let leftOut = 0
  let numbered = 0
  const publish = (event: Omit<GatewayEvent, 'gateway' | 'at'>) => {
    numbered++
    // Fire and forget: whoever watches misses what the bus did not take.
    bus.publish(Event, [gateway], { ...event, gateway, at: new Date(clock.now()).toISOString() }, { id: `${gateway}-${clock.now()}-${numbered}` }).catch(() => undefined)
  }
  return event => {
    const now = clock.elapsed()
    tokens = Math.min(BURST, tokens + (now - at) / 1000 * PER_SECOND)
    at = now
    if (!bus.connected) return
    if (tokens < 1) {
      leftOut++
      meter.add(eventsWithheld)
      return
    }
    tokens--
    if (leftOut > 0) {
      publish({ on: 'left-out', says: `${leftOut} events were left out: too many at once`, count: leftOut })
      leftOut = 0
    }
    publish(event)
  }
}
