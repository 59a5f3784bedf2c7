/** What many vantages prove together: the inputs of the fleet's judge, and its answer. */
import { Type, type Static } from 'typebox'
import type { Job } from './fleet.ts'
import type { JudgeConfig } from './judging.ts'
import type { Observation } from './observation.ts'
import { Verdict } from './report.ts'
import { closed } from './resources/common.ts'
import { CAUSES } from './words.ts'

/** Where somebody stands, as far as it bears on what their testimony is worth. */
export type Standpoint = {
  vantage: string
  side: 'inside' | 'outside'
  /** Two vantages on one network are one witness. */
  network: string
  /** Domains of ours whose server asks the same resolver. */
  sharesResolverWith: readonly string[]
}

/** One observation with what it was for and by whom. Several of one vantage and job: the latest counts, earlier ones tell whether a refusal is repeated. */
export type Witness = {
  observation: Observation
  job: Job
  standpoint: Standpoint
  /** When its deep facts were seen, where they are older than the rest; milliseconds. */
  deepAt?: number
  /** The agent was itself the problem. */
  aside?: 'uplink' | 'clock' | 'event-loop'
}

/** How a peer is reached from either side, over all its witnesses: what tells a closed way out from a dead peer. `untried`: nobody of that side asked. */
export type PeerReach = { peer: string, networks: readonly string[], inside: 'reached' | 'unreached' | 'untried', outside: 'reached' | 'unreached' | 'untried' }

export type FleetConfig = JudgeConfig & {
  /** Inside and outside resolvers are meant to differ. */
  splitViewExpected: boolean
  /** A desired state or an exception of ours that stops federation on purpose; then that is the cause. */
  stoppedByUs?: string
}

/** A verdict, and how many stand behind it. */
export const FleetVerdict = Type.Object({
  ...Verdict.properties,
  /** Networks that testified, of each side, and how many of them saw what the cause says. */
  agreement: Type.Object({ inside: Type.Integer(), insideAgree: Type.Integer(), outside: Type.Integer(), outsideAgree: Type.Integer() }, closed),
  /** Causes of which a witness thought and that others disproved. */
  ruledOut: Type.Array(Type.Object({ cause: Type.Enum([...CAUSES]), because: Type.String() }, closed)),
  /** What would decide it, where it is not proved. */
  wouldDecide: Type.Array(Type.String()),
  /** Agents that were set aside, and why. */
  setAside: Type.Array(Type.Object({ vantage: Type.String(), why: Type.String() }, closed)),
}, closed)
export type FleetVerdict = Static<typeof FleetVerdict>

/** Both halves of a pair. `out`: ours to peer. */
export const FleetPairVerdict = Type.Object({ ours: Type.String(), peer: Type.String(), out: FleetVerdict, in: FleetVerdict }, closed)
export type FleetPairVerdict = Static<typeof FleetPairVerdict>
