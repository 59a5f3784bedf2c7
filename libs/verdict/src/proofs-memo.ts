/**
 * What one observation proves, worked out once. An observation never changes, and proofs depend on nothing else but what is expected of the domain: when one
 * witness of six has something new to say, the other five are not read again. Nothing is kept longer than the observation itself.
 */
import type { JudgeConfig, Observation } from '@dialtone/contracts'
import { proofsOf, type Proofs } from './proofs.ts'

/** An observation is judged as one of ours, or as one of a peer, seldom by more expectations; a changed configuration pushes the oldest out. */
const EXPECTATIONS_KEPT = 3

const known = new WeakMap<Observation, Map<string, Proofs>>()

/** As `proofsOf`, remembered by the identity of the observation. The result is shared: it must not be changed. */
export function rememberedProofs (o: Observation, config: JudgeConfig): Proofs {
  let kept = known.get(o)
  if (kept === undefined) known.set(o, kept = new Map())
  const key = keyOf(config)
  const remembered = kept.get(key)
  if (remembered !== undefined) return remembered
  const proofs = proofsOf(o, config)
  const [oldest] = kept.keys()
  if (kept.size >= EXPECTATIONS_KEPT && oldest !== undefined) kept.delete(oldest)
  kept.set(key, proofs)
  return proofs
}

function keyOf ({ profile, expectedAddresses, ours, hostedBy, expiryWarningDays, slowStageMs }: JudgeConfig): string {
  return JSON.stringify([profile, expectedAddresses, ours, hostedBy, expiryWarningDays, slowStageMs])
}
