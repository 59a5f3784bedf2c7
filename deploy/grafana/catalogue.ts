// The metrics that exist, with their labels: as docs/operating/metrics.md says, which is generated from the declarations and compared with them by `npm test`.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

/** What Prometheus adds to every series, and what a scrape may add to those of a gateway. */
export const SCRAPE_LABELS = ['job', 'instance', 'gateway'] as const

/** Labels by the name that is queried; a histogram has three. `up` is Prometheus' own. */
export function catalogue (page = readFileSync(resolve(ROOT, 'docs/operating/metrics.md'), 'utf8')): Map<string, readonly string[]> {
  const metrics = new Map<string, readonly string[]>([['up', []]])
  for (const [, name = '', kind = '', cell = ''] of page.matchAll(/^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| ([^|]*) \|/gm)) {
    const labels = [...cell.matchAll(/`([a-z_]+)`/g)].map(match => match[1] ?? '')
    if (kind !== 'histogram') metrics.set(name, labels)
    else for (const [suffix, more] of [['_bucket', ['le']], ['_sum', []], ['_count', []]] as const) metrics.set(name + suffix, [...labels, ...more])
  }
  return metrics
}
