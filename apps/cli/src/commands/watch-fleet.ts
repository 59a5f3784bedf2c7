// dialtone watch without a domain: the whole fleet, live. Lines are only added, so that a pipe, a log and a screen reader can follow.
import type { LiveEvent, OverviewRow, Summary } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { ASKING, allPages, apiOf, type Environment } from '../client/command.ts'
import { follow } from '../client/events.ts'
import { WATCH_HELP } from '../help.ts'
import { countOf, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { overviewTable, subjectOf, summaryLine } from '../text/fleet.ts'
import { liveLine, type Known } from '../text/live.ts'

const OPTIONS = { ...ASKING, count: { type: 'string' }, quiet: { type: 'boolean' } } as const
export const TOPICS = 'verdict,incident,change,agent,resource,gateway'

/** Until a signal, or `--count` lines; resolves to 0. Rejects with an OperatorError `reader-gone` at the first line that nobody reads. */
export async function runWatchFleet (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('watch', OPTIONS, args)
  if (values.help === true) return out.print(WATCH_HELP)
  if (positionals.length > 0) throw new OperatorError('usage', "watch DOMAIN checks from here and asks no control API; to look at one domain of the fleet: dialtone describe DOMAIN")
  const json = formatOf(values) === 'json'
  const count = values.count === undefined ? Number.POSITIVE_INFINITY : countOf('--count', values.count, 1, 999_999_999)
  const api = await apiOf(values, environment, signal)
  const enough = new AbortController()
  const until = AbortSignal.any([signal, enough.signal])
  const known: Known = new Map()
  let told = 0
  const tell = (line: string) => {
    if (told >= count) return
    out.tell(line)
    told++
    if (told >= count) enough.abort()
  }
  const snapshot = async (first: boolean) => {
    const [summary, { domains, asOf }] = await Promise.all([api.get<Summary>('/v1/summary'), allPages<'domains', OverviewRow>(api, '/v1/overview', 'domains', {})])
    const bad = domains.filter(({ state }) => state !== 'up')
    if (json) tell(JSON.stringify({ on: 'snapshot', at: asOf, summary, domains }) + '\n')
    else if (first) out.tell([`now       ${summaryLine(summary, { ...out.terminal, columns: out.terminal.columns - 10 }).replace('\n', `\n${' '.repeat(10)}`)}`, ...(bad.length === 0 ? [] : ['', ...overviewTable(bad, asOf, out.terminal), '']), ''].join('\n'))
    // What changed while nobody told us.
    else for (const row of domains) hear({ on: 'verdict.changed', row }, asOf)
    for (const row of domains) known.set(subjectOf(row), row)
  }
  const hear = (event: LiveEvent, at = new Date().toISOString()) => {
    const line = json ? JSON.stringify({ ...event, at }) + '\n' : liveLine(event, at, known, out.terminal)
    if (line !== undefined) tell(line)
  }
  if (!json && values.quiet !== true) out.progress(`watching the fleet of ${api.connection.base}; changes only. Ctrl-C stops\n`)
  await snapshot(true)
  let lost = false
  try {
    await follow(api, TOPICS, {
      event: event => hear(event),
      resync: () => { snapshot(false).catch(() => undefined) },
      lost: (why, attempt) => {
        lost = true
        if (values.quiet !== true) out.progress(`${new Date().toISOString().slice(11, 19)}  stale   ${why}; reconnecting (try ${attempt})\n`)
      },
      live: () => {
        if (lost && values.quiet !== true) out.progress(`${new Date().toISOString().slice(11, 19)}  live    again\n`)
        lost = false
      },
    }, until)
  } catch (error) {
    if (!enough.signal.aborted) throw error
  }
  return 0
}
