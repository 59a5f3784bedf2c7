/** /v1/status/…: one domain or pair, with what each vantage saw at each endpoint, and its timeline of causes. */
import type { Incident } from '@dialtone/contracts'
import { DomainView, PairView, Timeline } from '@dialtone/contracts/schemas'
import { Type } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import type { QueryNeeds } from './needs.ts'
import { withRunbook } from './runbook.ts'
import { AT, DOMAIN, PAIR, PERIOD, closed, isKnown, notModified, periodOf, utc } from './parameters.ts'

const Period = Type.Object({ ...PERIOD, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000, description: 'Spans and changes; default 500. `truncated` says that there are more' })) }, closed)
const At = Type.Object(AT, closed)

export function statusRoutes (app: App, { readings, configuration, epoch }: QueryNeeds): void {
  const unknown = (domain: string, peer?: string) => refusal('not-found',
    peer !== undefined ? `Nothing is known of the pair ${domain} and ${peer}: ${domain} must be a Domain and ${peer} a Peer of it, and the first check be done.`
      : configuration.get('Peer', domain) !== undefined ? `${domain} is a peer, which is well or not to each of ours: GET /v1/overview?peer=${domain} lists the pairs, GET /v1/status/OURS/${domain} tells of one.`
        : `Nothing is known of ${domain}: add it with PUT /v1/domains/${domain} (ours) or PUT /v1/peers/${domain}, and wait for the first check.`)

  app.get('/v1/status/:domain', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'One domain: verdict, evidence, remedy, and each vantage × endpoint', params: DOMAIN, querystring: At, response: { 200: DomainView } } }, async (request, reply) => {
    const { domain } = request.params
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    const view = readings.domain(domain, request.query.at === undefined ? undefined : utc(request.query.at))
    if (view === undefined) throw unknown(domain)
    return { ...view, verdict: withRunbook(view.verdict), ...incidentOf(view.incident) }
  })

  app.get('/v1/status/:domain/timeline', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'The causes that a domain had, and what changed beside them', params: DOMAIN, querystring: Period, response: { 200: Timeline } } }, async (request, reply) => {
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    const found = readings.timeline(request.params.domain, undefined, periodOf(request.query), request.query.limit ?? 500)
    if (found === undefined) throw unknown(request.params.domain)
    return found
  })

  app.get('/v1/status/:domain/:peer', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'A pair of ours and a peer, both directions', params: PAIR, querystring: At, response: { 200: PairView } } }, async (request, reply) => {
    const { domain, peer } = request.params
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    const view = readings.pair(domain, peer, request.query.at === undefined ? undefined : utc(request.query.at))
    if (view === undefined) throw unknown(domain, peer)
    return { ...view, out: { ...view.out, verdict: withRunbook(view.out.verdict) }, in: { ...view.in, verdict: withRunbook(view.in.verdict) }, ...incidentOf(view.incident) }
  })

  app.get('/v1/status/:domain/:peer/timeline', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'The causes that a pair had, in both directions', params: PAIR, querystring: Period, response: { 200: Timeline } } }, async (request, reply) => {
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    const { domain, peer } = request.params
    const found = readings.timeline(domain, peer, periodOf(request.query), request.query.limit ?? 500)
    if (found === undefined) throw unknown(domain, peer)
    return found
  })
}

function incidentOf (incident: Incident | undefined): { incident?: Incident } {
  return incident === undefined ? {} : { incident: withRunbook(incident) }
}
