/**
 * `npm run lab:matrix [-- --only a,b] [--json] [--keep]`: brings the lab up with two fleets, breaks one thing after another, and prints the confusion matrix. A whole run is kept
 * in tools/lab/results/matrix.json, docs/operating/lab-matrix.md and deploy/prometheus/recorded.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BREAKS, type BreakName } from '../breaks/index.ts'
import { startFleets } from '../fleet/start-fleets.ts'
import { record, writeRecording } from '../recording/record.ts'
import type { Fleets, World } from '../seams.ts'
import { startWorld } from '../world/index.ts'
import { allOf, isRight, type MatrixResult } from './result.ts'
import { runMatrix } from './run-matrix.ts'
import type { RanRow } from './run-row.ts'
import { matrixPage, matrixText } from './table.ts'

const HELP = `npm run lab:matrix [-- --only NAME[,NAME]...] [--json] [--keep]

Brings the lab up with two fleets, breaks one thing after another, waits for both verdicts, heals,
and prints what was named: about 40 minutes. Exit code 1 if a row is wrong.

  --only a,b   these breaks alone; 'standing' is the domains that are broken for good. Kept nowhere
  --json       the result as JSON; progress goes to stderr
  --keep       leaves the lab up until it is interrupted
  --list       the names
  --help
`
const ROOT = resolve(import.meta.dirname, '../../..')
const [RIGHT, WRONG, USAGE, INTERRUPTED] = [0, 1, 64, 130]

export async function runMatrixCommand (args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'number') return options
  const { only, json, keep } = options
  const interrupt = new AbortController()
  const onSignal = (): void => interrupt.abort(new Error('interrupted'))
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  const began = Date.now()
  const say = (line: string): void => { process.stderr.write(`${String(Math.round((Date.now() - began) / 1000)).padStart(5)} s  ${line}\n`) }
  let world: World | undefined
  let fleets: Fleets | undefined
  try {
    world = await startWorld()
    say('the network is up')
    fleets = await startFleets(world, { log: say })
    const lab = { world, fleets }
    const breaks = only === undefined ? BREAKS : BREAKS.filter(({ name }) => only.includes(name))
    const result = await runMatrix({
      lab, breaks, standing: only === undefined || only.includes('standing'), signal: interrupt.signal, say, ...(only === undefined ? {} : { only }),
      ran: async row => { if (only === undefined) await recordRow(lab.fleets, row) },
    })
    if (only === undefined) keepResult(result)
    console.log(json ? JSON.stringify(result, undefined, 2) : matrixText(result))
    if (keep) {
      say('the lab stays up until it is interrupted')
      await new Promise(resolve => interrupt.signal.addEventListener('abort', resolve, { once: true }))
    }
    return allOf(result).every(isRight) ? RIGHT : WRONG
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
    say('interrupted')
    return INTERRUPTED
  } finally {
    await fleets?.stop()
    await world?.stop()
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal)
  }
}

/** What the fleet with the secret exported, and the alert that it told of. */
async function recordRow (fleets: Fleets, { row, from, to }: RanRow): Promise<void> {
  const expected = row.fleets.shared.expectedAlerts
  const told = fleets.notifications('shared').find(({ at, status, alert }) => status === 'firing' && at >= from && expected.includes(alert))
  // Of what was not named as it should be there is nothing to keep.
  if (row.fleets.shared.right) writeRecording(join(ROOT, 'deploy/prometheus/recorded'), await record(fleets.prometheus('shared'), { name: row.name, from, to, told }))
}

function keepResult (result: MatrixResult): void {
  const folder = join(ROOT, 'tools/lab/results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'matrix.json'), `${JSON.stringify(result, undefined, 1)}\n`)
  writeFileSync(join(ROOT, 'docs/operating/lab-matrix.md'), matrixPage(result))
}

function readOptions (args: readonly string[]): { only?: string[], json: boolean, keep: boolean } | number {
  try {
    const { values } = parseArgs({ args: [...args], options: { only: { type: 'string', multiple: true }, json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
    if (values.help === true || values.list === true) {
      process.stdout.write(values.help === true ? HELP : `${BREAKS.map(({ name, says }) => `${name.padEnd(24)} ${says}`).join('\n')}\n`)
      return RIGHT
    }
    const only = values.only?.flatMap(each => each.split(','))
    const unknown = only?.find(name => name !== 'standing' && !BREAKS.some(each => each.name === name as BreakName))
    if (unknown === undefined) return { ...(only === undefined ? {} : { only }), json: values.json, keep: values.keep }
    process.stderr.write(`there is no break '${unknown}'; see --list\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${HELP}`)
  }
  return USAGE
}
