/** Whether what is asked for can be done: the connections that a target gets in an hour from one vantage, and the size of what agents are handed. */
import type { LintFinding, ScheduleSpec } from '@dialtone/contracts'
import { DEFAULT_CONNECTIONS, MOST_PAIRS } from '../limits.ts'
import type { Rule } from './rule.ts'

/** An endpoint costs a light check two connections (the second look), a peer two more for the claim question and its control. One endpoint is assumed. */
const CONNECTIONS = { own: 2, peer: 4 } as const

export const load: Rule = function * (resources) {
  const domains = resources.all('Domain')
  const peers = resources.all('Peer')
  const pairs = peers.reduce((sum, { spec }) => sum + (spec.ours?.length ?? domains.length), 0)
  if (pairs > MOST_PAIRS) yield { level: 'error', code: 'too-many-pairs', says: `${peers.length} peers and ${domains.length} domains make ${pairs} pairs, and ${MOST_PAIRS} is the most; name in Peer.ours which of our domains federate with each` }

  const vantages = resources.all('Vantage')
  const hardest = vantages.toSorted((a, b) => (a.spec.connectionsPerTargetPerHour ?? DEFAULT_CONNECTIONS) - (b.spec.connectionsPerTargetPerHour ?? DEFAULT_CONNECTIONS))
  const told = new Set<string>() // Once is enough: both sides are mended by the same change.
  for (const side of ['inside', 'outside'] as const) {
    const vantage = hardest.find(one => one.spec.side === side)
    if (vantage === undefined) continue
    const budget = vantage.spec.connectionsPerTargetPerHour ?? DEFAULT_CONNECTIONS
    const over = (resource: string, schedule: string | undefined, checks: number, each: number): LintFinding | undefined => {
      const every = everySeconds(resources.get('Schedule', schedule ?? 'default')?.spec)
      const wanted = Math.round(checks * each * 3600 / every)
      if (wanted <= budget || told.has(resource)) return undefined
      told.add(resource)
      return {
        level: 'warning', code: 'over-budget', resource, pointer: '/spec/schedule',
        says: `${resource} would get about ${wanted} connections an hour from Vantage/${vantage.name} (${checks} ${checks === 1 ? 'check' : 'checks'} every ${every} s), and ${budget} is its budget: checks will come late; check less often, for fewer of our domains, or raise connectionsPerTargetPerHour`,
      }
    }
    for (const { name, spec } of domains) {
      const found = over(`Domain/${name}`, spec.schedule, side === 'inside' && (spec.internal ?? []).length > 0 ? 2 : 1, CONNECTIONS.own)
      if (found !== undefined) yield found
    }
    for (const { name, spec } of peers) {
      const found = over(`Peer/${name}`, spec.schedule, side === 'inside' ? (spec.ours?.length ?? domains.length) : 1, side === 'inside' ? CONNECTIONS.peer : CONNECTIONS.own)
      if (found !== undefined) yield found
    }
  }
}

function everySeconds (schedule: ScheduleSpec | undefined): number {
  return schedule?.lightEverySeconds ?? 60
}
