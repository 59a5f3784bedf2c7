// One report for a person: the sentence first, then the stages, then what was found, then what to do.
import type { Finding, Level, Observation, Report, TranscriptLine } from '@dialtone/contracts'
import { runbookFile } from '../runbook.ts'
import { wrap, type Colour, type Terminal } from '../terminal.ts'
import { deepLines, pairLines } from './dialback.ts'
import { endpointTable, milliseconds } from './endpoints.ts'
import { STATE_COLOUR } from './states.ts'

const LEVEL_COLOUR: Record<Level, Colour> = { ok: 'green', notice: 'dim', warning: 'yellow', error: 'red', unknown: 'cyan' }
const LEVEL_ORDER: readonly Level[] = ['error', 'warning', 'notice']
/** Findings of one kind that are listed by endpoint before the rest is only counted. */
const PER_CHECK = 3

/** The whole text of one report, ending with a line break. `transcript` adds what was sent and received, redacted. */
export function reportText (report: Report, terminal: Terminal, { transcript = false } = {}): string {
  const { observation, verdict } = report
  const lines = [
    ...headline(report, terminal),
    ...dnsLines(observation, terminal),
    ...endpointTable(observation.endpoints, terminal),
    ...claimLines(observation, terminal),
    ...deepLines(observation, terminal),
    ...pairLines(verdict.pair, terminal),
    ...findingLines(report.findings, terminal),
    ...section('evidence', verdict.evidence.map(({ text, endpoint, vantage }) => [...(vantage === undefined ? [] : [`seen from ${vantage}`]), ...(endpoint === undefined ? [] : [endpoint]), text].join(': ')), terminal),
    ...section('what to do', verdict.remedy.map((step, at) => `${at + 1}. ${step}`), terminal),
    ...section('not asked', verdict.untested.map(({ what, needs }) => `${what} (${needs})`), terminal),
    ...(verdict.cause === 'healthy' ? [] : ['', terminal.paint('dim', `more: dialtone explain ${verdict.cause}`), terminal.paint('dim', `runbook: ${runbookFile(verdict.cause)}`)]),
    ...(transcript ? transcriptLines(observation, terminal) : []),
  ]
  return lines.join('\n') + '\n'
}

/** State, sentence and cause: what a person reads when only three lines are read. */
export function headline ({ domain, as, observation, verdict, vantage }: Report, { paint, shapes, columns }: Terminal): string[] {
  const who = as === null ? domain : `${domain} for ${as}`
  const seen = `seen from ${vantage} in ${milliseconds(observation.ms)} ms`
  const state = `${shapes[verdict.state]} ${verdict.state.toUpperCase()}`
  const cause = `${verdict.cause} ${shapes.dot} side: ${verdict.side} ${shapes.dot} who mends it: ${verdict.actor} ${shapes.dot} ${verdict.confidence}`
  return [
    `${paint('bold', who)}  ${paint('dim', seen)}`,
    wrap(`${paint(STATE_COLOUR[verdict.state], state)}  ${verdict.sentence}`, columns - 2, '  '),
    `  ${paint('dim', wrap(cause, columns - 2, '  '))}`,
  ]
}

function dnsLines ({ dns, asked }: Observation, { columns, paint }: Terminal): string[] {
  if (dns.length === 0) return []
  const slowest = Math.max(...dns.map(answer => answer.ms))
  const counts = new Map<string, number>()
  for (const { outcome } of dns) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const summary = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')
  return ['', paint('dim', `  ${wrap(`DNS by ${asked.resolver}: ${summary}; slowest ${milliseconds(slowest)} ms`, columns - 4, '    ')}`)]
}

function claimLines ({ claim }: Observation, terminal: Terminal): string[] {
  return section('claim question', claim.map(({ endpoint, role, to, answer, ms }) =>
    `${endpoint}: ${{ serves: 'serves', denies: 'does not serve', 'other-error': 'answers with another error for', 'no-answer': 'did not answer for' }[answer]} ${to}${role === 'control' ? ' (control)' : ''}, ${milliseconds(ms)} ms`), terminal)
}

/** What is not ok, the worst first; equal answers of one check on several endpoints are one entry. */
function findingLines (findings: readonly Finding[], terminal: Terminal): string[] {
  const lines: string[] = []
  for (const level of LEVEL_ORDER) {
    const groups = Map.groupBy(findings.filter(finding => finding.level === level), ({ check, outcome, detail }) => [check, outcome, detail].join(' '))
    for (const group of groups.values()) {
      const [{ check, says, detail }] = group as [Finding]
      const endpoints = group.flatMap(({ endpoint }) => endpoint ?? [])
      const where = endpoints.length === 0 ? '' : ` [${endpoints.slice(0, PER_CHECK).join(', ')}${endpoints.length > PER_CHECK ? ` and ${endpoints.length - PER_CHECK} more` : ''}]`
      const text = `${level.padEnd(7)} ${says}${detail === undefined ? '' : `: ${detail}`}${where} (${check})`
      lines.push(`  ${terminal.paint(LEVEL_COLOUR[level], wrap(text, terminal.columns - 10, '          '))}`)
    }
  }
  return lines.length === 0 ? [] : ['', 'found', ...lines]
}

function section (title: string, entries: readonly string[], terminal: Terminal): string[] {
  return entries.length === 0 ? [] : ['', title, ...entries.map(entry => `  ${wrap(entry, terminal.columns - 4, '    ')}`)]
}

const ARROWS: Record<TranscriptLine['direction'], string> = { sent: '>', received: '<', note: '#' }

function transcriptLines ({ endpoints, deep }: Observation, { paint }: Terminal): string[] {
  const connections = deep?.connections.map(({ endpoint, role, transcript }) => ({ id: `${endpoint}, ${role}`, transcript })) ?? []
  return [...endpoints, ...connections].flatMap(({ id, transcript }) => [
    '', `transcript of ${id}`,
    ...transcript.map(({ atMs, direction, text }) => `  ${paint('dim', milliseconds(atMs).padStart(7))} ${ARROWS[direction]} ${text}`),
  ])
}
