// An exposition read back as series, and whether it keeps the budget: per process at most twelve series for a domain or a pair in all, at most one in any one metric.

export type Series = { name: string, labels: Readonly<Record<string, string>>, value: number }

/** Which labels name the domain or the pair that a series is about. */
const ABOUT = ['domain', 'ours', 'peer', 'target'] as const
const MOST_IN_ALL = 12
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy

/** Every sample of the Prometheus text format. Throws at the first line that is none. */
export function readExposition (text: string): Series[] {
  return text.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error(`no sample: ${line.slice(0, 200)}`)
    return { name, labels: readLabels(labels, line), value: value === '+Inf' ? Number.POSITIVE_INFINITY : value === '-Inf' ? Number.NEGATIVE_INFINITY : Number(value) }
  })
}

/** What is above the budget, one line each; empty when it is kept. */
export function overBudget (all: readonly Series[]): string[] {
  const problems: string[] = []
  const about = Map.groupBy(all, ({ labels }) => ABOUT.map(name => labels[name] ?? '').join('|'))
  about.delete(ABOUT.map(() => '').join('|'))
  for (const [of, series] of about) {
    if (series.length > MOST_IN_ALL) problems.push(`${of}: ${series.length} series in all`)
    for (const [name, each] of Map.groupBy(series, ({ name }) => name)) if (each.length > 1) problems.push(`${of}: ${each.length} series in ${name}`)
  }
  for (const [series, each] of Map.groupBy(all, ({ name, labels }) => JSON.stringify([name, labels]))) if (each.length > 1) problems.push(`${series}: ${each.length} times`)
  return problems
}

function readLabels (text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let at = 0
  for (const match of text.matchAll(LABEL)) {
    const [all, name = '', value = ''] = match
    labels[name] = value.replace(/\\(.)/g, (_, c: string) => c === 'n' ? '\n' : c)
    at += all.length
  }
  if (at !== text.length) throw new Error(`no labels: ${line.slice(0, 200)}`)
  return labels
}
