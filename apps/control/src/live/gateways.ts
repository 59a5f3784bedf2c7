/** The gateways of the fleet: what is wanted of each joined with what it tells of itself, and what happens there, told to live readers. */
import type { Bus, ConfigurationView, GatewayPresence, GatewayView, LiveEvent } from '@dialtone/contracts'
import { GatewayEvent, GatewayPresenceDocument } from '@dialtone/contracts/schemas'
import { defineCounter, type Clock, type Meter } from '@dialtone/kernel'
import { gatewayView } from './gateway-view.ts'
import { differingSecrets, type Differing } from './shared-secrets.ts'
import { watchBucket } from './watch-bucket.ts'

const MOST_GATEWAYS = 1000
/** Of one gateway; what is more in that second is counted, and told as one event at the end. */
const EVENTS_PER_SECOND = 50

export type Gateways = {
  /** Sorted by name: those that are configured, and those that run. */
  all: () => GatewayView[]
  get: (name: string) => GatewayView | undefined
  /** Those that tell of themselves, by name. */
  present: () => string[]
  /** Resolves to true when `enough` says so of a gateway, to false when the time is over or the signal is given. */
  reached: (name: string, enough: (view: GatewayView | undefined) => boolean, ms: number, signal: AbortSignal) => Promise<boolean>
}

/** Resolves when all that are there are known. */
export async function watchGateways ({ bus, configuration, clock, meter, tell }: { bus: Bus, configuration: ConfigurationView, clock: Clock, meter: Meter, tell: (event: LiveEvent) => void }): Promise<Gateways & { stop: () => Promise<void> }> {
  const hearers = new Map<string, Set<() => void>>()
  let known: ReadonlyMap<string, GatewayPresence> = new Map()
  /** Of all, until something changes. */
  let differing: ReadonlyMap<string, Differing[]> | undefined
  const names = (): string[] => [...new Set([...configuration.all('Gateway').map(({ name }) => name), ...known.keys()])].toSorted()
  const get = (name: string): GatewayView | undefined => {
    differing ??= differingSecrets(names().map(gateway => ({ gateway, wanted: configuration.get('Gateway', gateway), presence: known.get(gateway) })))
    return gatewayView(name, configuration.get('Gateway', name), known.get(name), differing.get(name))
  }
  const changed = (name: string): void => {
    differing = undefined
    const view = get(name) ?? { gateway: name, state: 'absent' as const, healthy: false, says: 'there is no gateway of this name any more' }
    tell({ on: 'gateway', gateway: view })
    for (const hear of hearers.get(name) ?? []) hear()
  }
  /** What comes before all are known is told of when they are. */
  let ready = false
  const heard = ({ gateway }: GatewayPresence): void => { if (ready) changed(gateway) }
  const watching = await watchBucket(bus, GatewayPresenceDocument, { most: MOST_GATEWAYS, keyOf: ({ gateway }) => gateway, put: heard, gone: heard })
  known = watching.known
  ready = true
  for (const name of known.keys()) changed(name)

  const budget = createBudget(clock)
  let n = 0
  const hearing = await bus.subscribe(GatewayEvent, [], ({ key, body }) => {
    // The key is what the bus lets its sender send.
    if (key.length !== 1 || key[0] !== body.gateway) return
    const { may, leftOut } = budget(body.gateway)
    if (leftOut > 0) tell({ on: 'gateway.event', n: ++n, event: { gateway: body.gateway, at: body.at, on: 'left-out', says: `${leftOut} events of this gateway were left out, as they came faster than ${EVENTS_PER_SECOND} a second`, count: leftOut } })
    if (may) tell({ on: 'gateway.event', n: ++n, event: body })
    else meter.add(eventsLeftOut)
  })
  const unhear = configuration.onChange(changes => {
    for (const { kind, name } of changes) if (kind === 'Gateway') changed(name)
  })

  return {
    all: () => names().flatMap(name => get(name) ?? []),
    get,
    present: () => [...known.keys()].toSorted(),
    reached: async (name, enough, ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const look = (): void => { if (enough(get(name))) resolve(true) }
      const over = (): void => resolve(false)
      const hearing = hearers.get(name) ?? new Set()
      hearers.set(name, hearing.add(look))
      const timer = setTimeout(over, ms)
      signal.addEventListener('abort', over, { once: true })
      if (signal.aborted) over()
      look()
      try {
        return await promise
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', over)
        hearing.delete(look)
        if (hearing.size === 0) hearers.delete(name)
      }
    },
    stop: async () => {
      unhear()
      await Promise.all([watching.stop(), hearing.stop()])
    },
  }
}

/** How many events of each gateway are told in one second. `leftOut`: of the second before, told once. */
function createBudget (clock: Pick<Clock, 'elapsed'>): (gateway: string) => { may: boolean, leftOut: number } {
  const seconds = new Map<string, { second: number, told: number, leftOut: number }>()
  return gateway => {
    const second = Math.floor(clock.elapsed() / 1000)
    const now = seconds.get(gateway)
    if (now?.second === second) {
      const may = now.told < EVENTS_PER_SECOND
      if (may) now.told++
      else now.leftOut++
      return { may, leftOut: 0 }
    }
    if (now === undefined && seconds.size >= MOST_GATEWAYS) return { may: false, leftOut: 0 }
    seconds.set(gateway, { second, told: 1, leftOut: 0 })
    return { may: true, leftOut: now?.leftOut ?? 0 }
  }
}

export const eventsLeftOut = defineCounter('dialtone_gateway_events_left_out_total', 'Events of gateways that live readers were not told, as they came too fast.')
