// The whole matrix over a lab that runs: all well, each break, and the domains that are broken for good.
import { CAUSES } from '@dialtone/contracts'
import { EDGE_PEERS } from '../fleet/resources.ts'
import { EDGE, OURS, PEERS, type Break, type FleetName, type Lab } from '../seams.ts'
import { keyOf, told } from './compare.ts'
import { EXPECTED, HEALTHY, STANDING_EXPECTED } from './expected.ts'
import type { FleetResult, MatrixResult, RowResult } from './result.ts'
import { FLEETS } from './result.ts'
import { rowLine } from './table.ts'
import { runRow, type RanRow } from './run-row.ts'
import { PATIENCE, beforeOf, untilNamed, type Before, type Patience, type Watched } from './watch.ts'

export type MatrixOptions = {
  lab: Required<Lab>
  breaks: readonly (Break & { name: keyof typeof EXPECTED })[]
  /** The domains that are broken for good as well. */
  standing: boolean
  signal: AbortSignal
  /** Told as it goes. */
  say: (line: string) => void
  /** After each break, with its times and all rows so far. */
  ran?: (row: RanRow, soFar: MatrixResult) => Promise<void>
  patience?: Patience
  /** Which alerts count, by their labels. Default all but that control is down: its `for` is four seconds here, which a busy machine lets it wait. */
  about?: Watched['about']
}

export async function runMatrix ({ lab, breaks, standing, signal, say, ran, patience = PATIENCE, about = ({ alertname }) => alertname !== 'DialtoneControlDown' }: MatrixOptions): Promise<MatrixResult> {
  const began = Date.now()
  const healthy = await untilHealthy({ lab, signal, patience })
  say(rowLine(healthy))
  const [shared, bare] = await Promise.all(FLEETS.map(fleet => beforeOf({ fleets: lab.fleets, fleet, signal, patience })))
  if (shared === undefined || bare === undefined) throw new Error('there are two fleets')
  const before: Record<FleetName, Before> = { shared, bare }
  const rows: RowResult[] = []
  for (const [index, broken] of breaks.entries()) {
    signal.throwIfAborted()
    say(`[${index + 1}/${breaks.length}] ${broken.name}: ${broken.says}`)
    const result = await runRow({ lab, broken, expectation: EXPECTED[broken.name], before, signal, patience, about })
    rows.push(result.row)
    say(rowLine(result.row))
    await ran?.(result, { healthy, breaks: rows, standing: [], seconds: secondsSince(began) })
  }
  return {
    healthy, breaks: rows, standing: standing ? await runStanding({ lab, before, signal, patience, say }) : [],
    seconds: secondsSince(began),
  }
}

/** Every domain and pair that is configured is healthy, but for what is known. */
async function untilHealthy ({ lab, signal, patience }: Pick<MatrixOptions, 'lab' | 'signal'> & { patience: Patience }): Promise<RowResult> {
  const since = Date.now()
  const watch = async (fleet: FleetName): Promise<FleetResult> => {
    const known = HEALTHY[fleet]
    const well = SUBJECTS.filter(subject => !known.some(each => keyOf(each) === keyOf(subject))).map(subject => ({ ...subject, cause: 'healthy' as const, state: 'up' as const }))
    const result = await untilNamed({ fleets: lab.fleets, fleet, before: NOTHING_BEFORE, signal, patience }, { rows: [...known, ...well], alerts: [] }, since)
    const all = ['every domain and pair is healthy', ...known.map(each => `but for ${told(each)}`)]
    return { ...result, expected: all, named: result.right ? all : result.named.filter(each => !each.includes(': healthy')), others: [] }
  }
  const [shared, bare] = await Promise.all([watch('shared'), watch('bare')])
  return { name: 'nothing', says: 'nothing is broken', at: new Date(since).toISOString(), fleets: { shared, bare } }
}

function secondsSince (began: number): number {
  return Math.round((Date.now() - began) / 1000)
}

const NOTHING_BEFORE: Before = { rows: new Map(), alerts: new Set() }
const SUBJECTS: readonly { domain: string, peer?: string }[] = [{ domain: OURS }, { domain: EDGE }, ...PEERS.map(peer => ({ domain: OURS, peer })), ...EDGE_PEERS.map(peer => ({ domain: EDGE, peer }))]

/** They are peers for a while. Each is a row of its own; that the others are broken, too, is no surprise. */
async function runStanding ({ lab, before, signal, patience, say }: Pick<MatrixOptions, 'lab' | 'signal' | 'say'> & { before: Record<FleetName, Before>, patience: Patience }): Promise<RowResult[]> {
  const since = Date.now()
  await lab.fleets.standing(true)
  try {
    return await Promise.all(STANDING_EXPECTED.map(async ({ domain, expectation }): Promise<RowResult> => {
      const watch = async (fleet: FleetName): Promise<FleetResult> => ({
        ...await untilNamed({ fleets: lab.fleets, fleet, before: before[fleet], signal, patience, about: labels => labels['peer'] === domain }, { ...expectation[fleet], follows: [{ domain: OURS, causes: CAUSES }] }, since), others: [],
      })
      const [shared, bare] = await Promise.all([watch('shared'), watch('bare')])
      const row = { name: domain, says: 'so for good', at: new Date(since).toISOString(), ...(expectation.why === undefined ? {} : { why: expectation.why }), fleets: { shared, bare } }
      say(rowLine(row))
      return row
    }))
  } finally {
    await lab.fleets.standing(false)
  }
}
