// What all inbound streams are given.
import type { Pair } from '@dialtone/stream'
import type { Intake, Surroundings, Verify } from '../seams.ts'
import type { Admission } from './admission.ts'
import type { Guards } from './guards.ts'
import type { InboundHooks } from './hooks.ts'
import type { InboundLimits } from './limits.ts'
import type { Questions } from './questions.ts'
import type { InboundStream } from './stream.ts'
import type { Verifications } from './verifications.ts'

/** What all streams share. */
export type Shared = Surroundings & {
  intake: Intake
  verify: Verify
  limits: () => InboundLimits
  guards: Guards
  hooks: InboundHooks
  admission: Admission
  verifications: Verifications
  questions: Questions
  /** Whether this is told of a network, or enough was. */
  mayTell: (network: string) => boolean
  /** 128 bits, new for every header (row D12). */
  freshId: () => string
  /** It has its first pair; one more pair; it is gone. */
  proved: (stream: InboundStream, pair: Pair, most: number) => void
  gone: (stream: InboundStream, proven: readonly Pair[]) => void
}
