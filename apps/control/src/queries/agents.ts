/** /v1/agents and /v1/listeners: who looks, and how they are. */
import type { AgentPresence } from '@dialtone/contracts'
import { Agents, AgentPresence as AgentShape, Listeners, Name } from '@dialtone/contracts/schemas'
import { Type, type Static } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import type { QueryNeeds } from './needs.ts'
import { AGENT, closed, given } from './parameters.ts'

export function agentRoutes (app: App, { readings, presence, clock }: QueryNeeds): void {
  const asOf = () => new Date(clock.now()).toISOString()

  app.get('/v1/agents', { config: { role: 'viewer' }, schema: { tags: ['fleet'], summary: 'Agents that are there', querystring: Type.Object({ vantage: Type.Optional(Name), state: Type.Optional(Type.Enum(['running', 'paused', 'unhealthy'])) }, closed), response: { 200: Agents } } }, async ({ query }) => ({
    asOf: asOf(), agents: presence.all().filter(agent => (query.vantage === undefined || agent.vantage === query.vantage) && (query.state === undefined || agent.state === query.state)),
  }))

  app.get('/v1/agents/:vantage/:agent', { config: { role: 'viewer' }, schema: { tags: ['fleet'], summary: 'One agent: health, spool, clock, budgets, hooks', params: AGENT, querystring: Type.Object({}, closed), response: { 200: AgentShape } } }, async ({ params }) => {
    const agent = presence.get(params.vantage, params.agent)
    if (agent === undefined) throw refusal('not-found', `No agent '${params.agent}' of '${params.vantage}' is there now; GET /v1/agents lists those that are. Look at its log, and whether it reaches the bus.`)
    return agent
  })

  app.get('/v1/listeners', { config: { role: 'viewer' }, schema: { tags: ['fleet'], summary: 'Dialback listeners of agents, and what other vantages see of them', querystring: Type.Object({}, closed), response: { 200: Listeners } } }, async () => ({
    asOf: asOf(), listeners: presence.all().flatMap(agent => listenersOf(agent)),
  }))

  function listenersOf ({ vantage, agent, listener }: AgentPresence): Static<typeof Listeners>['listeners'] {
    if (listener === undefined) return []
    const verdict = readings.domain(listener.domain)?.verdict
    return [{ vantage, agent, ...listener, ...given({ state: verdict?.state, sentence: verdict?.sentence }) }]
  }
}
