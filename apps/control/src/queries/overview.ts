/** /v1/summary and /v1/overview: how the fleet is, in numbers and in rows. */
import { CAUSES, SIDES, STATES } from '@dialtone/contracts'
import { DomainName, Overview, Summary } from '@dialtone/contracts/schemas'
import { Type } from 'typebox'
import type { App } from '../http/server.ts'
import type { QueryNeeds } from './needs.ts'
import { AT, PAGE, Words, closed, given, isKnown, notModified, pageOfQuery, utc, wordsOf } from './parameters.ts'

const Query = Type.Object({
  state: Words(STATES.join(', ')), cause: Words('causes of /v1/causes'), side: Words(SIDES.join(', ')),
  q: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'Part of a name' })),
  domain: Type.Optional(DomainName), peer: Type.Optional(DomainName), only: Type.Optional(Type.Enum(['domains', 'pairs'])),
  ...PAGE, ...AT,
}, closed)

export function overviewRoutes (app: App, { readings, epoch }: QueryNeeds): void {
  app.get('/v1/summary', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'The fleet in numbers', querystring: Type.Object({}, closed), response: { 200: Summary } } }, async (request, reply) => {
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    return readings.summary()
  })

  app.get('/v1/overview', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'Domains and pairs, worst first', querystring: Query, response: { 200: Overview } } }, async (request, reply) => {
    const { state, cause, side, q, domain, peer, only, at } = request.query
    const filter = given({ states: wordsOf(state, STATES, 'state'), causes: wordsOf(cause, CAUSES, 'cause'), sides: wordsOf(side, SIDES, 'side'), q: q?.toLowerCase(), domain, peer, only })
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    return readings.overview(filter, pageOfQuery(request.query), at === undefined ? undefined : utc(at))
  })
}
