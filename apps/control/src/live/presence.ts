/** Who is there: the presence documents of agents. */
import type { AgentPresence, Bus, LiveEvent } from '@dialtone/contracts'
import { PresenceDocument } from '@dialtone/contracts/schemas'
import type { Presence } from '../queries/needs.ts'
import { watchBucket } from './watch-bucket.ts'

const MOST_AGENTS = 5000

/** `tell` hears of every agent that is new, changed or gone. Resolves when all that are there are known. */
export async function watchPresence (bus: Bus, tell: (event: LiveEvent) => void): Promise<Presence & { stop: () => Promise<void> }> {
  let sorted: readonly AgentPresence[] | undefined
  const { known: agents, stop } = await watchBucket(bus, PresenceDocument, {
    most: MOST_AGENTS, keyOf: ({ vantage, agent }) => keyOf(vantage, agent),
    put: agent => {
      sorted = undefined
      tell({ on: 'agent', agent })
    },
    gone: ({ vantage, agent }) => {
      sorted = undefined
      tell({ on: 'agent.gone', vantage, agent })
    },
  })
  return {
    all: () => sorted ??= [...agents.values()].toSorted((a, b) => a.vantage < b.vantage ? -1 : a.vantage > b.vantage ? 1 : a.agent < b.agent ? -1 : 1),
    get: (vantage, agent) => agents.get(keyOf(vantage, agent)),
    stop,
  }
}

function keyOf (vantage: string, agent: string): string {
  return `agent.${vantage}.${agent}`
}
