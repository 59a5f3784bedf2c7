// The page of all metrics, from their declarations.
import type { Metric } from '@dialtone/kernel'

export type MetricGroup = { title: string, about?: string, metrics: readonly Metric[] }

/** Markdown: a table per group, its metrics by name. */
export function documentedMetrics (groups: readonly MetricGroup[]): string {
  return groups.map(({ title, about, metrics }) => [
    `## ${title}`, '', ...(about === undefined ? [] : [about, '']),
    '| metric | kind | labels | means |', '|---|---|---|---|',
    ...[...metrics].sort((a, b) => a.name < b.name ? -1 : 1).map(({ name, kind, labels, help }) => `| \`${name}\` | ${kind} | ${labels.map(label => `\`${label}\``).join(', ')} | ${cell(help)} |`), '',
  ].join('\n')).join('\n')
}

function cell (text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
