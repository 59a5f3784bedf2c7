/**
 * Dialtone in the lab's network, twice and at once: a fleet that holds the dialback secret of our server, and one that does not. Each is what an operator would run: NATS
 * with the users of deploy/nats, control, an agent inside and two outside, Prometheus, Alertmanager with the routing of deploy/alerting, and somebody who is told.
 */
import type { Overview, OverviewRow } from '@dialtone/contracts'
import type { FleetName, Fleets, World } from '../seams.ts'
import { startFleet, type Fleet } from './start-fleet.ts'

/** Of an answer of the overview, which is read in pages. */
const PAGE = 500

/** Many watch at once; what was asked so many milliseconds ago is what is so. */
const FRESH_MS = 300

/** Starts both, applies what is configured, and resolves when every process is ready. If a part does not start, nothing is left. */
export async function startFleets (world: World, options: { scale?: number, log?: (line: string) => void } = {}): Promise<Fleets> {
  const starting = [startFleet(world, 'shared', options), startFleet(world, 'bare', options)] as const
  const settled = await Promise.allSettled(starting)
  const failed = settled.find(each => each.status === 'rejected')
  if (failed !== undefined) {
    for (const each of settled) if (each.status === 'fulfilled') await each.value.stop()
    throw failed.reason
  }
  const [shared, bare] = await Promise.all(starting)
  const fleets: Record<FleetName, Fleet> = { shared, bare }
  let stopping: Promise<void> | undefined
  return {
    ask: async (fleet, path, given) => await fleets[fleet].ask(path, given),
    rows: async fleet => await recent(fleets[fleet]),
    notified: async fleet => await fleets[fleet].notified(),
    told: fleet => fleets[fleet].told(),
    prometheus: fleet => fleets[fleet].prometheus,
    died: () => Object.values(fleets).flatMap(fleet => fleet.died()),
    process: (fleet, name) => fleets[fleet].process(name),
    standing: async are => { await Promise.all(Object.values(fleets).map(fleet => fleet.apply({ standing: are }))) },
    urls: { ...shared.urls, ...bare.urls },
    stop: () => stopping ??= Promise.all(Object.values(fleets).map(fleet => fleet.stop())).then(() => undefined),
  }
}

const asked = new WeakMap<Fleet, { at: number, rows: Promise<readonly OverviewRow[]> }>()

function recent (fleet: Fleet): Promise<readonly OverviewRow[]> {
  const last = asked.get(fleet)
  if (last !== undefined && Date.now() - last.at < FRESH_MS) return last.rows
  const rows = fleet.ask<Overview>(`/v1/overview?limit=${PAGE}`).then(({ domains, next }) => {
    if (next !== undefined) throw new Error(`the lab has more than ${PAGE} rows; read them in pages`)
    return domains
  })
  asked.set(fleet, { at: Date.now(), rows })
  return rows
}
