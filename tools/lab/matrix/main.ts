/**
 * `npm run lab:matrix [-- --only a,b] [--write] [--json] [--keep]`: brings the lab up with two fleets, breaks one thing after another, and prints the confusion matrix. A whole run is kept
 * in tools/lab/results/matrix.json, docs/operating/lab-matrix.md and deploy/prometheus/recorded.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { RECORDED } from '@dialtone/deploy/prometheus'
import { BREAKS, type BreakName } from '../breaks/index.ts'
import { startFleets } from '../fleet/start-fleets.ts'
import { TIME_SCALE } from '../fleet/watching.ts'
import { keepRecording, record } from '../recording/record.ts'
import type { Fleets, World } from '../seams.ts'
import { startWorld } from '../world/index.ts'
import { EVERYBODY_ELSE_ROW, allOf, isRight, mergedWith, type MatrixResult, type SetUp } from './result.ts'
import { STANDING_EXPECTED } from './expected.ts'
import { ROOT, readKept, writeKept } from './kept.ts'
import { runMatrix } from './run-matrix.ts'
import type { RanRow } from './run-row.ts'
import { matrixText } from './table.ts'

const HELP = `npm run lab:matrix [-- --only NAME[,NAME]...] [--write] [--json] [--keep]

Brings the lab up with two fleets, breaks one thing after another, waits for both verdicts, heals,
and prints what was named: about 56 minutes. Exit code 1 if a row is wrong, 70 if it could not
go on: the lab does not come up, or a break is not healed.

  --only a,b   these breaks alone; 'standing' is the domains that are broken for good
  --write      keeps the result of some rows, too, in place of what was kept of them
  --json       the result as JSON; progress goes to stderr
  --keep       leaves the lab up until it is interrupted
  --list       the names
  --help
`
const [RIGHT, WRONG, USAGE, FAILED, INTERRUPTED] = [0, 1, 64, 70, 130]

/** `args`: of the command line. Resolves to the exit code; what is found goes to stdout, progress to stderr. */
export async function runMatrixCommand (args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'number') return options
  const { only, json, keep, write } = options
  const interrupt = new AbortController()
  const onSignal = (): void => interrupt.abort(new Error('interrupted'))
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  const began = Date.now()
  const say = (line: string): void => { process.stderr.write(`${String(Math.round((Date.now() - began) / 1000)).padStart(5)} s  ${line}\n`) }
  let world: World | undefined
  let fleets: Fleets | undefined
  try {
    const kept = readKept()
    const keepResult = (result: MatrixResult, merge: boolean): void => { writeKept(merge && kept !== undefined ? mergedWith(kept, result, ORDER) : result) }
    // Processes load the files of now; until all are up, somebody may have changed them.
    const runsOn = setUp()
    world = await startWorld()
    say('the network is up')
    fleets = await startFleets(world, { log: say })
    const lab = { world, fleets }
    const breaks = only === undefined ? BREAKS : only.flatMap(name => BREAKS.find(each => each.name === name) ?? [])
    const result = await runMatrix({
      lab, breaks, standing: only === undefined || only.includes('standing'), setUp: runsOn, signal: interrupt.signal, say,
      // Of a run that is interrupted the rows are kept that ended.
      ran: async (row, soFar) => {
        if (!write) return
        await recordRow(lab.fleets, row, say)
        keepResult(soFar, true)
      },
    })
    if (write) keepResult(result, only !== undefined)
    console.log(json ? JSON.stringify(result, undefined, 2) : matrixText(result))
    if (keep) {
      say('the lab stays up until it is interrupted')
      await new Promise(resolve => interrupt.signal.addEventListener('abort', resolve, { once: true }))
    }
    return allOf(result).every(isRight) ? RIGHT : WRONG
  } catch (error) {
    say(interrupt.signal.aborted ? 'interrupted' : `it cannot go on: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    return interrupt.signal.aborted ? INTERRUPTED : FAILED
  } finally {
    try {
      await fleets?.stop()
    } finally {
      await world?.stop()
    }
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal)
  }
}

/** What the fleet with the secret exported, and the alert that is expected. What was recorded before stays where the row is wrong, or the rules make something else of it. */
async function recordRow (fleets: Fleets, { row, expectation, from, to }: RanRow, say: (line: string) => void): Promise<void> {
  if (!row.fleets.shared.right) return say(`${row.name} is not recorded: the row is wrong`)
  const told = expectation.shared.alerts[0] ?? { alert: null, labels: {} }
  const why = await record(fleets.prometheus('shared'), { name: row.name, from, to, scale: row.setUp.scale, told }).then(recording => keepRecording(RECORDED, recording), (error: unknown) => String(error))
  if (why !== undefined) say(`${row.name} is not recorded: ${why}`)
}

/** The commit, with a mark where files are changed. */
function setUp (): SetUp {
  const git = (...args: readonly string[]): string => spawnSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).stdout.trim()
  const changes = git('status', '--porcelain', '--untracked-files=no')
  return { commit: `${git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : ' and changes'}`, scale: TIME_SCALE, processors: availableParallelism() }
}

const ORDER = [...BREAKS.map(({ name }) => name), ...STANDING_EXPECTED.map(({ domain }) => domain), EVERYBODY_ELSE_ROW]

function readOptions (args: readonly string[]): { only?: string[], json: boolean, keep: boolean, write: boolean } | number {
  try {
    const { values } = parseArgs({ args: [...args], options: { only: { type: 'string', multiple: true }, json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false }, write: { type: 'boolean', default: false }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
    if (values.help === true || values.list === true) {
      process.stdout.write(values.help === true ? HELP : `${[...BREAKS, { name: 'standing', says: 'the domains that are broken for good' }].map(({ name, says }) => `${name.padEnd(24)} ${says}`).join('\n')}\n`)
      return RIGHT
    }
    const only = values.only?.flatMap(each => each.split(','))
    const unknown = only?.find(name => name !== 'standing' && !BREAKS.some(each => each.name === name as BreakName))
    if (unknown === undefined) return { ...(only === undefined ? {} : { only }), json: values.json, keep: values.keep, write: values.write || only === undefined }
    process.stderr.write(`there is no break '${unknown}'; see --list\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${HELP}`)
  }
  return USAGE
}
