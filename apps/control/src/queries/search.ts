/** /v1/search and /v1/expiries: find a thing by part of its name; what will end by itself. */
import { CAUSES } from '@dialtone/contracts'
import { Expiries, KINDS, SearchResults, type Expiry, type Found } from '@dialtone/contracts/schemas'
import { Type, type Static } from 'typebox'
import type { App } from '../http/server.ts'
import type { QueryNeeds } from './needs.ts'
import { closed, isKnown, notModified } from './parameters.ts'

const MOST_FOUND = 20
const MOST_EXPIRIES = 1000
const DAY_MS = 86_400_000

export function searchRoutes (app: App, { readings, configuration, presence, clock, epoch }: QueryNeeds): void {
  app.get('/v1/search', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'Domains, pairs, incidents, resources, agents and causes by part of a name; at most 20', querystring: Type.Object({ q: Type.String({ minLength: 1, maxLength: 253 }) }, closed), response: { 200: SearchResults } } }, async ({ query }) => {
    const q = query.q.toLowerCase()
    const rows = readings.overview({ q }, { limit: MOST_FOUND }).domains.map(({ domain, peer, state }): Static<typeof Found> =>
      peer === undefined ? { kind: 'domain', name: domain, state, url: `/v1/status/${domain}` } : { kind: 'pair', name: `${domain} ${peer}`, state, url: `/v1/status/${domain}/${peer}` })
    const incident = readings.incident(query.q)
    const resources = resourcesNamed(q)
    const agents = presence.all().filter(({ agent, vantage }) => agent.includes(q) || vantage.includes(q)).map(({ agent, vantage }): Static<typeof Found> => ({ kind: 'agent', name: `${vantage}/${agent}`, url: `/v1/agents/${vantage}/${agent}` }))
    const causes = CAUSES.filter(cause => cause.includes(q)).map((cause): Static<typeof Found> => ({ kind: 'cause', name: cause, url: `/v1/overview?cause=${cause}` }))
    const found = [...incident === undefined ? [] : [{ kind: 'incident' as const, name: incident.id, url: `/v1/incidents/${incident.id}` }], ...rows, ...agents, ...resources, ...causes]
    return { asOf: new Date(clock.now()).toISOString(), seq: readings.seq, found: found.slice(0, MOST_FOUND) }
  })

  /** The first of them; a large fleet is not read to its end for nothing. */
  function resourcesNamed (q: string): Static<typeof Found>[] {
    const found: Static<typeof Found>[] = []
    for (const [kind, { path }] of Object.entries(KINDS)) {
      for (const { name } of configuration.all(kind as keyof typeof KINDS)) {
        if (!name.includes(q)) continue
        found.push({ kind: 'resource', name: `${kind}/${name}`, url: `/v1/${path}/${name}` })
        if (found.length === MOST_FOUND) return found
      }
    }
    return found
  }

  app.get('/v1/expiries', { config: { role: 'viewer' }, schema: { tags: ['status'], summary: 'Certificates and exceptions that end soon, soonest first', querystring: Type.Object({ within: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650, description: 'Days; default 30' })) }, closed), response: { 200: Expiries } } }, async (request, reply) => {
    if (isKnown(request, reply, `${epoch}.${configuration.revision}`, readings.seq)) return notModified(reply)
    const now = clock.now()
    const before = new Date(now + (request.query.within ?? 30) * DAY_MS).toISOString()
    const certificates = (readings.expiries?.(before, MOST_EXPIRIES) ?? []).map(({ domain, endsAt }): Static<typeof Expiry> => ({ kind: 'certificate', subject: domain, domain, at: endsAt, effect: 'servers that insist on a valid certificate will refuse it' }))
    const exceptions = configuration.all('Exception').filter(({ spec }) => spec.until < before && Date.parse(spec.until) > now).map(({ name, spec }): Static<typeof Expiry> => ({ kind: 'exception', subject: `Exception/${name}`, ...(spec.domain === undefined ? {} : { domain: spec.domain }), at: spec.until, effect: 'what it kept quiet is announced again' }))
    const expiries = [...certificates, ...exceptions].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(0, MOST_EXPIRIES)
    return { asOf: new Date(now).toISOString(), seq: readings.seq, expiries }
  })
}
