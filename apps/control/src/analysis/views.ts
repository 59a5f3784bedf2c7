// What a reader sees of a subject beside its verdict: who saw what, endpoint by stage, and which findings there are.
import { examine } from '@dialtone/checks'
import { DEFAULT_JUDGE_CONFIG, type Failure, type FleetConfig, type Observation, type Standpoint, type VantageView } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { iso } from './board.ts'
import type { Slot } from './witnesses.ts'

/** One observation that stands for a slot. `id`: of the full one. */
export type Shown = { slot: Pick<Slot, 'vantage' | 'agent' | 'job' | 'ours' | 'aside' | 'same'>, id: string, at: number, observation: Observation }

/** Endpoints that one view lists. */
const MOST_ENDPOINTS = 64

export function vantageView ({ slot, id, at, observation }: Shown, { side, network }: Standpoint, config: FleetConfig | undefined): VantageView {
  return {
    vantage: slot.vantage, side, network, agent: slot.agent, job: slot.job, ...(slot.ours === undefined ? {} : { ours: slot.ours }), observation: id, at: iso(at), same: slot.same, ...(slot.aside === undefined ? {} : { aside: slot.aside }),
    endpoints: observation.endpoints.slice(0, MOST_ENDPOINTS).map(({ id: endpoint, kind, target, port, address, ended, steps }) => ({
      id: endpoint, kind, target: quoted(target, 253), port, address, ...(ended === undefined ? {} : { ended }),
      steps: steps.map(({ stage, outcome, ms, failure }) => ({ stage, outcome, ms, ...(failure === undefined ? {} : { failure: failureText(failure) }) })),
    })),
    findings: examine(observation, config ?? DEFAULT_JUDGE_CONFIG),
  }
}

function failureText (failure: Failure): string {
  const named = 'condition' in failure ? ` ${failure.condition}` : 'alert' in failure && failure.alert !== undefined ? ` ${failure.alert}` : ''
  return `${failure.at} ${failure.why}${named}${failure.detail === undefined ? '' : `: ${failure.detail}`}`
}
