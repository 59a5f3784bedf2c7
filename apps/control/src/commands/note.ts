/** POST /v1/changes: tell of something that was changed outside, so that it stands beside what was seen. */
import { NoteKept, NoteRequest } from '@dialtone/contracts/schemas'
import type { ChangeView } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { Type } from 'typebox'
import type { App } from '../http/server.ts'
import { closed, given, utc } from '../queries/parameters.ts'
import { actorOf } from '../http/actor.ts'
import type { CommandNeeds } from './needs.ts'

/** Notes are kept in the audit, under this action; the analysis of every instance reads them from there and tells of them. */
const NOTE = 'note'

export function noteRoutes (app: App, { audit, clock, id }: CommandNeeds): void {
  app.post('/v1/changes', { config: { role: 'operator' }, schema: { tags: ['history'], summary: 'Tell of a change that was made outside of Dialtone', description: 'For people and for webhooks of a change system.', querystring: Type.Object({}, closed), body: NoteRequest, response: { 200: NoteKept, 201: NoteKept } } }, async (request, reply) => {
    const { domain, what, at, ticket, dryRun = false } = request.body
    const actor = actorOf(request)
    const change: ChangeView = { id: id(), at: at === undefined ? new Date(clock.now()).toISOString() : utc(at), domain, kind: 'note', what: quoted(what, 1000), before: null, after: null, actor: actor.name }
    if (!dryRun) {
      audit.ready()
      await audit.record({ actor: actor.name, role: actor.role, action: NOTE, subject: `Domain/${domain}`, outcome: 'done', says: change.what, after: change, ...given({ ticket }) })
    }
    return reply.status(dryRun ? 200 : 201).send({ change, dryRun })
  })
}
