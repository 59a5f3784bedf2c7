// dialtone explain: what a cause or a check means, from the tables that the judge uses.
import { CAUSES, type Cause } from '@dialtone/contracts'
import { CHECKS, type Check } from '@dialtone/checks'
import { OperatorError, quoted } from '@dialtone/kernel'
import { CAUSE_ROWS } from '@dialtone/verdict'
import { EXPLAIN_HELP } from '../help.ts'
import { COMMON, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { hasAlertPage, runbookFile, runbookText } from '../runbook.ts'
import { wrap } from '../terminal.ts'

const OPTIONS = { ...COMMON, runbook: { type: 'boolean' } } as const

/** Runs the command. Throws OperatorError for a name that is neither a cause nor a check, with the nearest ones. */
export function runExplain (args: readonly string[], out: Out): number {
  const { values, positionals } = parse('explain', OPTIONS, args)
  if (values.help === true) return out.print(EXPLAIN_HELP)
  const json = formatOf(values) === 'json'
  if (positionals.length > 1) throw new OperatorError('usage', 'explain takes one name at a time')
  const [name] = positionals
  if (name === undefined && values.runbook !== true) return json ? out.print(JSON.stringify({ causes: CAUSES, checks: CHECKS.map(({ id }) => id) }, null, 2) + '\n') : out.print(listText())

  const cause = CAUSES.find(known => known === name)
  const check = CHECKS.find(({ id }) => id === name)
  if (values.runbook === true) {
    if (name !== undefined && hasAlertPage(name)) return out.print(json ? JSON.stringify({ alert: name, runbook: runbookFile(name), text: runbookText(name) }, null, 2) + '\n' : runbookText(name))
    if (cause === undefined) throw new OperatorError('usage', `${name === undefined ? '--runbook wants a cause, or an alert' : `'${quoted(name, 60)}' is no cause, and only causes have runbooks, and alerts about Dialtone itself; an alert about a domain names its cause`}. All of them: dialtone explain`)
    return out.print(json ? JSON.stringify({ cause, runbook: runbookFile(cause), text: runbookText(cause) }, null, 2) + '\n' : runbookText(cause))
  }
  if (cause !== undefined) return out.print(json ? JSON.stringify({ cause, ...CAUSE_ROWS[cause], runbook: runbookFile(cause) }, null, 2) + '\n' : causeText(cause, out.terminal.columns))
  if (check !== undefined) return out.print(json ? JSON.stringify({ check: check.id, asks: check.asks, about: check.about, outcomes: check.outcomes }, null, 2) + '\n' : checkText(check, out.terminal.columns))
  if (hasAlertPage(name ?? '')) return out.print(json ? JSON.stringify({ alert: name, runbook: runbookFile(name ?? '') }, null, 2) + '\n' : runbookText(name ?? ''))
  throw new OperatorError('usage', `'${quoted(name ?? '', 60)}' is neither a cause nor a check. Near it: ${nearest(name ?? '').join(', ')}. All names: dialtone explain`)
}

function causeText (cause: Cause, columns: number): string {
  const { state, side, hop, actor, says, proof, lookAlikes, remedy } = CAUSE_ROWS[cause]
  const paragraph = (title: string, text: string) => `  ${title.padEnd(11)}  ${wrap(text, columns - 15, ' '.repeat(15))}\n`
  const list = (title: string, entries: readonly string[]) => entries.map((entry, at) => paragraph(at === 0 ? title : '', entry)).join('')
  return `${cause}  (${state})\n\n` +
    paragraph('means', `DOMAIN: ${says}.`) +
    paragraph('said when', proof) +
    list('look-alikes', lookAlikes.map(([other, how]) => `${other}: ${how}`)) +
    paragraph('where', hop === 'none' ? 'nowhere' : `${hop}; looks like the side of: ${side}`) +
    paragraph('who acts', actor) +
    list('do', remedy.map((step, at) => remedy.length === 1 ? step : `${at + 1}. ${step}`)) +
    paragraph('runbook', runbookFile(cause)) +
    (cause === 'healthy' ? '' : paragraph('then', 'dialtone check DOMAIN'))
}

function checkText ({ id, asks, about, outcomes }: Check, columns: number): string {
  const width = Math.max(...Object.keys(outcomes).map(outcome => outcome.length))
  const rows = Object.entries(outcomes).map(([outcome, { level, says, remedy }]) => {
    const text = remedy === undefined ? says : `${says}. ${remedy}`
    return `  ${outcome.padEnd(width)}  ${level.padEnd(7)}  ${wrap(text, columns - width - 13, ' '.repeat(width + 13))}\n`
  })
  return `${id}\n\n  ${asks}\n  ${wrap(about, columns - 2, '  ')}\n\n${rows.join('')}`
}

function listText (): string {
  return `causes\n${CAUSES.map(cause => `  ${cause}  ${CAUSE_ROWS[cause].says}\n`).join('')}\nchecks\n${CHECKS.map(({ id, asks }) => `  ${id}  ${asks}\n`).join('')}`
}

/** Names by how many pairs of letters they share with what was typed. */
function nearest (name: string): string[] {
  const pairs = (text: string) => new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2)))
  const wanted = pairs(name)
  return [...CAUSES, ...CHECKS.map(({ id }) => id)]
    .map(known => ({ known, shared: [...pairs(known)].filter(pair => wanted.has(pair)).length / known.length }))
    .sort((a, b) => b.shared - a.shared).slice(0, 3).map(({ known }) => known)
}
