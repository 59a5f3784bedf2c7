import type { Finding, JudgeConfig, Observation } from '@dialtone/contracts'
import { CHECKS } from './catalogue.ts'
import { ask } from './check.ts'
import { adjusted } from './profiles.ts'

/** All findings about one observation, in the order of the catalogue. Pure: yesterday's observation gives today's findings. */
export function examine (observation: Observation, config: JudgeConfig): Finding[] {
  return CHECKS.flatMap(check => ask(check, observation, config)).map(finding => adjusted(finding, config.profile))
}
