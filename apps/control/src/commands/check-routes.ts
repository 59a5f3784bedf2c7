/** POST /v1/checks, GET and DELETE /v1/checks/{id}. */
import type { CheckView } from '@dialtone/contracts'
import { CheckRequest, CheckView as CheckShape, CommandDone } from '@dialtone/contracts/schemas'
import { Type, type Static } from 'typebox'
import { whyOf } from '../audit/why.ts'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { closed, given } from '../queries/parameters.ts'
import { actorOf } from '../http/actor.ts'
import type { Checks } from './checks.ts'
import type { CommandNeeds } from './needs.ts'
import { reachable } from './reachable.ts'

const OneCheck = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }) }, closed)

export function checkRoutes (app: App, { audit, bus }: Pick<CommandNeeds, 'audit' | 'bus'>, checks: Checks): void {
  app.post('/v1/checks', {
    config: { role: 'operator' },
    schema: {
      tags: ['commands'], summary: 'Check a domain or a pair now', description: '202 with Location while it runs, 200 when it ended within `wait` seconds. Its progress is the topic check:ID of /v1/events.',
      querystring: Type.Object({}, closed), body: CheckRequest, response: { 200: Type.Union([CheckShape, CommandDone]), 202: CheckShape },
    },
  }, async (request, reply): Promise<never> => {
    const { body } = request
    const actor = actorOf(request)
    const subject = body.peer === undefined ? body.domain : `${body.domain} ${body.peer}`
    if (body.dryRun === true) {
      const effects = checks.plan(body).map(({ vantage, target }) => ({ subject: `${vantage} ${target.id}`, outcome: 'would-do' as const, says: `an agent of ${vantage} would check ${target.domain}${body.deep === true ? ', deeply' : ''}` }))
      return reply.status(200).send({ dryRun: true, effects } satisfies Static<typeof CommandDone>) as never
    }
    checks.plan(body)
    reachable(bus)
    audit.ready()
    const asked = await checks.ask(body)
    const refused = refusedByAll(asked)
    await audit.record({ actor: actor.name, role: actor.role, action: 'check', subject, outcome: refused === undefined ? 'done' : 'failed', ...(refused === undefined ? {} : { says: refused.message }), ...given({ reason: body.reason, ticket: body.ticket }) })
    if (refused !== undefined) throw refused
    const view = (body.wait ?? 0) > 0 ? await checks.wait(asked.id, (body.wait ?? 0) * 1000) ?? asked : asked
    return reply.status(view.state === 'running' ? 202 : 200).headers({ location: `/v1/checks/${view.id}` }).send(view) as never
  })

  app.get('/v1/checks/:id', {
    config: { role: 'viewer' },
    schema: { tags: ['commands'], summary: 'How far a check is', params: OneCheck, querystring: Type.Object({ wait: Type.Optional(Type.Integer({ minimum: 0, maximum: 120, description: 'Seconds to wait for its end' })) }, closed), response: { 200: CheckShape } },
  }, async request => {
    const view = await checks.wait(request.params.id, (request.query.wait ?? 0) * 1000)
    if (view === undefined) throw unknown()
    return view
  })

  app.delete('/v1/checks/:id', {
    config: { role: 'operator' },
    schema: { tags: ['commands'], summary: 'Wait no longer for a check', description: 'Agents are told nothing: one that took it carries it out, and what it sees is recorded. Of a check that has ended nothing changes.', params: OneCheck, querystring: Type.Object({}, closed), response: { 200: CheckShape } },
  }, async request => {
    const before = checks.get(request.params.id)
    if (before === undefined) throw unknown()
    if (before.state !== 'running') return before
    audit.ready()
    const actor = actorOf(request)
    const view = checks.cancel(before.id, actor.name) ?? before
    await audit.record({ actor: actor.name, role: actor.role, action: 'check.cancel', subject: view.ours === undefined ? view.domain : `${view.ours} ${view.domain}`, outcome: 'done', ...whyOf(request) })
    return view
  })
}

function unknown (): Error {
  return refusal('not-found', 'There is no such check here: it is over for long, or another instance was asked. What it saw is in GET /v1/observations?check=ID.')
}

/** Where every cell ended without an agent that took it, that is the answer. */
function refusedByAll ({ vantages }: CheckView): Error | undefined {
  const all = (state: CheckView['vantages'][number]['state']) => vantages.every(cell => cell.state === state)
  const names = [...new Set(vantages.map(({ vantage }) => vantage))].join(', ')
  if (all('no-agent')) return refusal('no-agent', `No agent of ${names} is listening: start one, or see in its log whether it reaches the bus. GET /v1/agents lists those that are there.`, { retryAfterSeconds: 10 })
  if (all('timed-out')) return refusal('agent-timeout', `No agent of ${names} answered in time; GET /v1/agents tells how they are.`, { retryAfterSeconds: 10 })
  if (all('refused')) {
    const wait = Math.max(0, ...vantages.map(({ retryAfterSeconds }) => retryAfterSeconds ?? 0))
    return refusal('agent-refused', `Refused by every agent: ${vantages.map(({ vantage, says }) => `${vantage}: ${says ?? 'without a word'}`).slice(0, 5).join('; ')}.`, wait === 0 ? {} : { retryAfterSeconds: wait })
  }
  return undefined
}
