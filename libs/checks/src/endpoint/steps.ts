// How the stages of an endpoint went.
import type { Failure, Stage, Step } from '@dialtone/contracts'

/** The failure of the stage that failed. */
export function failed (steps: readonly Step[]): Failure | undefined {
  return steps.find(({ outcome }) => outcome === 'failed')?.failure
}

/** Whether a stage ended well. */
export function passed (steps: readonly Step[], wanted: Stage): boolean {
  return steps.some(({ stage, outcome }) => stage === wanted && outcome === 'ok')
}
