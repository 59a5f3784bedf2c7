/**
 * judge: observations and expectations in, one named cause out. Pure, and independent of the order of observations and endpoints.
 * The latest observation of each vantage says how it is; earlier ones only whether a refusal is repeated. Says nothing about what only several
 * vantages can prove, but that they disagree.
 */
import type { Cause, JudgeConfig, Observation, Verdict } from '@dialtone/contracts'
import { ORDER, SOFT_ORDER } from './causes/order.ts'
import type { Fault } from './faults.ts'
import { proofsOf, type Proofs } from './proofs.ts'
import { asPolicy, isRepeated } from './refusals.ts'
import { verdictOf } from './verdict-of.ts'

/** The verdict about the domain of the observations, which is one. No observation: `unknown`. */
export function judge (observations: readonly Observation[], config: JudgeConfig): Verdict {
  const current = latest(observations)
  const each = current.map(o => proofsOf(o, config))
  const earlier = observations.filter(o => !current.includes(o)).map(o => proofsOf(o, config))
  const all = each.flatMap(({ faults }) => faults).map(fault => isRepeated(fault, [...earlier, ...each]) ? asPolicy(fault) : fault).toSorted(byOrder)
  const { cause, proof } = decide(each, all)
  return verdictOf({ cause, proof, untried: each.flatMap(({ untried }) => untried).toSorted(byOrder), advertised: Math.max(0, ...each.map(({ advertised }) => advertised)) }, current, config)
}

function decide (each: readonly Proofs[], all: readonly Fault[]): { cause: Cause, proof: readonly Fault[] } {
  const works = each.some(seen => seen.works)
  const claim = all.filter(({ cause }) => cause === 'dialback.domain-claimed')
  if (claim.length > 0) return { cause: 'dialback.domain-claimed', proof: claim }
  if (works && each.some(seen => !seen.works && seen.reached)) return { cause: 'peer.partition', proof: all }
  if (!works) return { cause: all[0]?.cause ?? 'unknown', proof: all }
  const dead = all.filter(({ endpoint }) => endpoint !== undefined)
  if (dead.length > 0) return { cause: 'degraded.endpoint-dead', proof: dead }
  const soft = each.flatMap(seen => seen.soft).toSorted(byOrder)
  const cause = SOFT_ORDER.find(candidate => soft.some(fault => fault.cause === candidate))
  return cause === undefined ? { cause: 'healthy', proof: [] } : { cause, proof: soft.filter(fault => fault.cause === cause) }
}

/** Of each vantage the last; of several at the same time, all. */
function latest (observations: readonly Observation[]): Observation[] {
  const times = Map.groupBy(observations, ({ vantage }) => vantage)
  return observations.filter(({ vantage, startedAt }) => times.get(vantage)?.every(other => Date.parse(other.startedAt) <= Date.parse(startedAt)) === true)
}

function byOrder (a: Fault, b: Fault): number {
  return ORDER.indexOf(a.cause) - ORDER.indexOf(b.cause) || (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0)
}

function keyOf ({ endpoint, text, vantage }: Fault): string {
  return [endpoint ?? '', text, vantage].join(' ')
}
