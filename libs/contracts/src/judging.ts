import type { Profile } from './words.ts'

/** What a judge is told besides the observations: expectations and thresholds, never facts. */
export type JudgeConfig = {
  profile: Profile
  /** Addresses configured as the domain's own; the published ones must be among them. Empty: no expectation. */
  expectedAddresses: readonly string[]
  /** The domain is one we are responsible for: a fault is `ours`, not the peer's. */
  ours: boolean
  /** Domains whose provider may rightly answer for `as` (the claim question accuses nobody of these). */
  hostedBy: readonly string[]
  /** A certificate that ends within this many days degrades. Default 14. */
  expiryWarningDays: number
  /** Milliseconds above which a stage counts as slow. Default 3000. */
  slowStageMs: number
  /** How long a peer that refused may go on refusing for that alone; again after it is policy. Milliseconds, default 300,000. */
  retryWindowMs?: number
}

export const DEFAULT_JUDGE_CONFIG: JudgeConfig = { profile: 'standard', expectedAddresses: [], ours: false, hostedBy: [], expiryWarningDays: 14, slowStageMs: 3000 }
