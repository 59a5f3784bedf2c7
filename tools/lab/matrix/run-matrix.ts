// The whole matrix over a lab that runs: all well, each break, and the domains that are broken for good.
import { setTimeout as pause } from 'node:timers/promises'
import type { Break, FleetName, Lab } from '../seams.ts'
import { changed, rowsOf, told } from './compare.ts'
import { EVERYBODY_ELSE, EXPECTED, HEALTHY, KNOWN, STANDING_EXPECTED } from './expected.ts'
import { EVERYBODY_ELSE_ROW, FLEETS, type FleetResult, type MatrixResult, type RowResult, type SetUp } from './result.ts'
import { rowLine } from './table.ts'
import { rowOf, runRow, type RanRow } from './run-row.ts'
import { PATIENCE, comingOf, untilEnded, watchBroken, watchRecovery, type Patience, type Watched } from './watch.ts'

export type MatrixOptions = {
  lab: Required<Lab>
  breaks: readonly (Break & { name: keyof typeof EXPECTED })[]
  /** The domains that are broken for good as well. */
  standing: boolean
  /** What it runs on: kept with each row. */
  setUp: SetUp
  signal: AbortSignal
  /** Told as it goes. */
  say: (line: string) => void
  /** After each break, with its times and all rows so far. */
  ran?: (row: RanRow, soFar: MatrixResult) => Promise<void>
  patience?: Patience
}

type Given = Pick<MatrixOptions, 'lab' | 'setUp' | 'signal'> & { patience: Patience }

const BEFORE = rowsOf(HEALTHY.map(each => ({ ...each, sentence: 'all is well' })))
const POLL_MS = 500

/** All rows, one after another. A row that is wrong is a result; fails when a break cannot be healed, or it is aborted. */
export async function runMatrix ({ lab, breaks, standing, setUp, signal, say, ran, patience = PATIENCE }: MatrixOptions): Promise<MatrixResult> {
  const given = { lab, setUp, signal, patience }
  const healthy = await runHealthy(given)
  say(rowLine(healthy))
  const rows: RowResult[] = []
  for (const [index, broken] of breaks.entries()) {
    signal.throwIfAborted()
    say(`[${index + 1}/${breaks.length}] ${broken.name}: ${broken.says}`)
    const result = await runRow({ ...given, broken, expectation: EXPECTED[broken.name], before: BEFORE })
    rows.push(result.row)
    say(rowLine(result.row))
    await ran?.(result, { healthy, breaks: rows, standing: [] })
  }
  const ofStanding = standing ? await runStanding(given) : []
  for (const row of ofStanding) say(rowLine(row))
  return { healthy, breaks: rows, standing: ofStanding }
}

/** Every domain and pair that is configured is healthy, but for what is known, and stays so; nobody is told of anything. What was told of while it came up has ended. */
async function runHealthy ({ lab, setUp, signal, patience }: Given): Promise<RowResult> {
  const from = Date.now()
  const came = await Promise.all(FLEETS.map(fleet => untilUp({ lab, signal, patience }, fleet)))
  const since = Date.now()
  const results = await untilEnded(FLEETS.map(fleet => watchBroken({ fleets: lab.fleets, fleet, before: BEFORE, patience: { ...patience, settledMs: 0 } }, { rows: [], alerts: [] }, since)), signal)
  const all = ['every domain and pair is healthy', ...KNOWN.map(each => `but for ${told(each)}`)]
  return rowOf({ name: 'nothing', says: 'nothing is broken', from, expectation: { afterwards: true }, setUp }, results.map((result, at): FleetResult => {
    const wrong = [...came[at] ?? [], ...result.wrong]
    return { ...result, expected: all, named: wrong.length === 0 ? all : result.named, right: wrong.length === 0, wrong }
  }))
}

/** Until a fleet is healthy and no alert is out or on its way. Gives what is left of that when patience is at its end. */
async function untilUp ({ lab: { fleets }, signal, patience }: Omit<Given, 'setUp'>, fleet: FleetName): Promise<string[]> {
  const until = Date.now() + patience.nameMs + patience.recoverMs
  for (;;) {
    const left = await Promise.all([fleets.rows(fleet), comingOf(fleets, fleet)])
      .then(([rows, coming]) => [...changed(BEFORE, rowsOf(rows)).map(row => `${told(row)}: ${row.sentence}`), ...coming], (error: unknown) => [`it did not answer: ${error instanceof Error ? error.message : String(error)}`])
    if (left.length === 0 || Date.now() > until) return left
    await pause(POLL_MS, undefined, { signal })
  }
}

/** They are peers for a while: a row of each, one of everybody else, who is to be as ever. */
async function runStanding ({ lab: { fleets }, setUp, signal, patience }: Given): Promise<RowResult[]> {
  const from = Date.now()
  const broken = new Set<string | undefined>(STANDING_EXPECTED.map(({ domain }) => domain))
  const rows = [
    ...STANDING_EXPECTED.map(({ domain, expectation }) => ({ name: domain as string, says: 'so for good', expectation, before: rowsOf([]), about: ({ peer }: { peer?: string | undefined }) => peer === domain })),
    { name: EVERYBODY_ELSE_ROW, says: 'all others, while those are peers', expectation: EVERYBODY_ELSE, before: BEFORE, about: ({ peer }: { peer?: string | undefined }) => !broken.has(peer) },
  ].flatMap(row => FLEETS.map(fleet => ({ ...row, fleet, watched: { fleets, fleet, patience, before: row.before, about: row.about } satisfies Watched })))
  let named: FleetResult[]
  let healing: number
  try {
    await fleets.standing(true)
    named = await untilEnded(rows.map(({ watched, expectation, fleet }) => watchBroken(watched, expectation[fleet], from)), signal)
  } finally {
    healing = Date.now()
    await fleets.standing(false)
  }
  // When they are gone everybody is as before: told with everybody else.
  const recovered = await untilEnded(rows.filter(({ name }) => name === EVERYBODY_ELSE_ROW).map(({ watched, expectation, fleet }, at) => watchRecovery(watched, expectation[fleet], named.at(at - FLEETS.length) as FleetResult, { since: from, healing })), signal)
  const results = [...named.slice(0, -FLEETS.length), ...recovered]
  return rows.flatMap(({ name, says, expectation, fleet }, at) => fleet === FLEETS[0] ? [rowOf({ name, says, from, expectation, setUp }, results.slice(at, at + FLEETS.length))] : [])
}
