import type { JudgeConfig, Observation, Report } from '@dialtone/contracts'
import { examine } from '@dialtone/checks'
import { judge } from '@dialtone/verdict'

/** The report about what one vantage saw; what was seen `earlier` counts for the verdict alone. Pure. */
export function reportOf (observation: Observation, config: JudgeConfig, earlier: readonly Observation[] = []): Report {
  return {
    domain: observation.domain,
    as: observation.asked.as ?? null,
    vantage: observation.vantage,
    startedAt: observation.startedAt,
    verdict: judge([...earlier, observation], config),
    findings: examine(observation, config),
    observation,
  }
}
