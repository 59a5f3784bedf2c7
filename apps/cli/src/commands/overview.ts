// dialtone overview (or status): every domain and pair of the fleet with its cause, the worst first.
import { CAUSES, SIDES, STATES, type OverviewRow, type Summary } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { ASKING, allPages, apiOf, asJson, noneIn, type Environment } from '../client/command.ts'
import { EXIT_CODE, exitCode } from '../exit-code.ts'
import { OVERVIEW_HELP } from '../help.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { overviewTable, summaryLine } from '../text/fleet.ts'

const OPTIONS = { ...ASKING, cause: { type: 'string' }, side: { type: 'string' }, only: { type: 'string' }, short: { type: 'boolean' }, at: { type: 'string' }, q: { type: 'string' }, state: { type: 'string' } } as const

/** Resolves to the exit code of the worst that is shown; 0 where nothing is. */
export async function runOverview (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('overview', OPTIONS, args)
  if (values.help === true) return out.print(OVERVIEW_HELP)
  noneIn('overview', positionals)
  const json = formatOf(values) === 'json'
  const query = {
    state: words('--state', values.state, STATES), cause: words('--cause', values.cause, CAUSES), side: words('--side', values.side, SIDES), only: words('--only', values.only, ['domains', 'pairs']), q: values.q, at: values.at,
  }
  const api = await apiOf(values, environment, signal)
  const [summary, page] = await Promise.all([api.get<Summary>('/v1/summary'), allPages<'domains', OverviewRow>(api, '/v1/overview', 'domains', query)])
  const rows = values.short === true ? page.domains.filter(({ state }) => state !== 'up') : page.domains
  if (json) out.print(asJson({ ...page, domains: rows }))
  else {
    const lines = rows.length > 0 ? overviewTable(rows, page.asOf, out.terminal)
      : [page.domains.length > 0 ? 'everything is up' : Object.values(query).some(value => value !== undefined) ? 'nothing is like this' : "nothing is configured yet: write a Domain and a Vantage and 'dialtone apply -f FILE'"]
    out.print([summaryLine(summary, out.terminal), '', ...lines, ''].join('\n'))
  }
  return rows.length === 0 ? EXIT_CODE.up : exitCode(rows.map(({ state }) => state))
}

/** Several words are written with commas between them. */
function words (option: string, text: string | undefined, known: readonly string[]): string | undefined {
  if (text === undefined) return undefined
  const wrong = text.split(',').find(word => !known.includes(word))
  if (wrong !== undefined) throw new OperatorError('usage', `${option} '${quoted(wrong, 60)}' is not known: ${known.length > 10 ? "see 'dialtone explain'" : `one of ${known.join(', ')}`}`)
  return text
}
