/**
 * A subject as it was at a time: of each of its slots the newest full observation that is not after it, judged by the expectations of today. What was counted as equal
 * to one before is that one.
 */
import type { FleetConfig, Standpoint, VantageView, Witness } from '@dialtone/contracts'
import type { Store } from '@dialtone/store'
import { vantageView } from './views.ts'
import { withDeepOf, type Slot } from './witnesses.ts'

export function atThatTime ({ store, slots, at, standpoint: standpointOf, config }: { store: Store, slots: readonly Slot[], at: number, standpoint: (vantage: string) => Standpoint | undefined, config: FleetConfig }): { heard: Witness[], vantages: VantageView[] } {
  const found = slots.flatMap(slot => {
    const id = store.observations.newestOf(slot.n, at)
    const record = id === undefined ? undefined : store.observations.get(id, { transcripts: false })
    return record === undefined ? [] : [record]
  })
  const vantages = found.flatMap(({ id, vantage, agent, job, ours, aside, observation }) => {
    const standpoint = standpointOf(vantage)
    const shown = { vantage, agent, job, same: 0, ...(ours === undefined ? {} : { ours }), ...(aside === undefined ? {} : { aside }) }
    return standpoint === undefined ? [] : [vantageView({ slot: shown, id, at: Date.parse(observation.startedAt), observation }, standpoint, config)]
  })
  const heard = [...Map.groupBy(found, ({ vantage, target }) => `${vantage} ${target}`).values()].flatMap((same): Witness[] => {
    const [newest, other] = same.toSorted((a, b) => Date.parse(b.observation.startedAt) - Date.parse(a.observation.startedAt))
    const standpoint = newest === undefined ? undefined : standpointOf(newest.vantage)
    if (newest === undefined || standpoint === undefined) return []
    const { job, aside, observation } = newest
    return [{ observation: observation.deep === undefined ? withDeepOf(observation, other?.observation) : observation, job, standpoint, ...(aside === undefined ? {} : { aside }) }]
  })
  return { heard, vantages }
}
