/** Which of the targets of a vantage are this agent's, and how each is to be scheduled. */
import type { Assignment, Target } from '@dialtone/contracts'
import { owners, paceOf, shareKey, type Plan } from '@dialtone/ladder'
import { deepName } from './request.ts'

export type Members = { all: readonly string[], /** Those that hold the listener of the probe domain. */ listeners: readonly string[] }

/** One plan for each target. */
export function plansOf ({ targets, schedules, spec }: Assignment, listens: boolean): Plan[] {
  const paces = new Map(Object.entries(schedules).map(([name, schedule]) => [name, paceOf(schedule, spec.desired)]))
  const usual = paceOf({}, spec.desired)
  return targets.map(target => {
    const as = deepName(target, spec)
    // Without the listener nobody would see the callback, and a peer that wants to be called first would seem to be at fault.
    const deep = as !== undefined && (target.deep?.depth === 'shared' || listens)
    return { id: target.id, domain: target.domain, pace: paces.get(target.schedule) ?? usual, ...(deep ? { pair: `${as} ${target.domain}` } : {}) }
  })
}

/** Whose each target is; undefined: nobody's, for all are paused. Domains that are asked in the name of the probe domain are shared among those that its peers call back. */
export function ownerOf (targets: readonly Target[], { all, listeners }: Members): (id: string) => string | undefined {
  const called = new Set(listeners.length === 0 ? [] : targets.filter(({ deep }) => deep?.depth === 'probe').map(({ id }) => shareKey(id)))
  const keys = new Set(targets.map(({ id }) => shareKey(id)))
  const owned = owners([...keys].filter(key => !called.has(key)), all)
  for (const [key, owner] of owners(called, listeners)) owned.set(key, owner)
  return id => owned.get(shareKey(id))
}
