// One check from request to report: the ladder's facts, then the judge's opinion.
import type { JudgeConfig, Observation, Report } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import { observe, type CheckRequest, type Progress } from '@dialtone/ladder'

export type CheckOptions = { progress?: (progress: Progress) => void, clock?: Clock, /** What was seen before, and counts too. */ earlier?: readonly Observation[] }

/** Observes one domain and judges it. Rejects only when `signal` aborts. The judge is loaded when there is something to judge. */
export async function check (request: CheckRequest, config: JudgeConfig, signal: AbortSignal, { earlier = [], ...watch }: CheckOptions = {}): Promise<Report> {
  const observation = await observe(request, { signal, ...watch })
  const { reportOf } = await import('./report-of.ts')
  return reportOf(observation, config, earlier)
}
