// What an alert about causes says: the sentence and the remedy of the judge's own tables, chosen by the label `cause`.
import type { Cause } from '@dialtone/contracts'
import { CAUSE_ROWS } from '@dialtone/verdict'

/** Who is spoken of: the peer of a pair, else the domain. */
const IT = '{{ $it := or $labels.peer $labels.domain }}'

export function summaryOf (causes: readonly Cause[]): string {
  return `${IT}{{ $labels.domain }}{{ if $labels.peer }} with {{ $labels.peer }}{{ end }}: ${chosen(causes, cause => filled(CAUSE_ROWS[cause].says))}`
}

export function remedyOf (causes: readonly Cause[]): string {
  return `${IT}${chosen(causes, cause => filled(CAUSE_ROWS[cause].remedy.map((step, at) => `${at + 1}. ${step}`).join('\n')))}`
}

/** The text of the cause that the alert has. */
function chosen (causes: readonly Cause[], textOf: (cause: Cause) => string): string {
  const [first] = causes
  if (causes.length === 1 && first !== undefined) return textOf(first)
  return `${causes.map((cause, at) => `{{ ${at === 0 ? 'if' : 'else if'} eq $labels.cause "${cause}" }}${textOf(cause)}`).join('')}{{ end }}`
}

/** `DOMAIN` and `OURS` of the tables by the names of the alert; what a template would read as its own is kept from it. */
function filled (text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}').replaceAll(/\bDOMAIN\b/g, '{{ $it }}').replaceAll(/\bOURS\b/g, '{{ $labels.domain }}')
}
