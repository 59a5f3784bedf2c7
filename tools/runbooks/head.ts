// What every runbook says of its cause or alert in the same words: written from the tables of the judge and of the alerts, so that no page says otherwise.
import { CAUSES, type Cause } from '@dialtone/contracts'
import { CAUSE_ALERTS, DOMAIN_ALERTS, SELF_ALERTS, type DomainAlert, type SelfAlert } from '@dialtone/deploy'
import { CAUSE_ROWS } from '@dialtone/verdict'

/** Where the pages are, from the root. */
export const RUNBOOKS = 'docs/operating/runbooks'
export type RunbookName = Cause | DomainAlert | SelfAlert
export const PAGES: readonly RunbookName[] = [...CAUSES, ...DOMAIN_ALERTS, ...SELF_ALERTS]

const BLOCK = /<!-- written by `npm run docs`: (head|look-alikes) -->\n[^]*?<!-- end -->/g

/** The page with its written parts as the tables say them now; without the marks of one, unchanged there. */
export function withWritten (name: RunbookName, text: string): string {
  return text.replaceAll(BLOCK, (_, part: string) => block(part, part === 'head' ? headOf(name) : lookAlikesOf(name)))
}

/** The parts that a page must have. */
export function writtenParts (name: RunbookName): readonly string[] {
  return isCause(name) ? ['head', 'look-alikes'] : []
}

/** The alert that a cause raises. */
export function alertOf (cause: Cause): string | undefined {
  return Object.entries(CAUSE_ALERTS).find(([, causes]) => (causes as readonly Cause[]).includes(cause))?.[0]
}

export function isCause (name: string): name is Cause {
  return (CAUSES as readonly string[]).includes(name)
}

function block (part: string, lines: readonly string[]): string {
  return [`<!-- written by \`npm run docs\`: ${part} -->`, ...lines, '<!-- end -->'].join('\n')
}

function headOf (name: RunbookName): string[] {
  if (!isCause(name)) return []
  const { state, side, hop, actor, says, proof } = CAUSE_ROWS[name]
  const alert = alertOf(name)
  return [
    `**DOMAIN: ${says}.**`, '',
    '| state | side | where | who mends it | alert |', '|---|---|---|---|---|',
    `| ${state} | ${side} | ${hop} | ${actor} | ${alert === undefined ? 'none' : `[\`${alert}\`](../README.md#alerts)`} |`, '',
    ...(side === 'peer' ? ['Of a domain of ours the side is ours, and what is the peer\'s here is ours to mend.', ''] : []),
    `Said when: ${proof}`,
  ]
}

function lookAlikesOf (name: RunbookName): string[] {
  const rows = isCause(name) ? CAUSE_ROWS[name].lookAlikes : []
  return rows.length === 0 ? ['No other cause looks like it.'] : rows.map(([other, how]) => `- [\`${other}\`](${other}.md): ${how}.`)
}
