// What the matrix found, as data: what is printed, kept in results/matrix.json and shown in docs/operating/lab-matrix.md.
import type { FleetName } from '../seams.ts'

/** Of one fleet and one thing that was broken. Seconds are rounded to tenths; absent: it did not happen, or nothing was to happen. */
export type FleetResult = {
  expected: string[]
  named: string[]
  right: boolean
  /** What is wrong, with the evidence of the verdict. */
  wrong: string[]
  secondsToName?: number
  secondsToAlert?: number
  secondsToRecover?: number
  expectedAlerts: string[]
  /** The names of the alerts that somebody was told of. */
  alerts: string[]
  /** Rows that changed beside what was expected, and may. */
  others: string[]
  /** What else was said on the way, with the seconds since it was broken: for a moment, and of what was seen half before and half after. */
  meanwhile?: string[]
}
/** `at`: when it began. */
export type RowResult = { name: string, says: string, at: string, why?: string, fleets: Record<FleetName, FleetResult> }
export type MatrixResult = {
  /** Of all rows together. */
  seconds: number
  /** While nothing is broken. */
  healthy: RowResult
  breaks: RowResult[]
  /** Domains that are broken for good. */
  standing: RowResult[]
}

export const FLEETS = ['shared', 'bare'] as const satisfies readonly FleetName[]

export function isRight ({ fleets }: RowResult): boolean {
  return FLEETS.every(fleet => fleets[fleet].right)
}

export function allOf ({ healthy, breaks, standing }: MatrixResult): RowResult[] {
  return [healthy, ...breaks, ...standing]
}

/** '43 of 45 right' */
export function summary (result: MatrixResult): string {
  const all = allOf(result)
  return `${all.filter(isRight).length} of ${all.length} right`
}

/** What was run again replaces what was; `order`: of breaks and standing domains, by their names. */
export function mergedWith (before: MatrixResult, now: MatrixResult, order: readonly string[]): MatrixResult {
  const merged = (old: readonly RowResult[], fresh: readonly RowResult[]): RowResult[] =>
    [...old.filter(({ name }) => order.includes(name) && !fresh.some(each => each.name === name)), ...fresh].toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
  return { healthy: now.healthy, breaks: merged(before.breaks, now.breaks), standing: merged(before.standing, now.standing), seconds: before.seconds + now.seconds }
}
