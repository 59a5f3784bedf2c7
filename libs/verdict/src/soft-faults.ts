// What is wrong with an endpoint that goes through every stage. `state: 'down'` where it stops federation all the same.
import { PROFILE_DATA } from '@dialtone/checks'
import type { EndpointObservation, JudgeConfig, Observation } from '@dialtone/contracts'
import { certificateFaults } from './certificate-faults.ts'
import type { Seen } from './faults.ts'

export function softFaults (e: EndpointObservation, o: Observation, config: JudgeConfig): Seen[] {
  const found = certificateFaults(e, o, config)
  const { tls, authentication } = PROFILE_DATA[config.profile]
  if (e.tls === undefined && authentication === 'certificate') found.push({ cause: 'tls.not-offered', state: 'down', text: 'no STARTTLS offered, and the profile demands certificates', endpoint: e.id })
  else if (e.tls === undefined && tls === 'expected') found.push({ cause: 'degraded.weak-authentication', text: 'no STARTTLS offered', endpoint: e.id })
  const slow = e.steps.find(step => step.outcome === 'ok' && step.ms > config.slowStageMs && step.stage !== 'close')
  if (slow !== undefined) found.push({ cause: 'degraded.slow', text: `${slow.stage} took ${Math.round(slow.ms)} ms`, endpoint: e.id })
  return found
}
