// One row of the matrix: something is broken, both fleets are watched, it is healed, and both are watched until all is as before.
import type { Break, FleetName, Lab } from '../seams.ts'
import type { Expectation } from './expected.ts'
import { FLEETS, type FleetResult, type RowResult } from './result.ts'
import { untilNamed, untilRecovered, type Before, type Patience, type Watched } from './watch.ts'

export type RunRow = { lab: Required<Lab>, broken: Break, expectation: Expectation, before: Record<FleetName, Before>, signal: AbortSignal, patience: Patience, about?: Watched['about'] }
/** `from`, `healed`, `to`: milliseconds, of what was broken and of what was watched. */
export type RanRow = { row: RowResult, from: number, healed: number, to: number }

/** Whatever happens, it is healed. */
export async function runRow ({ lab, broken, expectation, before, signal, patience, about }: RunRow): Promise<RanRow> {
  const watched = (fleet: FleetName) => ({ fleets: lab.fleets, fleet, before: before[fleet], signal, patience, ...(about === undefined ? {} : { about }) })
  const from = Date.now()
  let heal: () => Promise<void>
  try {
    heal = await broken.breaks(lab)
  } catch (error) {
    // Nothing is left broken; the others can go on.
    const failed: FleetResult = { expected: [], named: [], right: false, wrong: [`it could not be broken: ${error instanceof Error ? error.message : String(error)}`], expectedAlerts: [], alerts: [], others: [] }
    return { row: { name: broken.name, says: broken.says, at: new Date(from).toISOString(), fleets: { shared: failed, bare: failed } }, from, healed: from, to: Date.now() }
  }
  let named: FleetResult[]
  try {
    named = await Promise.all(FLEETS.map(fleet => untilNamed(watched(fleet), expectation[fleet], from)))
  } finally {
    await heal()
  }
  const healed = Date.now()
  const results = await Promise.all(FLEETS.map((fleet, index) => untilRecovered(watched(fleet), named[index] as FleetResult, from, healed)))
  const [shared, bare] = results as [FleetResult, FleetResult]
  return { row: { name: broken.name, says: broken.says, at: new Date(from).toISOString(), ...(expectation.why === undefined ? {} : { why: expectation.why }), fleets: { shared, bare } }, from, healed, to: Date.now() }
}
