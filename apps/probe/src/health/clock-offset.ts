/**
 * How far this clock is from control's, over the bus. A wrong clock makes good certificates expired and mixes up the order of what several vantages
 * saw. No answer is no finding: the last answer counts until this clock is set.
 */
import type { Bus } from '@dialtone/contracts'
import { TellTime } from '@dialtone/contracts/schemas'
import type { Clock, Signal } from '@dialtone/kernel'

export type ClockWatch = {
  /** Asks control, when it is time to. */
  look: (signal: Signal) => Promise<void>
  /** This clock minus control's in milliseconds, and by how much that may be wrong. */
  offset: () => { ms: number, uncertainMs: number } | undefined
}

/** Above the first a finding, above the second unhealthy. */
export const OFFSET_NOTED_MS = 2000
export const OFFSET_UNHEALTHY_MS = 30_000
/** While it is known; while it is not, at each look. */
const EVERY_MS = 60_000
const TIMEOUT_MS = 3000
/** The answer that took the least time says most. */
const TRIES = 3
/** Somebody set this clock by more than this since it was compared. */
const STEPPED_MS = 500
/** After so long without an answer nothing is known. */
const FORGET_MS = 3_600_000

export function watchClock (clock: Clock, bus: Pick<Bus, 'request' | 'connected'>): ClockWatch {
  let known: { ms: number, uncertainMs: number, askedAt: number, base: number } | undefined
  const current = () => known !== undefined && Math.abs(clock.now() - clock.elapsed() - known.base) <= STEPPED_MS && clock.elapsed() - known.askedAt <= FORGET_MS ? known : undefined

  return {
    look: async signal => {
      const fresh = current()
      if (!bus.connected || (fresh !== undefined && clock.elapsed() - fresh.askedAt < EVERY_MS)) return
      let best: { ms: number, uncertainMs: number } | undefined
      for (let tries = 0; tries < TRIES && !signal.aborted; tries++) {
        const answer = await ask(clock, bus, signal)
        if (answer === undefined) break
        if (best === undefined || answer.uncertainMs < best.uncertainMs) best = answer
      }
      if (best !== undefined) known = { ...best, askedAt: clock.elapsed(), base: clock.now() - clock.elapsed() }
    },
    offset: current,
  }
}

async function ask (clock: Clock, bus: Pick<Bus, 'request'>, signal: Signal): Promise<{ ms: number, uncertainMs: number } | undefined> {
  const began = clock.elapsed()
  const answered = await bus.request(TellTime, ['clock'], {}, { timeoutMs: TIMEOUT_MS, signal }).catch(() => undefined)
  const half = (clock.elapsed() - began) / 2
  if (answered === undefined || 'failed' in answered) return undefined
  return { ms: clock.now() - half - Date.parse(answered.answer.at), uncertainMs: half }
}
