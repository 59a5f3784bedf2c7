/** /v1/meta and /v1/causes: the words of this API, as data. */
import { ACTORS, CAUSES, CONFIDENCES, HOPS, PROFILES, SIDES, STAGES, STATES } from '@dialtone/contracts'
import { Causes, KINDS, Meta } from '@dialtone/contracts/schemas'
import { CAUSE_ROWS } from '@dialtone/verdict'
import { Type } from 'typebox'
import { actorOf } from '../http/actor.ts'
import type { App } from '../http/server.ts'
import { TOPICS } from '../live/topics.ts'
import type { QueryNeeds } from './needs.ts'
import { closed } from './parameters.ts'
import { withRunbook } from './runbook.ts'

export function vocabularyRoutes (app: App, { readings, clock, about }: QueryNeeds): void {
  app.get('/v1/meta', { config: { role: 'viewer' }, schema: { tags: ['vocabulary'], summary: 'Versions, closed sets, and who is asking', querystring: Type.Object({}, closed), response: { 200: Meta } } }, async request => ({
    ...about, serverTime: new Date(clock.now()).toISOString(), seq: readings.seq, apiVersion: 'v1' as const,
    me: { name: actorOf(request).name, role: actorOf(request).role },
    states: [...STATES], causes: [...CAUSES], sides: [...SIDES], hops: [...HOPS], actors: [...ACTORS], stages: [...STAGES], confidences: [...CONFIDENCES], profiles: [...PROFILES],
    kinds: Object.entries(KINDS).map(([kind, { path }]) => ({ kind, path })), topics: [...TOPICS],
  }))

  const causes = { causes: CAUSES.map(cause => withRunbook({ cause, ...CAUSE_ROWS[cause], remedy: [...CAUSE_ROWS[cause].remedy], lookAlikes: CAUSE_ROWS[cause].lookAlikes.map(([other, how]) => ({ cause: other, how })) })) }
  app.get('/v1/causes', { config: { role: 'viewer' }, schema: { tags: ['vocabulary'], summary: 'Every cause: what it says, what proves it, what mends it', querystring: Type.Object({}, closed), response: { 200: Causes } } }, async () => causes)
}
