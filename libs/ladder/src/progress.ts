import type { ClaimAnswer, EndpointObservation, Step } from '@dialtone/contracts'

/** What is happening, while it happens. For people who wait: nothing is judged from it. */
export type Progress =
  | { at: 'dns', asked: number, answered: number }
  /** The plan is made: these endpoints will be observed (later more, if every advertised port fails). */
  | { at: 'plan', endpoints: readonly string[] }
  | { at: 'step', endpoint: string, step: Step }
  | { at: 'endpoint', endpoint: EndpointObservation }
  | { at: 'claim', answer: ClaimAnswer }
