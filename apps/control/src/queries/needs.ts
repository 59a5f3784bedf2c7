import type { AgentPresence, Bus, ConfigurationView, Readings } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import type { Gateways } from '../live/gateways.ts'

/** Who is there, as their presence on the bus tells it. */
export type Presence = {
  /** Sorted by vantage, then by agent. */
  all: () => readonly AgentPresence[]
  get: (vantage: string, agent: string) => AgentPresence | undefined
}

/** What the reading paths answer from. `epoch`: another in every process. */
export type QueryNeeds = { readings: Readings, configuration: ConfigurationView, presence: Presence, gateways: Gateways, bus: Pick<Bus, 'connected' | 'request'>, clock: Clock, epoch: string, about: { name: string, version: string } }
