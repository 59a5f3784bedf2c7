/** What the routes of resources answer. */
import type { ApplyResult, LintFinding, Resource } from '@dialtone/contracts'
import type { Changed } from '../configuration/store.ts'

/** Findings in one answer; the rest is counted, and GET /v1/lint has it. */
const MOST_FINDINGS = 1000

/** `asOf`: milliseconds since the epoch. `only`: of these resources, and of the whole. */
export function applyResult ({ revision, dryRun, results, lint }: Changed, asOf: number, only?: string): ApplyResult {
  const counts = { created: 0, changed: 0, unchanged: 0, deleted: 0 }
  for (const { result } of results) counts[result]++
  const findings = only === undefined ? lint : lint.filter(({ resource }) => resource === undefined || resource === only)
  return {
    asOf: new Date(asOf).toISOString(), dryRun, revision, counts,
    results: results.map(({ kind, name, result, revision, diff, before, after }) => ({
      kind, name, result, ...(revision === undefined ? {} : { revision }), ...(diff === undefined ? {} : { diff }),
      ...(result === 'unchanged' || before === undefined ? {} : { before: before.spec }), ...(result === 'unchanged' || result === 'deleted' || after === undefined ? {} : { after: after.spec }),
    })),
    ...bounded(findings, 'lint', 'lintLeftOut'),
  }
}

export function lintReport (findings: readonly LintFinding[], revision: number, asOf: number) {
  return { asOf: new Date(asOf).toISOString(), revision, ...bounded(findings, 'findings', 'leftOut') }
}

/** A page of a list that is sorted by name: what comes after the cursor. */
export function pageOfNames<R extends Resource> (sorted: readonly R[], fits: (resource: R) => boolean, after: string | undefined, limit: number): { resources: R[], next?: string } {
  const start = after === undefined ? 0 : firstAfter(sorted, after)
  const page: R[] = []
  for (let i = start; i < sorted.length; i++) {
    const one = sorted[i]
    if (one === undefined || !fits(one)) continue
    if (page.length === limit) return { resources: page, next: Buffer.from(page.at(-1)?.name ?? '').toString('base64url') }
    page.push(one)
  }
  return { resources: page }
}

/** The name in a cursor, or undefined where it is none of ours. */
export function readCursor (cursor: string): string | undefined {
  const name = Buffer.from(cursor, 'base64url').toString()
  return /^[a-z0-9_.-]{1,253}$/.test(name) ? name : undefined
}

function firstAfter (sorted: readonly { name: string }[], name: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle]?.name ?? '') <= name) low = middle + 1
    else high = middle
  }
  return low
}

function bounded<L extends string, O extends string> (findings: readonly LintFinding[], list: L, leftOut: O): Record<L, LintFinding[]> & Partial<Record<O, number>> {
  return { [list]: findings.slice(0, MOST_FINDINGS), ...(findings.length > MOST_FINDINGS ? { [leftOut]: findings.length - MOST_FINDINGS } : {}) } as Record<L, LintFinding[]> & Partial<Record<O, number>>
}
