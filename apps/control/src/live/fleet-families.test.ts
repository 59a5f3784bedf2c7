import type { AgentPresence, GatewayView } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { fleetFamilies } from './fleet-families.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const resources = {
  Vantage: [{ name: 'inside', spec: {} }, { name: 'outside', spec: {} }, { name: 'odd', spec: { quarantined: 'its resolver lies' } }, { name: 'moving', spec: {} }],
  Exception: [{ name: 'e', spec: { vantage: 'moving', until: '2026-01-02T00:00:00Z' } }, { name: 'over', spec: { vantage: 'inside', until: '2025-12-31T00:00:00Z' } }],
}
const agent = (vantage: string, state: AgentPresence['state']) => ({ vantage, agent: 'a', state }) as AgentPresence
const gateway = (name: string, more: Partial<GatewayView>): GatewayView => ({ gateway: name, state: 'running', healthy: true, says: '', ...more })

const values = (given: { agents?: AgentPresence[], gateways?: GatewayView[] }) => Object.fromEntries(fleetFamilies({
  configuration: { all: ((kind: keyof typeof resources) => resources[kind]) as never },
  presence: { all: () => given.agents ?? [] }, gateways: { all: () => given.gateways ?? [] }, clock: { now: () => NOW },
}).map(({ metric, values: said }) => [metric.name, [...said()].map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`)]))

it('counts the agents of every vantage that is heard, those that are not there as zero', () => {
  expect(values({ agents: [agent('inside', 'running'), agent('inside', 'unhealthy'), agent('odd', 'running'), agent('unknown-vantage', 'running')] })['dialtone_agents']).toEqual([
    'inside running 1', 'inside paused 0', 'inside unhealthy 1', 'outside running 0', 'outside paused 0', 'outside unhealthy 0',
  ])
})

it('a gateway that is to be drained is not wanted, and one that is away does not run', () => {
  const said = values({ gateways: [gateway('edge', { desired: 'running' }), gateway('drained', { desired: 'draining', state: 'draining' }), gateway('gone', { desired: 'running', state: 'absent', healthy: false }), gateway('ill', { desired: 'running', healthy: false }), gateway('stranger', {})] })
  expect(said['dialtone_gateway_wanted']).toEqual(['edge 1', 'drained 0', 'gone 1', 'ill 1'])
  expect(said['dialtone_gateway_running']).toEqual(['edge 1', 'drained 0', 'gone 0', 'ill 0'])
})

it('says which vantages are set aside on purpose', () => {
  expect(values({})['dialtone_vantage_away']).toEqual(['odd 1', 'moving 1'])
})
