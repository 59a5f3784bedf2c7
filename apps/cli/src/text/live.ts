// One line for one live event.
import type { GatewayView, LiveEvent, OverviewRow } from '@dialtone/contracts'
import { quoted, unreachable } from '@dialtone/kernel'
import { wrap, type Terminal } from '../terminal.ts'
import { subjectOf } from './fleet.ts'
import { stateWord } from './states.ts'
import { spanOf } from './watching.ts'

/** The last row of each subject, by `subjectOf`; `gateways`: how each was last told. */
export type Known = Map<string, OverviewRow> & { gateways?: Map<string, string> }

const INDENT = 10
const STATE_WIDTH = 11

/** Undefined where the event changes nothing that a person sees. Remembers the row of a verdict. */
export function liveLine (event: LiveEvent, at: string, known: Known, terminal: Terminal): string | undefined {
  const what = saidOf(event, known, terminal)
  if (what === undefined) return undefined
  return `${terminal.paint('dim', at.slice(11, 19))}  ${wrap(what, terminal.columns - INDENT, ' '.repeat(INDENT))}\n`
}

function saidOf (event: LiveEvent, known: Known, terminal: Terminal): string | undefined {
  switch (event.on) {
    case 'verdict.changed': return verdictOf(event.row, known, terminal)
    case 'change': return `${'change'.padEnd(STATE_WIDTH)} ${event.change.domain} ${event.change.kind}: ${quoted(event.change.what, 300)}`
    case 'agent': return event.agent.state === 'running' && event.agent.findings.length === 0 ? undefined : `${'agent'.padEnd(STATE_WIDTH)} ${event.agent.agent} of ${event.agent.vantage} ${event.agent.state}${event.agent.findings.map(({ says }) => `: ${quoted(says, 200)}`).join('')}`
    case 'agent.gone': return `${'agent'.padEnd(STATE_WIDTH)} ${event.agent} of ${event.vantage} is gone`
    case 'resource.changed': return `${'resource'.padEnd(STATE_WIDTH)} ${event.kind} ${event.name} ${event.gone ? 'deleted' : 'changed'}, revision ${event.revision}`
    case 'gateway': return gatewayOf(event.gateway, known)
    case 'gateway.event': return `${'gateway'.padEnd(STATE_WIDTH)} ${event.event.gateway} ${event.event.on}: ${quoted(event.event.says, 300)}`
    case 'check': case 'summary': return undefined
    case 'incident.opened': case 'incident.confirmed': case 'incident.cause-changed': case 'incident.reminded': case 'incident.recovered': case 'incident.resolved': case 'incident.withdrawn': {
      const { incident } = event
      const others = incident.subjects.length > 1 ? ` and ${incident.subjects.length - 1} more` : ''
      const lasted = incident.resolvedAt === undefined ? '' : ` after ${spanOf(Date.parse(incident.resolvedAt) - Date.parse(incident.openedAt))}`
      return `${'incident'.padEnd(STATE_WIDTH)} ${incident.id} ${event.on.slice('incident.'.length)}: ${incident.cause}, ${subjectOf(incident.subjects[0] ?? incident)}${others}${lasted}`
    }
    default: return unreachable(event)
  }
}

/** It tells of itself every few seconds: what is the same is not said again. */
function gatewayOf ({ gateway, state, healthy, says }: GatewayView, known: Known): string | undefined {
  const now = healthy || state === 'absent' ? state : `${state}, not well`
  known.gateways ??= new Map()
  const before = known.gateways.get(gateway) ?? 'running'
  known.gateways.set(gateway, now)
  return before === now ? undefined : `${'gateway'.padEnd(STATE_WIDTH)} ${gateway} ${now}: ${quoted(says, 300)}`
}

function verdictOf (row: OverviewRow, known: Known, terminal: Terminal): string | undefined {
  const subject = subjectOf(row)
  const before = known.get(subject)
  known.set(subject, row)
  if (before !== undefined && before.state === row.state && before.cause === row.cause) return undefined
  const after = before === undefined || before.state === row.state ? '' : ` after ${spanOf(Math.max(0, Date.parse(row.since) - Date.parse(before.since)))} of ${before.cause}`
  return `${stateWord(row.state, terminal, STATE_WIDTH)} ${subject}  ${row.cause}${after}: ${quoted(row.sentence, 300)}`
}
