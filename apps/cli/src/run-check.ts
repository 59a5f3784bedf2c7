// One check from request to report: the ladder's facts, then the judge's opinion.
import type { JudgeConfig, Report } from '@dialtone/contracts'
import { observe, type CheckRequest, type Progress } from '@dialtone/ladder'

/** Observes one domain and judges it. Rejects only when `signal` aborts. The judge is loaded when there is something to judge. */
export async function check (request: CheckRequest, config: JudgeConfig, signal: AbortSignal, progress?: (progress: Progress) => void): Promise<Report> {
  const observation = await observe(request, { signal, ...(progress === undefined ? {} : { progress }) })
  const { reportOf } = await import('./report-of.ts')
  return reportOf(observation, config)
}
