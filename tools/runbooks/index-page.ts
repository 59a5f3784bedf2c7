// The tables of docs/operating/README.md: every runbook, and what each alert stands for.
import { CAUSES } from '@dialtone/contracts'
import { CAUSE_ALERTS, DOMAIN_ALERTS, SELF_ALERTS } from '@dialtone/deploy'
import { CAUSE_ROWS } from '@dialtone/verdict'

export const INDEX = 'docs/operating/README.md'

const BLOCK = /<!-- written by `npm run docs`: (causes|alerts) -->\n[^]*?<!-- end -->/g

/** The index with its tables as they are now. */
export function withTables (text: string): string {
  return text.replaceAll(BLOCK, (_, part: string) => [`<!-- written by \`npm run docs\`: ${part} -->`, ...part === 'causes' ? causes() : alerts(), '<!-- end -->'].join('\n'))
}

function causes (): string[] {
  return ['| cause | state | means | who mends it |', '|---|---|---|---|', ...CAUSES.map(cause => {
    const { state, says, actor } = CAUSE_ROWS[cause]
    return `| [\`${cause}\`](runbooks/${cause}.md) | ${state} | ${says} | ${actor} |`
  })]
}

function alerts (): string[] {
  return [
    '| alert | runbooks |', '|---|---|',
    ...Object.entries(CAUSE_ALERTS).map(([alert, group]) => `| \`${alert}\` | ${group.map(cause => `[\`${cause}\`](runbooks/${cause}.md)`).join(', ')} |`),
    ...DOMAIN_ALERTS.map(alert => `| \`${alert}\` | [whatever the cause](runbooks/${alert}.md) |`),
    ...SELF_ALERTS.map(alert => `| \`${alert}\` | [of Dialtone itself](runbooks/${alert}.md) |`),
  ]
}
