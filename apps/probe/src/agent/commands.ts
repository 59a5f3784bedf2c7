/** What operators ask of an agent: a check now, and a fresh start. Served for this agent, and in turn with the others for `any`; a check of what is another's is refused, and that one named. */
import type { Bus, Target } from '@dialtone/contracts'
import { CheckNow, ResetTarget } from '@dialtone/contracts/schemas'
import type { Clock, Logger, Stoppable } from '@dialtone/kernel'
import type { Denied, Schedule } from '@dialtone/ladder'
import { createTeller } from './progress.ts'
import type { Runner } from './runner.ts'
import { servedForEver } from '@dialtone/bus'

export type CommandsOptions = {
  bus: Bus
  vantage: string
  agent: string
  schedule: Schedule
  runner: Runner
  targetOf: (id: string) => Target | undefined
  /** Why nothing may be checked now. */
  paused: () => string | undefined
  /** Whose a target is; undefined: not known yet. */
  ownerOf: (id: string) => string | undefined
  /** Where a deep check of the target can be made, when it cannot be here. */
  elsewhere: () => string | undefined
  clock: Clock
  logger: Logger
}

type Answer = { agent: string, accepted: boolean, says?: string, retryAfterSeconds?: number, owner?: string }
/** News of who comes and goes take a moment. */
const BUSY_MS = 5000
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/

export function serveCommands ({ bus, vantage, agent, schedule, runner, targetOf, paused, ownerOf, elsewhere, clock, logger }: CommandsOptions): Stoppable {
  const check = async (body: { check: string, target: string, deep: boolean }): Promise<Answer> => {
    const no = (says: string, retryAfterMs?: number): Answer => ({ agent, accepted: false, says, ...(retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(retryAfterMs / 1000) }) })
    if (!TOKEN.test(body.check)) return no('the id of a check has letters, digits, hyphens and underscores only')
    const target = targetOf(body.target)
    if (target === undefined) return no('this vantage has no such target')
    const owner = ownerOf(target.id)
    const pause = paused()
    // One that is paused knows too whose it is; only where the whole vantage is, it is nobody's.
    if (owner !== undefined && owner !== agent) return { ...no(`${pause === undefined ? '' : `${pause}, and `}agent ${owner} checks this target: ask that one`, BUSY_MS), owner }
    if (pause !== undefined) return no(pause)
    if (owner === undefined) return no('this agent does not know yet which targets are its own', BUSY_MS)
    const claimed = schedule.claim(target.id, body.deep)
    if ('why' in claimed) return no(sentenceOf(claimed, elsewhere()), claimed.why === 'unknown' || claimed.why === 'no-deep' ? undefined : claimed.retryAfterMs)
    const teller = createTeller({ bus, vantage, agent, check: body.check, target: target.id, elapsed: clock.elapsed })
    if (!runner.runNow(target, body.deep, body.check, teller)) return no('this agent has too much to do at the moment', BUSY_MS)
    return { agent, accepted: true }
  }
  const reset = async ({ target }: { target?: string }) => {
    const targets = schedule.reset(target)
    runner.wake()
    return { targets }
  }

  const serving = [
    { begin: () => bus.serve(CheckNow, [vantage, agent], check) },
    { begin: () => bus.serve(CheckNow, [vantage, 'any'], check, { shared: true }) },
    { begin: () => bus.serve(ResetTarget, [vantage, agent], reset) },
    { begin: () => bus.serve(ResetTarget, [vantage, 'any'], reset, { shared: true }) },
  ].map(({ begin }) => servedForEver(begin, logger))
  return {
    stop: async () => {
      for (const one of serving) await one.stop()
    },
  }
}

function sentenceOf ({ why }: Denied, other: string | undefined): string {
  switch (why) {
    case 'unknown': return 'this vantage has no such target'
    case 'running': return 'it is being checked at this moment'
    case 'budget': return 'the connection budget of this domain is used for this hour'
    case 'retry-window': return 'the peer refused us, and is not asked again in our name before its retry window is over'
    case 'pair-busy': return 'a deep check of this pair is running'
    case 'no-deep': return other === undefined ? 'it cannot be checked deeply from here: no secret is configured, or the listener of the probe domain is not open' : `the listener of the probe domain is held by agent ${other}: ask that one`
    default: return why satisfies never
  }
}
