/** /v1/observations: what was seen, in full, for people who want the evidence. */
import { DomainName, Name, ObservationRecorded, Observations } from '@dialtone/contracts/schemas'
import { Type } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import type { QueryNeeds } from './needs.ts'
import { observationText } from './observation-text.ts'
import { PAGE, PERIOD, closed, given, pageOfQuery, periodOf } from './parameters.ts'

export function observationRoutes (app: App, { readings }: QueryNeeds): void {
  app.get('/v1/observations', {
    config: { role: 'viewer' },
    schema: { tags: ['evidence'], summary: 'Observations, newest first', querystring: Type.Object({ domain: Type.Optional(DomainName), ours: Type.Optional(DomainName), vantage: Type.Optional(Name), check: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })), ...PERIOD, ...PAGE }, closed), response: { 200: Observations } },
  }, async request => {
    const { domain, ours, vantage, check } = request.query
    return readings.observations({ ...given({ domain, ours, vantage, check }), ...periodOf(request.query) }, pageOfQuery(request.query))
  })

  app.get('/v1/observations/:id', {
    config: { role: 'viewer' },
    schema: {
      tags: ['evidence'], summary: 'One observation, whole: records, steps, certificates, transcript', produces: ['application/json', 'text/plain'],
      params: Type.Object({ id: Type.String({ minLength: 8, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }) }, closed),
      querystring: Type.Object({ as: Type.Optional(Type.Enum(['json', 'text'], { description: 'text: to be read by people; default json' })) }, closed), response: { 200: ObservationRecorded },
    },
  }, async (request, reply) => {
    const recorded = readings.observation(request.params.id)
    if (recorded === undefined) throw refusal('not-found', 'There is no such observation, or it was equal to one before it and is not kept whole; GET /v1/observations?domain=… lists those that are.')
    // An observation never changes.
    reply.headers({ 'cache-control': 'private, max-age=3600', vary: 'Authorization' })
    if (request.query.as === 'text') return reply.type('text/plain; charset=utf-8').serializer(String).send(observationText(recorded) as never)
    return recorded
  })
}
