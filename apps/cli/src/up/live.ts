// Below the banner, on a terminal: which causes were named just now. A fleet that starts names many at once, so these are one line a second, not one each.
import type { LiveEvent, OverviewRow } from '@dialtone/contracts'
import type { Api } from '../client/api.ts'
import { allPages } from '../client/command.ts'
import { follow } from '../client/events.ts'
import { wrap, type Terminal } from '../terminal.ts'
import { subjectOf } from '../text/fleet.ts'
import { liveLine, type Known } from '../text/live.ts'

const EVERY_MS = 1000
/** More at once are counted. */
const MOST_LINES = 3

/** Until `signal` is aborted. What goes wrong here is nothing that stops the fleet. */
export async function liveLines (api: Api, tell: (text: string) => void, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const known: Known = new Map()
  let fresh: OverviewRow[] = []
  const flush = () => {
    const changed = fresh.filter(row => {
      const before = known.get(subjectOf(row))
      return before === undefined ? row.state !== 'up' : before.cause !== row.cause || before.state !== row.state
    })
    if (changed.length > MOST_LINES) {
      const causes = new Set(changed.map(({ cause }) => cause))
      tell(`${terminal.paint('dim', clock())}  ${wrap(`${changed.length} named: ${[...causes].toSorted().join(', ')}`, terminal.columns - 10, ' '.repeat(10))}\n`)
      for (const row of changed) known.set(subjectOf(row), row)
    } else for (const row of changed) tell(liveLine({ on: 'verdict.changed', row }, new Date().toISOString(), known, terminal) ?? '')
    for (const row of fresh) known.set(subjectOf(row), row)
    fresh = []
  }
  const timer = setInterval(flush, EVERY_MS)
  const hear = (event: LiveEvent) => {
    if (event.on === 'verdict.changed') fresh.push(event.row)
    else tell(liveLine(event, new Date().toISOString(), known, terminal) ?? '')
  }
  try {
    // What was remembered is no news.
    for (const row of (await allPages<'domains', OverviewRow>(api, '/v1/overview', 'domains', {})).domains) known.set(subjectOf(row), row)
    await follow(api, 'verdict,agent', { event: hear }, signal)
  } catch {
    if (!signal.aborted) tell('no more live lines: the API does not accept the token that is kept here\n')
  } finally {
    clearInterval(timer)
  }
}

function clock (): string {
  return new Date().toISOString().slice(11, 19)
}
