// One row of the matrix: something is broken, both fleets are watched, it is healed, and both are watched until all is as before.
import type { Break, Lab } from '../seams.ts'
import { LeftBroken } from '../world/undo.ts'
import type { Rows } from './compare.ts'
import type { Expectation } from './expected.ts'
import { FLEETS, type FleetResult, type RowResult, type SetUp } from './result.ts'
import { untilEnded, watchBroken, watchRecovery, type Patience, type Watched } from './watch.ts'

export type RunRow = { lab: Required<Lab>, broken: Break, expectation: Expectation, before: Rows, setUp: SetUp, signal: AbortSignal, patience: Patience }
/** `from`, `to`: milliseconds, of what was watched. */
export type RanRow = { row: RowResult, expectation: Expectation, from: number, to: number }

/** Whatever happens, it is healed. Fails when it cannot be healed, or is aborted. */
export async function runRow ({ lab, broken, expectation, before, setUp, signal, patience }: RunRow): Promise<RanRow> {
  const from = Date.now()
  const row = (results: readonly FleetResult[]): RanRow => ({ row: rowOf({ name: broken.name, says: broken.says, from, expectation, setUp }, results), expectation, from, to: Date.now() })
  let heal: () => Promise<void>
  try {
    heal = await broken.breaks(lab)
  } catch (error) {
    if (error instanceof LeftBroken) await error.undo()
    const failed: FleetResult = { expected: [], named: [], right: false, wrong: [`it could not be broken: ${error instanceof Error ? error.message : String(error)}`], expectedAlerts: [], alerts: [], others: [] }
    return row([failed, failed])
  }
  const watched = FLEETS.map((fleet): Watched => ({ fleets: lab.fleets, fleet, before, patience }))
  let named: FleetResult[]
  let healing: number
  try {
    named = await untilEnded(watched.map(each => watchBroken(each, expectation[each.fleet], from)), signal)
  } finally {
    healing = Date.now()
    await heal()
  }
  return row(await untilEnded(watched.map((each, at) => watchRecovery(each, expectation[each.fleet], named[at] as FleetResult, { since: from, healing })), signal))
}

/** `results`: of `shared` and of `bare`. */
export function rowOf ({ name, says, from, expectation: { why, users, afterwards }, setUp }: { name: string, says: string, from: number, expectation: Omit<Expectation, 'shared' | 'bare'>, setUp: SetUp }, [shared, bare]: readonly FleetResult[]): RowResult {
  if (shared === undefined || bare === undefined) throw new Error('there are two fleets')
  return {
    name, says, at: new Date(from).toISOString(), setUp,
    ...(why === undefined ? {} : { why }), ...(users === undefined ? {} : { users }), ...(afterwards === undefined ? {} : { afterwards }), fleets: { shared, bare },
  }
}
