// What the matrix found, as data: what is printed, kept in results/matrix.json and shown in docs/operating/lab-matrix.md.
import type { FleetName } from '../seams.ts'

/** Of one fleet and one thing that was broken. Seconds are rounded to tenths; absent: it did not happen, or nothing was to happen. */
export type FleetResult = {
  expected: string[]
  named: string[]
  right: boolean
  /** What is wrong, with the evidence of the verdict. */
  wrong: string[]
  /** From when it began to be broken, or healed, which takes a while itself. */
  secondsToName?: number
  secondsToAlert?: number
  secondsToRecover?: number
  /** With all of their labels. */
  expectedAlerts: string[]
  /** Those that somebody was told of. */
  alerts: string[]
  /** Rows that changed beside what was expected, and may. */
  others: string[]
  /** What else was said on the way, with the seconds since it was broken, and until when: for a moment, and of what was seen half before and half after. Rows that were kept before that was measured lack the second. */
  meanwhile?: string[]
}
/** What a row was run on. `scale`: by what times of alerts were divided. */
export type SetUp = { commit: string, scale: number, processors: number }
/** `at`: when it began. */
export type RowResult = { name: string, says: string, at: string, setUp: SetUp, why?: string, users?: string, afterwards?: true, fleets: Record<FleetName, FleetResult> }
export type MatrixResult = {
  /** While nothing is broken. */
  healthy: RowResult
  breaks: RowResult[]
  /** Domains that are broken for good, and everybody else. */
  standing: RowResult[]
}

export const FLEETS = ['shared', 'bare'] as const satisfies readonly FleetName[]
/** Among the domains that are broken for good. */
export const EVERYBODY_ELSE_ROW = 'everybody else'

/** Of both fleets. */
export function isRight ({ fleets }: RowResult): boolean {
  return FLEETS.every(fleet => fleets[fleet].right)
}

/** Every row, in order. */
export function allOf ({ healthy, breaks, standing }: MatrixResult): RowResult[] {
  return [healthy, ...breaks, ...standing]
}

/** '43 of 45 right' */
export function summary (result: MatrixResult): string {
  const all = allOf(result)
  return `${all.filter(isRight).length} of ${all.length} right`
}

/** What the row that was run last was run on. */
export function setUpOf (result: MatrixResult): SetUp {
  return allOf(result).reduce((last, row) => row.at > last.at ? row : last, result.healthy).setUp
}

/** Rows that were run on something else than the last one. */
export function staleOf (result: MatrixResult): RowResult[] {
  const last = JSON.stringify(setUpOf(result))
  return allOf(result).filter(({ setUp }) => JSON.stringify(setUp) !== last)
}

/** What was run again replaces what was; `order`: of breaks and standing domains, by their names. */
export function mergedWith (before: MatrixResult, now: MatrixResult, order: readonly string[]): MatrixResult {
  const merged = (old: readonly RowResult[], fresh: readonly RowResult[]): RowResult[] =>
    [...old.filter(({ name }) => order.includes(name) && !fresh.some(each => each.name === name)), ...fresh].toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
  return { healthy: now.healthy, breaks: merged(before.breaks, now.breaks), standing: merged(before.standing, now.standing) }
}
