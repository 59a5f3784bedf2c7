/**
 * What resources say that contradicts other resources, or itself in effect, explained to who has to mend it. Pure: the configuration and a time in,
 * findings out, worst first. An error refuses the write that brings it, a warning is probably a mistake, a notice says what stays untested.
 */
import type { LintFinding } from '@dialtone/contracts'
import type { Resources } from '../wanted.ts'
import { coverage } from './coverage.ts'
import { gatewayRules } from './gateway-rules.ts'
import { load } from './load.ts'
import { expectations } from './expectations.ts'
import { references } from './references.ts'
import type { LintContext, Rule } from './rule.ts'
import { times } from './times.ts'

const RULES: readonly Rule[] = [references, expectations, times, load, coverage, gatewayRules]
const ORDER = { error: 0, warning: 1, notice: 2 } as const

/** Everything there is to say, worst first, then in the order of the rules. */
export function lint (resources: Resources, context: LintContext): LintFinding[] {
  return RULES.flatMap(rule => [...rule(resources, context)]).toSorted((a, b) => ORDER[a.level] - ORDER[b.level])
}

/** The errors that are in `after` and were not in `before`: what was wrong already does not stop anybody from mending it step by step. */
export function newErrors (before: readonly LintFinding[], after: readonly LintFinding[]): LintFinding[] {
  const known = new Set(before.filter(({ level }) => level === 'error').map(keyOf))
  return after.filter(finding => finding.level === 'error' && !known.has(keyOf(finding)))
}

/** Who says what of whom: not where, since places in a list move; and of the whole not how many, since fewer is a mending. */
function keyOf ({ code, resource, says }: LintFinding): string {
  return JSON.stringify([code, resource, resource === undefined ? '' : says])
}
