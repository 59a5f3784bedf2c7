/** /v1/gateways/{name}/…: how a gateway is, its streams and its queues; /v1/explain-route: what would happen to a stanza, and why. */
import { DomainName, ExplainRoute, GatewayQueues, GatewayStatus, GatewayStreams, Name, QueuesOfGateway, RouteExplanations, StreamsOfGateway } from '@dialtone/contracts/schemas'
import { quoted } from '@dialtone/kernel'
import { Type } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { askGateway, knownGateway } from './ask-gateway.ts'
import type { QueryNeeds } from './needs.ts'
import { closed, given } from './parameters.ts'

const One = Type.Object({ name: Name }, closed)
const Scope = Type.Object({
  zone: Type.Optional(Name), peer: Type.Optional(DomainName), ours: Type.Optional(DomainName),
  most: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'How many are listed; default 100' })),
}, closed)
const DEFAULT_MOST = 100
/** Gateways that one question is put to. */
const MOST_ASKED = 16

export function gatewayRoutes (app: App, { gateways, bus, clock }: Pick<QueryNeeds, 'gateways' | 'bus' | 'clock'>): void {
  const asOf = () => new Date(clock.now()).toISOString()
  const needs = { gateways, bus }

  app.get('/v1/gateways/:name/status', { config: { role: 'viewer' }, schema: { tags: ['gateways'], summary: 'One gateway: what is wanted of it, how it is, how far its drains are, whether its stanzas add up', params: One, querystring: Type.Object({}, closed), response: { 200: GatewayStatus } } }, async ({ params }) =>
    ({ asOf: asOf(), ...knownGateway(gateways, params.name) }))

  app.get('/v1/gateways/:name/streams', { config: { role: 'viewer' }, schema: { tags: ['gateways'], summary: 'The streams of a gateway, as it tells them now', params: One, querystring: Scope, response: { 200: StreamsOfGateway } } }, async ({ params: { name }, query: { most = DEFAULT_MOST, ...scope } }) =>
    ({ asOf: asOf(), gateway: name, ...await askGateway(needs, GatewayStreams, name, { ...given(scope), most }) }))

  app.get('/v1/gateways/:name/queues', { config: { role: 'viewer' }, schema: { tags: ['gateways'], summary: 'What waits at a gateway: each route with its state and its last failure, step by step', params: One, querystring: Scope, response: { 200: QueuesOfGateway } } }, async ({ params: { name }, query: { most = DEFAULT_MOST, ...scope } }) =>
    ({ asOf: asOf(), gateway: name, ...await askGateway(needs, GatewayQueues, name, { ...given(scope), most }) }))

  app.get('/v1/explain-route', {
    config: { role: 'viewer' },
    schema: {
      tags: ['gateways'], summary: 'What would happen to a stanza from one domain to another now, and why', description: 'Each gateway that is there is asked, or the one that is named. Nothing is sent and nothing is connected.',
      querystring: Type.Object({ from: DomainName, to: DomainName, gateway: Type.Optional(Name) }, closed), response: { 200: RouteExplanations },
    },
  }, async ({ query: { from, to, gateway } }) => {
    if (gateway !== undefined) return { asOf: asOf(), explanations: [await askGateway(needs, ExplainRoute, gateway, { from, to })], unanswered: [] }
    const present = gateways.present()
    if (present.length === 0) throw refusal('no-gateway', `Start a gateway: none is there to be asked${gateways.all().length === 0 ? ', and no Gateway resource is configured' : ''}; what would happen is known to those that carry the stanzas alone.`, { retryAfterSeconds: 10 })
    if (present.length > MOST_ASKED) throw refusal('invalid-request', `Name one with 'gateway': ${present.length} are there, and at most ${MOST_ASKED} are asked at once.`, { pointer: '/gateway' })
    const asked = await Promise.all(present.map(async name => {
      try {
        return { name, answer: await askGateway(needs, ExplainRoute, name, { from, to }) }
      } catch (error) {
        return { name, error: error as Error }
      }
    }))
    const explanations = asked.flatMap(({ answer }) => answer ?? [])
    const unanswered = asked.flatMap(({ name, error }) => error === undefined ? [] : [{ gateway: name, says: quoted(error.message, 600), error }])
    const [first] = unanswered
    if (explanations.length === 0 && first !== undefined) throw first.error
    return { asOf: asOf(), explanations, unanswered: unanswered.map(({ gateway: name, says }) => ({ gateway: name, says })) }
  })
}
