// What the fleet decided about a domain or a direction, before it is told.
import type { Cause, Confidence, FleetVerdict, Side, State } from '@dialtone/contracts'
import type { Fault } from '../faults.ts'
import type { Testimony } from './testimony.ts'

export type Ruling = {
  cause: Cause
  /** Those of the cause are what the sentence tells; others are evidence beside. */
  proof: readonly Fault[]
  /** Who saw what the cause says. */
  agree: readonly Testimony[]
  /** Who could have seen it: of these, the ones that do not agree see otherwise. */
  relevant: readonly Testimony[]
  /** Who stands where it matters most: their skipped endpoints and open questions are told. */
  primary: readonly Testimony[]
  state?: State
  side?: Side
  confidence?: Confidence
  says?: string
  /** Added to the sentence. */
  note?: string
  remedy?: readonly string[]
  doubted?: FleetVerdict['ruledOut']
  wouldDecide?: readonly string[]
}

/** A fault under another name, because others saw what it alone does not tell. */
export function as (cause: Cause, faults: readonly Fault[], more: Partial<Fault> = {}): Fault[] {
  return faults.map(({ text, vantage, endpoint }) => ({ text, vantage, ...(endpoint === undefined ? {} : { endpoint }), cause, ...more }))
}

/** What somebody saw that is told beside the proof: it proves no cause of its own. */
export function beside (text: string, { standpoint: { vantage } }: Testimony): Fault {
  return { cause: 'unknown', text, vantage }
}

/** The first that says something. */
export function firstOf (...rules: readonly (() => Ruling | undefined)[]): Ruling | undefined {
  for (const rule of rules) {
    const ruling = rule()
    if (ruling !== undefined) return ruling
  }
  return undefined
}
