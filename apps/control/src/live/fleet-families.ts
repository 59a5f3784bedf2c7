/**
 * Who is there, for alerts: agents by configured vantage, and gateways by name, as Prometheus may be unable to reach either. Made when it is asked for; the labels are names of
 * the configuration alone.
 */
import type { AgentPresence, ConfigurationView, GatewayView } from '@dialtone/contracts'
import { defineGauge, type Clock, type Labels, type Metric } from '@dialtone/kernel'

export const agents = defineGauge('dialtone_agents', 'Agents that tell of themselves, by vantage and state. Vantages that are in quarantine or in maintenance are left out.', ['vantage', 'state'])
export const vantageAway = defineGauge('dialtone_vantage_away', 'The vantage is in quarantine or in maintenance: 1, and else absent. Nobody is told that its agents are gone or unwell.', ['vantage'])
export const gatewayWanted = defineGauge('dialtone_gateway_wanted', '1: by its resource the gateway is to run; 0: it is to be drained or stopped.', ['gateway'])
export const gatewayRunning = defineGauge('dialtone_gateway_running', '1: the gateway tells of itself that it runs and is healthy; 0: it does not.', ['gateway'])

const AGENT_STATES = ['running', 'paused', 'unhealthy'] as const satisfies readonly AgentPresence['state'][]

type Family = { metric: Metric, values: () => Iterable<{ labels: Labels, value: number }> }
type Needs = { configuration: Pick<ConfigurationView, 'all'>, presence: { all: () => readonly AgentPresence[] }, gateways: { all: () => readonly GatewayView[] }, clock: Pick<Clock, 'now'> }

export function fleetFamilies ({ configuration, presence, gateways, clock }: Needs): Family[] {
  /** Set aside on purpose. */
  const away = (): Set<string> => {
    const now = clock.now()
    return new Set([...configuration.all('Vantage').flatMap(({ name, spec }) => spec.quarantined === undefined ? [] : [name]), ...configuration.all('Exception').flatMap(({ spec: { vantage, from, until } }) => vantage !== undefined && (from === undefined || Date.parse(from) <= now) && now < Date.parse(until) ? [vantage] : [])])
  }
  const heard = (): string[] => {
    const gone = away()
    return configuration.all('Vantage').flatMap(({ name }) => gone.has(name) ? [] : [name])
  }
  const wanted = () => gateways.all().filter(({ desired }) => desired !== undefined)
  return [
    {
      metric: agents,
      values: function * () {
        const there = Map.groupBy(presence.all(), ({ vantage }) => vantage)
        for (const vantage of heard()) for (const state of AGENT_STATES) yield { labels: { vantage, state }, value: (there.get(vantage) ?? []).filter(agent => agent.state === state).length }
      },
    },
    { metric: vantageAway, values: () => [...away()].map(vantage => ({ labels: { vantage }, value: 1 })) },
    { metric: gatewayWanted, values: () => wanted().map(({ gateway, desired }) => ({ labels: { gateway }, value: desired === 'running' ? 1 : 0 })) },
    { metric: gatewayRunning, values: () => wanted().map(({ gateway, state, healthy }) => ({ labels: { gateway }, value: state === 'running' && healthy ? 1 : 0 })) },
  ]
}
