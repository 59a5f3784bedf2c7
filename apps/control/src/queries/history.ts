/** /v1/incidents, /v1/changes and /v1/audit: what happened, what changed, and who did what. */
import { CAUSES } from '@dialtone/contracts'
import { Audit, CHANGE_KINDS, Changes, DomainName, Incident, Incidents } from '@dialtone/contracts/schemas'
import { Type } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import type { QueryNeeds } from './needs.ts'
import { withRunbook } from './runbook.ts'
import { PAGE, PERIOD, closed, given, isKnown, notModified, pageOfQuery, periodOf } from './parameters.ts'

const Text = (most: number) => Type.Optional(Type.String({ minLength: 1, maxLength: most }))

export function historyRoutes (app: App, { readings, epoch }: QueryNeeds): void {
  app.get('/v1/incidents', { config: { role: 'viewer' }, schema: { tags: ['history'], summary: 'Incidents, newest first', querystring: Type.Object({ domain: Type.Optional(DomainName), open: Type.Optional(Type.Boolean()), cause: Type.Optional(Type.Enum([...CAUSES])), ...PAGE }, closed), response: { 200: Incidents } } }, async (request, reply) => {
    const { domain, open, cause } = request.query
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    const page = readings.incidents(given({ domain, open, cause }), pageOfQuery(request.query))
    return { ...page, incidents: page.incidents.map(withRunbook) }
  })

  app.get('/v1/incidents/:id', { config: { role: 'viewer' }, schema: { tags: ['history'], summary: 'One incident', params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }, closed), querystring: Type.Object({}, closed), response: { 200: Incident } } }, async (request, reply) => {
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    const incident = readings.incident(request.params.id)
    if (incident === undefined) throw refusal('not-found', 'There is no such incident, or it is older than what is kept; GET /v1/incidents lists them.')
    return withRunbook(incident)
  })

  app.get('/v1/changes', { config: { role: 'viewer' }, schema: { tags: ['history'], summary: 'What changed in what domains show, before and after, and notes', querystring: Type.Object({ domain: Type.Optional(DomainName), kind: Type.Optional(Type.Enum([...CHANGE_KINDS])), ...PERIOD, ...PAGE }, closed), response: { 200: Changes } } }, async (request, reply) => {
    const { domain, kind } = request.query
    if (isKnown(request, reply, epoch, readings.seq)) return notModified(reply)
    return readings.changes({ ...given({ domain, kind }), ...periodOf(request.query) }, pageOfQuery(request.query))
  })

  app.get('/v1/audit', { config: { role: 'operator' }, schema: { tags: ['history'], summary: 'Who did what to what, newest first', querystring: Type.Object({ actor: Text(100), subject: Text(400), action: Text(60), ...PERIOD, ...PAGE }, closed), response: { 200: Audit } } }, async request => {
    const { actor, subject, action } = request.query
    return readings.audit({ ...given({ actor, subject, action }), ...periodOf(request.query) }, pageOfQuery(request.query))
  })
}
