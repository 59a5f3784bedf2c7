import { DIRECT_LADDER, STARTTLS_LADDER, type EndpointKind, type Failure, type Stage, type Step } from '@dialtone/contracts'

/** The stages of one endpoint while it is observed: one is open at a time, and ends as `ok` or `failed`. */
export type Steps = {
  /** Opens a stage; the one that is open, if any, ends as `ok`. Opening the open one does nothing. */
  enter: (stage: Stage) => void
  /** The open stage ends as `failed`. Without an open stage the first one that was not asked fails. */
  fail: (failure: Failure) => void
  /** The open stage ends as `ok`. */
  finish: () => void
  /** Every stage of this kind of endpoint, in order; what was never entered is `not-asked`. */
  list: () => Step[]
  readonly current: Stage | undefined
}

/** `since` gives milliseconds from the start of the observation; `ended` hears each step as it ends. */
export function createSteps (kind: EndpointKind, since: () => number, ended: (step: Step) => void): Steps {
  const ladder = kind === 'starttls' ? STARTTLS_LADDER : DIRECT_LADDER
  const done = new Map<Stage, Step>()
  let open: { stage: Stage, atMs: number } | undefined

  const end = (failure?: Failure) => {
    if (open === undefined) return
    const step: Step = { stage: open.stage, outcome: failure === undefined ? 'ok' : 'failed', atMs: open.atMs, ms: since() - open.atMs, ...(failure === undefined ? {} : { failure }) }
    done.set(step.stage, step)
    open = undefined
    ended(step)
  }
  const enter = (stage: Stage) => {
    if (open?.stage === stage) return
    end()
    open = { stage, atMs: since() }
  }

  return {
    enter,
    fail: failure => {
      const next = ladder.find(stage => !done.has(stage))
      if (open === undefined && next !== undefined) enter(next)
      end(failure)
    },
    finish: () => end(),
    list: () => ladder.map(stage => done.get(stage) ?? { stage, outcome: 'not-asked', atMs: 0, ms: 0 }),
    get current () { return open?.stage },
  }
}
