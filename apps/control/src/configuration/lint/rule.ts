import type { LintFinding } from '@dialtone/contracts'
import type { Resources } from '../wanted.ts'

/** Milliseconds since the epoch. */
export type LintContext = { now: number }
/** A family of things that can be wrong. Its generator is bounded by the resources. */
export type Rule = (resources: Resources, context: LintContext) => Iterable<LintFinding>
