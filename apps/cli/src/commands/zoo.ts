// dialtone zoo: every known failure acted out on this machine, and whether the checks name the right cause.
import { OperatorError, quoted } from '@dialtone/kernel'
import { SCENARIOS, type Scenario } from '@dialtone/zoo'
import { confusionMatrix, offDiagonal } from '../confusion.ts'
import { ZOO_HELP } from '../help.ts'
import { COMMON, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { judged, runZoo as runScenarios, type Outcome } from '../run-zoo.ts'
import type { Terminal } from '../terminal.ts'
import { milliseconds } from '../text/endpoints.ts'
import { reportText } from '../text/report.ts'

const OPTIONS = { ...COMMON, list: { type: 'boolean' }, report: { type: 'boolean' } } as const
/** Scenarios at once: most of their time is waiting, and a slow machine must not make a peer look slow. */
const PARALLEL = 8

/** Runs the command; resolves to 0 when each verdict is the right one, to 1 otherwise. */
export async function runZoo (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse('zoo', OPTIONS, args)
  if (values.help === true) return out.print(ZOO_HELP)
  const json = formatOf(values) === 'json'
  const scenarios = positionals.length === 0 ? SCENARIOS : positionals.map(named)
  if (values.list === true) return out.print(json ? JSON.stringify(scenarios.map(({ name, title, expects }) => ({ name, title, expects })), null, 2) + '\n' : scenarios.map(({ name, title }) => `${name}  ${title}\n`).join(''))

  const began = performance.now()
  let finished = 0
  if (!json) out.progress(`${scenarios.length} scenarios on loopback: a DNS server and scripted peers for each\n`)
  const outcomes = await runScenarios(scenarios, {
    parallel: PARALLEL,
    signal,
    done: outcome => {
      finished++
      if (!json) out.progress(`${String(finished).padStart(4)} of ${scenarios.length}  ${line(outcome, out.errors)}\n`)
    },
  })
  if (json) out.print(JSON.stringify(outcomes.map(asJson), null, 2) + '\n')
  else out.print(values.report === true ? outcomes.map(outcome => 'report' in outcome ? reportText(outcome.report, out.terminal, { transcript: true }) : '').join('\n') : summary(outcomes, performance.now() - began, out.terminal))
  return outcomes.every(outcome => !('report' in outcome) || outcome.right) ? 0 : 1
}

function named (name: string): Scenario {
  const scenario = SCENARIOS.find(known => known.name === name)
  if (scenario === undefined) throw new OperatorError('usage', `there is no scenario '${quoted(name, 60)}'. See: dialtone zoo --list`)
  return scenario
}

function summary (outcomes: readonly Outcome[], ms: number, terminal: Terminal): string {
  const ran = judged(outcomes)
  const wrong = outcomes.filter(outcome => 'report' in outcome && !outcome.right)
  const missing = outcomes.filter(outcome => 'notRun' in outcome)
  return [
    '', terminal.paint('bold', 'verdicts'),
    ...outcomes.map(outcome => line(outcome, terminal)),
    '', terminal.paint('bold', 'expected (rows) against named cause (columns)'),
    ...confusionMatrix(ran),
    '',
    `${ran.length} scenarios in ${milliseconds(ms / 1000)} s: ${ran.length - wrong.length} right, ${wrong.length} wrong, ${offDiagonal(ran).length} off the diagonal${missing.length === 0 ? '' : `, ${missing.length} not run on this machine`}`,
    '',
  ].join('\n')
}

function line (outcome: Outcome, { paint, shapes }: Terminal): string {
  const { name, expects } = outcome.scenario
  if ('notRun' in outcome) return `${paint('cyan', shapes.unknown)} ${name.padEnd(34)} not run: ${outcome.notRun}`
  const { cause, state } = outcome.report.verdict
  const got = `${cause} (${state})`
  return outcome.right
    ? `${paint('green', shapes.ok)} ${name.padEnd(34)} ${got.padEnd(42)} ${milliseconds(outcome.ms).padStart(5)} ms`
    : `${paint('red', shapes.failed)} ${name.padEnd(34)} ${got}, expected ${expects.cause} (${expects.state})`
}

function asJson (outcome: Outcome): object {
  const { name, title, expects } = outcome.scenario
  return 'notRun' in outcome ? { name, title, expects, notRun: outcome.notRun } : { name, title, expects, right: outcome.right, ms: outcome.ms, verdict: outcome.report.verdict }
}
