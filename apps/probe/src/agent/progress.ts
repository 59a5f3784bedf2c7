/** How a check that an operator waits for comes along, as events; rate-bounded, so that a peer with many endpoints floods nobody. */
import { randomBytes } from 'node:crypto'
import type { Bus, CheckProgress as Told } from '@dialtone/contracts'
import { CheckProgress } from '@dialtone/contracts/schemas'
import type { Progress } from '@dialtone/ladder'

const MOST_STEPS = 400
const STEPS_PER_SECOND = 40

export type Teller = {
  begun: () => void
  heard: (progress: Progress) => void
  ended: (at: 'done' | 'failed', says: string, ms: number) => void
}

export function createTeller ({ bus, vantage, agent, check, target, elapsed }: { bus: Pick<Bus, 'publish' | 'connected'>, vantage: string, agent: string, check: string, target: string, elapsed: () => number }): Teller {
  let steps = 0
  let second = -1
  let inSecond = 0
  const tell = (more: Pick<Told, 'at'> & Partial<Told>) => {
    // Nobody waits for it longer than for the next.
    if (bus.connected) bus.publish(CheckProgress, [vantage, check], { check, vantage, agent, target, ...more }, { id: randomBytes(12).toString('hex') }).catch(() => undefined)
  }
  const mayTell = () => {
    const now = Math.floor(elapsed() / 1000)
    if (now !== second) [second, inSecond] = [now, 0]
    return ++steps <= MOST_STEPS && ++inSecond <= STEPS_PER_SECOND
  }
  return {
    begun: () => tell({ at: 'started' }),
    heard: progress => {
      if (progress.at === 'step' && mayTell()) tell({ at: 'step', endpoint: progress.endpoint.slice(0, 400), stage: progress.step.stage, outcome: progress.step.outcome, ms: progress.step.ms })
      if (progress.at === 'deep-step' && mayTell()) tell({ at: 'step', endpoint: progress.endpoint.slice(0, 400), stage: progress.step.stage, outcome: progress.step.outcome, ms: progress.step.ms, says: progress.role })
      if (progress.at === 'endpoint' && mayTell()) tell({ at: 'endpoint', endpoint: progress.endpoint.id.slice(0, 400), outcome: progress.endpoint.steps.some(({ outcome }) => outcome === 'failed') ? 'failed' : 'ok' })
      if (progress.at === 'no-answer-yet' && mayTell()) tell({ at: 'step', endpoint: progress.endpoint.slice(0, 400), stage: 'dialback', outcome: 'waiting', ms: progress.ms, says: progress.called ? 'the peer has called back and has not answered yet' : 'no answer yet' })
    },
    ended: (at, says, ms) => tell({ at, says: says.slice(0, 400), ms }),
  }
}
