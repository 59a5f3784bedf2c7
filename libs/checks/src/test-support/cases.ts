import { DEFAULT_JUDGE_CONFIG, type JudgeConfig, type Observation } from '@dialtone/contracts'
import { ask, type ConnectionCheck, type DomainCheck, type EndpointCheck } from '../check.ts'

/** What is seen, and what is expected of it where that matters. */
export type Case = Observation | { seen: Observation, expecting: Partial<JudgeConfig> }

/**
 * Cases of one check, by the outcome that each must have, for `it.each`: a title, the outcome, and what was found. A table that leaves out an
 * outcome does not compile.
 */
export function casesOf<Key extends string> (check: DomainCheck<Key> | EndpointCheck<Key> | ConnectionCheck<Key>, table: Record<NoInfer<Key>, Record<string, Case>>): [title: string, outcome: string, found: () => string[]][] {
  return Object.entries<Record<string, Case>>(table).flatMap(([outcome, cases]) => Object.entries(cases).map(([name, given]): [string, string, () => string[]] => [
    `${check.id} finds ${outcome}: ${name}`, outcome, () => found(check, given).map(finding => finding.outcome),
  ]))
}

/** The details of what one check finds. */
export function detailsOf (check: DomainCheck | EndpointCheck | ConnectionCheck, given: Case): string[] {
  return found(check, given).map(({ detail }) => detail ?? '')
}

/** The outcomes of what one check finds. */
export function outcomesOf (check: DomainCheck | EndpointCheck | ConnectionCheck, given: Case): string[] {
  return found(check, given).map(({ outcome }) => outcome)
}

function found (check: DomainCheck | EndpointCheck | ConnectionCheck, given: Case): ReturnType<typeof ask> {
  return 'seen' in given ? ask(check, given.seen, { ...DEFAULT_JUDGE_CONFIG, ...given.expecting }) : ask(check, given, DEFAULT_JUDGE_CONFIG)
}
