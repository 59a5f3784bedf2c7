import type { ClaimAnswer, DeepConnection, DeepRole, DeepStep, EndpointObservation, Step } from '@dialtone/contracts'

/** What is happening, while it happens. For people who wait: nothing is judged from it. */
export type Progress =
  | { at: 'dns', asked: number, answered: number }
  /** The plan is made: these endpoints will be observed (later more, if every advertised port fails). */
  | { at: 'plan', endpoints: readonly string[] }
  | { at: 'step', endpoint: string, step: Step }
  | { at: 'endpoint', endpoint: EndpointObservation }
  | { at: 'claim', answer: ClaimAnswer }
  | { at: 'deep-step', endpoint: string, role: DeepRole, step: DeepStep }
  /** The early warning: a key was sent this long ago, and no answer has come. `called`: the peer has asked about it. */
  | { at: 'no-answer-yet', endpoint: string, ms: number, called: boolean }
  | { at: 'deep', connection: DeepConnection }
