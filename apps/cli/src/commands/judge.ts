// dialtone judge: observations in, verdicts out. What an old observation says can be judged again by new rules.
import type { JudgeConfig, Observation, Report } from '@dialtone/contracts'
import { firstProblem, Observation as ObservationShape } from '@dialtone/contracts/schemas'
import { OperatorError, quoted } from '@dialtone/kernel'
import { judge } from '@dialtone/verdict'
import { exitCode } from '../exit-code.ts'
import { read, shown } from '../files.ts'
import { JUDGE_HELP } from '../help.ts'
import { withRunbook } from '../runbook.ts'
import { COMMON, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { headline, reportText } from '../text/report.ts'
import { reportOf } from '../report-of.ts'
import { configOf } from '../check-options.ts'

const OPTIONS = {
  ...COMMON,
  expect: { type: 'string', multiple: true },
  ours: { type: 'boolean' },
  'hosted-by': { type: 'string', multiple: true },
  profile: { type: 'string' },
} as const

/** Runs the command; resolves to the exit code. Throws OperatorError when a file cannot be read or is no observation. */
export async function runJudge (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse('judge', OPTIONS, args)
  if (values.help === true) return out.print(JUDGE_HELP)
  const format = formatOf(values)
  const config = configOf(values)
  if (positionals.length === 0) throw new OperatorError('usage', 'which file? For example: dialtone check partner.example --json > seen.json, then dialtone judge seen.json')

  const observations: Observation[] = []
  for (const file of positionals) observations.push(...await observationsIn(file, signal))
  const judged = [...Map.groupBy(observations, ({ domain }) => domain).values()].map(seen => judgeTogether(seen, config))
  // One vantage gives the same object as check; several give their reports under the common verdict.
  const printed = judged.map(entry => withRunbook(entry.reports.length === 1 && entry.reports[0] !== undefined ? entry.reports[0] : { ...entry, reports: entry.reports.map(withRunbook) }))
  if (format === 'json') out.print(JSON.stringify(printed.length === 1 ? printed[0] : printed, null, 2) + '\n')
  else out.print(judged.map(({ reports }) => textOf(reports.map(printable), out)).join('\n'))
  return exitCode(judged.map(({ verdict }) => verdict.state))
}

type Judged = Pick<Report, 'domain' | 'verdict' | 'findings'> & { reports: Report[] }

function judgeTogether (observations: readonly Observation[], config: JudgeConfig): Judged {
  const verdict = judge(observations, config)
  const reports = observations.map(observation => ({ ...reportOf(observation, config), verdict }))
  return { domain: observations[0]?.domain ?? '', verdict, findings: reports.flatMap(({ findings }) => findings), reports }
}

/** One vantage: its report. Several: the common verdict once, then what each saw. */
function textOf (reports: readonly Report[], out: Out): string {
  const [first, ...others] = reports
  if (first === undefined) return ''
  if (others.length === 0) return reportText(first, out.terminal)
  return reports.map((report, at) => at === 0 ? reportText(report, out.terminal) : `${headline(report, out.terminal)[0]}\n`).join('\n')
}

/** A file from elsewhere holds what somebody wrote: nothing of it may move a cursor or forge a line. Text that was quoted when it was seen stays as it is. */
function printable<T> (value: T): T {
  if (typeof value === 'string') return value.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, character => `\\u{${character.codePointAt(0)?.toString(16)}}`) as T
  if (Array.isArray(value)) return value.map(printable) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [printable(name), printable(inner)])) as T
}

async function observationsIn (file: string, signal: AbortSignal): Promise<Observation[]> {
  const parsed = json(await read('FILE', file === '-' ? '/dev/stdin' : file, { signal }), file)
  const candidates = (Array.isArray(parsed) ? parsed : [parsed]).flatMap((entry: unknown) => inside(entry))
  if (candidates.length === 0) throw new OperatorError('not-an-observation', `${shown(file)} holds no observation at all. It should hold what 'dialtone check --json' prints`)
  return candidates.map(candidate => {
    const problem = firstProblem(ObservationShape, candidate)
    if (problem !== undefined) throw new OperatorError('not-an-observation', `${shown(file)} holds no observation: ${problem}. It should hold what 'dialtone check --json' prints`)
    return candidate as Observation
  })
}

/** The observations of a report, of what this command printed, or the observation itself. */
function inside (entry: unknown): unknown[] {
  if (typeof entry === 'object' && entry !== null) {
    if ('observation' in entry) return [entry.observation]
    if ('reports' in entry && Array.isArray(entry.reports)) return entry.reports.map((report: unknown) => typeof report === 'object' && report !== null && 'observation' in report ? report.observation : report)
  }
  return [entry]
}

function json (text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new OperatorError('not-json', `${shown(file)} is no JSON: ${quoted(error instanceof Error ? error.message : String(error), 160)}`)
  }
}
