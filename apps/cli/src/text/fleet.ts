// What the control API answers, as tables and lines.
import type { AgentPresence, Incident, OverviewRow, State, Summary, TokenView } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { wrap, type Terminal } from '../terminal.ts'
import { STATE_COLOUR, stateWord } from './states.ts'
import { table, type Cell } from './table.ts'
import { spanOf } from './watching.ts'

/** Vantages without an agent. */
const NAMED = 3

/** `ours.example`, or `ours.example <-> peer.example` for a pair. */
export function subjectOf ({ domain, peer }: { domain: string, peer?: string }): string {
  return peer === undefined ? domain : `${domain} <-> ${peer}`
}

/** One row each, worst first as the server sorts them. `now`: the server's clock. */
export function overviewTable (rows: readonly OverviewRow[], now: string, terminal: Terminal): string[] {
  return table(['state', 'domain or pair', 'cause', 'since', 'what'], rows.map(row => [
    stateCell(row.state, terminal), subjectOf(row), row.cause, sinceOf(row.since, now), `${whose(row)}${quoted(row.sentence, 400)}${row.quietBecause === undefined ? '' : ` [quiet: ${quoted(row.quietBecause, 60)}]`}`,
  ]), terminal)
}

/** `✖ 3 down  ▲ 5 degraded  ◇ 0 unknown  ● 206 up`, what is open, and who looks; the counts on a line of their own where it does not fit. */
export function summaryLine ({ states, incidents, agents, behind }: Summary, { paint, shapes, columns }: Terminal): string {
  const words = (['down', 'degraded', 'unknown', 'up'] as const).map(state => ({ state, text: `${shapes[state]} ${states[state]} ${state}` }))
  const open = incidents.open + incidents.confirmed + incidents.recovering
  const rest = `${open} ${open === 1 ? 'incident' : 'incidents'} ${shapes.dot} ${agents.healthy} of ${agents.all} agents well${vacancy(agents)}${behind > 0 ? ` ${shapes.dot} ${behind} observations not judged yet` : ''}`
  const plain = `${words.map(({ text }) => text).join('  ')}  ${shapes.dot} ${rest}`
  const counts = words.map(({ state, text }) => paint(states[state] === 0 ? 'dim' : STATE_COLOUR[state], text)).join('  ')
  return plain.length <= columns ? `${counts}  ${shapes.dot} ${rest}` : `${counts}\n${wrap(rest, columns)}`
}

/** Whose absence shows in no count. */
function vacancy ({ vacant = [] }: Summary['agents']): string {
  if (vacant.length === 0) return ''
  const more = vacant.length - NAMED
  return `, none at ${vacant.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

export function incidentTable (incidents: readonly Incident[], now: string, terminal: Terminal): string[] {
  return table(['incident', 'worst', 'life', 'cause', 'since', 'what'], incidents.map(({ id, worst, state, cause, openedAt, subjects, domain, sentence, flaps, side }) => [
    id, stateCell(worst, terminal), state, cause, sinceOf(openedAt, now),
    `${side}: ${quoted(sentence, 400)}${subjects.length > 1 ? ` (${domain}, ${subjects.length} subjects)` : ''}${flaps > 0 ? ` (came back ${flaps} times)` : ''}`,
  ]), terminal)
}

export function agentTable (agents: readonly AgentPresence[], now: string, terminal: Terminal): string[] {
  return table(['agent', 'vantage', 'state', 'targets', 'failing', 'waiting', 'seen', 'what'], agents.map(({ agent, vantage, state, targets, spool, at, findings, version }) => [
    agent, vantage, { text: state, painted: terminal.paint(state === 'running' ? 'green' : state === 'paused' ? 'dim' : 'red', state) }, `${targets.mine} of ${targets.all}`, String(targets.failing), String(spool.waiting), `${sinceOf(at, now)} ago`,
    findings.length === 0 ? `version ${quoted(version, 40)}` : findings.map(({ what, says }) => `${what}: ${quoted(says, 200)}`).join('; '),
  ]), terminal)
}

export function tokenTable (tokens: readonly TokenView[], now: string, terminal: Terminal): string[] {
  return table(['token', 'role', 'made', 'by', 'ends'], tokens.map(({ name, role, createdAt, createdBy, expiresAt }) => [name, role, `${sinceOf(createdAt, now)} ago`, quoted(createdBy, 60), expiresAt ?? 'never']), terminal)
}

/** How long ago, in two units; `-` where there is no beginning. */
export function sinceOf (since: string, now: string): string {
  if (Date.parse(since) <= 0) return '-'
  return spanOf(Math.max(0, Date.parse(now) - Date.parse(since)))
}

function stateCell (state: State, terminal: Terminal): Cell {
  return { text: `${terminal.shapes[state]} ${state}`, painted: stateWord(state, terminal) }
}

function whose ({ side }: OverviewRow): string {
  return side === 'nobody' ? '' : `${side}: `
}
