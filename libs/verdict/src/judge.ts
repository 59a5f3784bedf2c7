/**
 * judge: observations and expectations in, one named cause out. Pure, and independent of the order of observations and endpoints.
 * The latest observation of each vantage says how it is; earlier ones only whether a refusal is repeated. Says nothing about what only several
 * vantages can prove, but that they disagree.
 */
import type { Cause, JudgeConfig, Observation, Verdict } from '@dialtone/contracts'
import { SOFT_ORDER, byOrder } from './causes/order.ts'
import type { Fault } from './faults.ts'
import { pairVerdict } from './halves.ts'
import { proofsOf, type Proofs } from './proofs.ts'
import { concluded } from './refusals.ts'
import { verdictOf } from './verdict-of.ts'

/** The verdict about the domain of the observations, which is one. No observation: `unknown`. */
export function judge (observations: readonly Observation[], config: JudgeConfig): Verdict {
  const current = latest(observations)
  const seen = current.map(o => proofsOf(o, config))
  const earlier = observations.filter(o => !current.includes(o)).map(o => proofsOf(o, config))
  const each = seen.map(proofs => concluded(proofs, [...earlier, ...seen]))
  const { cause, proof } = decide(each)
  const pair = pairVerdict(each, observations[0]?.domain ?? 'nothing')
  return verdictOf({
    cause, proof, untried: each.flatMap(({ untried }) => untried).toSorted(byOrder), advertised: Math.max(0, ...each.map(({ advertised }) => advertised)),
    deep: each.flatMap(({ deep }) => deep ?? []), ...(pair === undefined ? {} : { pair }),
  }, current, config)
}

/** What some observations prove together, by the order of judging; only that they disagree is added. */
export function decide (each: readonly Proofs[]): { cause: Cause, proof: readonly Fault[] } {
  const light = each.flatMap(({ faults }) => faults).toSorted(byOrder)
  const deep = each.flatMap(seen => seen.deep?.faults ?? []).toSorted(byOrder)
  const all = [...light, ...deep].toSorted(byOrder)
  const works = each.some(seen => seen.works)
  const claim = all.filter(({ cause }) => cause === 'dialback.domain-claimed')
  if (claim.length > 0) return { cause: 'dialback.domain-claimed', proof: claim }
  if (works && each.some(seen => !seen.works && seen.reached)) return { cause: 'peer.partition', proof: all }
  if (!works) return { cause: all[0]?.cause ?? 'unknown', proof: all }
  const authenticated = decideDeep(each, deep)
  if (authenticated !== undefined) return authenticated
  const dead = light.filter(({ endpoint }) => endpoint !== undefined)
  if (dead.length > 0) return { cause: 'degraded.endpoint-dead', proof: dead }
  const soft = each.flatMap(seen => seen.soft).toSorted(byOrder)
  const cause = SOFT_ORDER.find(candidate => soft.some(fault => fault.cause === candidate))
  return cause === undefined ? { cause: 'healthy', proof: [] } : { cause, proof: soft.filter(fault => fault.cause === cause) }
}

/** What authenticating showed, where an endpoint works up to there. What is not proved is told only where nothing is. */
function decideDeep (each: readonly Proofs[], faults: readonly Fault[]): { cause: Cause, proof: readonly Fault[] } | undefined {
  const proved = faults.filter(({ cause, state }) => cause !== 'unknown' && state !== 'unknown')
  const accepted = each.some(({ deep }) => deep !== undefined && deep.carried.length > 0)
  const stopped = each.some(({ deep }) => deep !== undefined && deep.carried.length === 0 && deep.faults.some(fault => proved.includes(fault)))
  if (accepted && stopped) return { cause: 'peer.partition', proof: faults }
  const [first] = proved.length > 0 ? proved : accepted ? [] : faults
  return first === undefined ? undefined : { cause: first.cause, proof: proved.length > 0 ? proved : faults }
}

/** Of each vantage the last; of several at the same time, all. */
function latest (observations: readonly Observation[]): Observation[] {
  const times = Map.groupBy(observations, ({ vantage }) => vantage)
  return observations.filter(({ vantage, startedAt }) => times.get(vantage)?.every(other => Date.parse(other.startedAt) <= Date.parse(startedAt)) === true)
}
