/** Who is there: the presence documents of agents, kept up to date from the bus. While the bus is away it is what it was, and says so by its times. */
import type { AgentPresence, Bus, LiveEvent } from '@dialtone/contracts'
import { PresenceDocument } from '@dialtone/contracts/schemas'
import type { Presence } from '../queries/needs.ts'

/** Agents that are remembered; more are not taken, which only a flood of made-up ones reaches. */
const MOST_AGENTS = 5000

/** `tell` hears of every agent that is new, changed or gone. Resolves when all that are there are known. */
export async function watchPresence (bus: Bus, tell: (event: LiveEvent) => void): Promise<Presence & { stop: () => Promise<void> }> {
  const agents = new Map<string, AgentPresence>()
  let sorted: readonly AgentPresence[] | undefined
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const documents = await bus.documents(PresenceDocument, { create: true })
  const watching = await documents.watch(change => {
    sorted = undefined
    if (change.on === 'ready') resolve()
    else if (change.on === 'put') {
      // The key is what the bus lets its writer write; the body is what it says of itself.
      const { vantage, agent } = change.document
      if (change.key !== keyOf(vantage, agent) || (!agents.has(change.key) && agents.size >= MOST_AGENTS)) return
      agents.set(change.key, change.document)
      tell({ on: 'agent', agent: change.document })
    } else {
      const gone = agents.get(change.key)
      agents.delete(change.key)
      if (gone !== undefined) tell({ on: 'agent.gone', vantage: gone.vantage, agent: gone.agent })
    }
  })
  await ready
  return {
    all: () => sorted ??= [...agents.values()].toSorted((a, b) => a.vantage < b.vantage ? -1 : a.vantage > b.vantage ? 1 : a.agent < b.agent ? -1 : 1),
    get: (vantage, agent) => agents.get(keyOf(vantage, agent)),
    stop: () => watching.stop(),
  }
}

function keyOf (vantage: string, agent: string): string {
  return `agent.${vantage}.${agent}`
}
