import type { DeepStage, Failure, StepOutcome } from '@dialtone/contracts'

export type StepOf<S extends DeepStage> = { stage: S, outcome: StepOutcome, atMs: number, ms: number, failure?: Failure }

/** The stages of one connection while it lives: one is open at a time, and ends as `ok` or `failed`. */
export type Steps<S extends DeepStage = DeepStage> = {
  /** Opens a stage; the one that is open, if any, ends as `ok`. Opening the open one does nothing. */
  enter: (stage: DeepStage) => void
  /** The open stage ends as `failed`. Without an open stage the first one that was not asked fails. No failure: the peer answered, and said no. */
  fail: (failure?: Failure) => void
  /** The open stage ends as `ok`. */
  finish: () => void
  /** Every stage of the ladder, in order; what was never entered is `not-asked`. */
  list: () => StepOf<S>[]
  readonly current: DeepStage | undefined
}

/** `since` gives milliseconds from the start of the observation; `ended` hears each step as it ends. */
export function createSteps<S extends DeepStage> (ladder: readonly S[], since: () => number, ended: (step: StepOf<DeepStage>) => void): Steps<S> {
  const done = new Map<DeepStage, StepOf<DeepStage>>()
  let open: { stage: DeepStage, atMs: number } | undefined

  const end = (outcome: 'ok' | 'failed', failure?: Failure) => {
    if (open === undefined) return
    const step = { stage: open.stage, outcome, atMs: open.atMs, ms: since() - open.atMs, ...(failure === undefined ? {} : { failure }) }
    done.set(step.stage, step)
    open = undefined
    ended(step)
  }
  const enter = (stage: DeepStage) => {
    if (open?.stage === stage) return
    end('ok')
    open = { stage, atMs: since() }
  }

  return {
    enter,
    fail: failure => {
      const next = ladder.find(stage => !done.has(stage))
      if (open === undefined && next !== undefined) enter(next)
      end('failed', failure)
    },
    finish: () => end('ok'),
    list: () => ladder.map(stage => ({ ...(done.get(stage) ?? { stage, outcome: 'not-asked', atMs: 0, ms: 0 }), stage })),
    get current () { return open?.stage },
  }
}
