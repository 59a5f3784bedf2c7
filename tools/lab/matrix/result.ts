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
}
export type RowResult = { name: string, says: string, why?: string, fleets: Record<FleetName, FleetResult> }
export type MatrixResult = {
  startedAt: string
  seconds: number
  /** A name picked some rows. */
  only?: string[]
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
