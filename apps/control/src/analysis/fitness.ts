/**
 * Whether the analysis of this instance is worth hearing: not while a step of it has failed for a minute without ever getting through, and not from the moment on when its
 * store is found to be damaged, or to be another than the one at its path. Whoever is not fit speaks for nobody, and says so.
 */
import { OperatorError, type Clock } from '@dialtone/kernel'

export type Fitness = {
  /** What is wrong, in a sentence; undefined while it is fit. */
  readonly unfit: string | undefined
  failed: (step: string, error: unknown) => void
  passed: (step: string) => void
  /** Without a bus nothing can be done, and that is said elsewhere. */
  interrupted: () => void
}

const PATIENCE_MS = 60_000
/** What no later step mends. */
const LASTING: ReadonlySet<string> = new Set(['store-corrupt', 'store-displaced'])

export function createFitness ({ elapsed }: Pick<Clock, 'elapsed'>): Fitness {
  const failing = new Map<string, { since: number, says: string }>()
  let damaged: string | undefined
  return {
    get unfit () {
      if (damaged !== undefined) return damaged
      for (const [step, { since, says }] of failing) if (elapsed() - since >= PATIENCE_MS) return `nothing is judged: the step '${step}' has failed for ${Math.round((elapsed() - since) / 1000)} seconds (${says}); see the log of control`
      return undefined
    },
    failed: (step, error) => {
      const says = error instanceof Error ? error.message : String(error)
      if (error instanceof OperatorError && LASTING.has(error.code)) damaged ??= says
      failing.set(step, { since: failing.get(step)?.since ?? elapsed(), says })
    },
    passed: step => { failing.delete(step) },
    interrupted: () => failing.clear(),
  }
}
