// One check from request to report: the ladder's facts, then the judge's opinion.
import type { JudgeConfig, Observation, Report } from '@dialtone/contracts'
import { examine } from '@dialtone/checks'
import { observe, type CheckRequest, type Progress } from '@dialtone/ladder'
import { judge } from '@dialtone/verdict'

/** Observes one domain and judges it. Rejects only when `signal` aborts. */
export async function check (request: CheckRequest, config: JudgeConfig, signal: AbortSignal, progress?: (progress: Progress) => void): Promise<Report> {
  return reportOf(await observe(request, { signal, ...(progress === undefined ? {} : { progress }) }), config)
}

/** The report about what one vantage saw. */
export function reportOf (observation: Observation, config: JudgeConfig): Report {
  return {
    domain: observation.domain,
    as: observation.asked.as ?? null,
    vantage: observation.vantage,
    startedAt: observation.startedAt,
    verdict: judge([observation], config),
    findings: examine(observation, config),
    observation,
  }
}
