/**
 * The routes of tokens, and who I am.
 *
 *     app.register(accessRoutes, { access, audit })
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Name, Problem, ROLES, Time, TokenView } from '@dialtone/contracts/schemas'
import type { Audit } from '../audit/audit.ts'
import { whyOf } from '../audit/why.ts'
import { problem, refusalOf } from '../resources/problem.ts'
import { validatorCompiler } from '../resources/validate.ts'
import type { Access } from './access.ts'

const closed = { additionalProperties: false }
const Wanted = Type.Object({ name: Name, role: Type.Enum([...ROLES]), expiresAt: Type.Optional(Time) }, closed)
const Me = Type.Object({ name: Type.String(), role: Type.Enum([...ROLES]), expiresAt: Type.Optional(Time) }, closed)
const Made = Type.Object({ ...TokenView.properties, token: Type.String({ description: 'Shown this once' }) }, closed)

export const accessRoutes: FastifyPluginAsyncTypebox<{ access: Access, audit: Audit }> = async (app, { access, audit }) => {
  app.setValidatorCompiler(validatorCompiler)
  const tags = ['Access']

  app.get('/v1/me', { config: { role: 'viewer' }, schema: { tags, summary: 'Whose token this is', response: { 200: Me, 401: Problem } } }, ({ actor }) => {
    if (actor === null) throw problem(401, 'unauthorized', 'This needs a valid API token.')
    return actor
  })

  app.get('/v1/tokens', { config: { role: 'admin' }, schema: { tags, summary: 'All tokens, without the tokens themselves', response: { 200: Type.Object({ tokens: Type.Array(TokenView) }, closed), '4xx': Problem } } }, () => ({ tokens: access.tokens() }))

  app.post('/v1/tokens', { config: { role: 'admin' }, schema: { tags, summary: 'Make a token; it is shown this once', body: Wanted, response: { 201: Made, '4xx': Problem } } }, async (request, reply) => {
    const { view, token } = await recorded(request, 'token.create', request.body.name, async by => access.create(request.body, by), ({ view }) => ({ after: view }))
    return reply.code(201).header('cache-control', 'no-store').header('location', `/v1/tokens/${view.name}`).send({ ...view, token })
  })

  app.delete('/v1/tokens/:name', { config: { role: 'admin' }, schema: { tags, summary: 'Delete a token; it ends at once', params: Type.Object({ name: Name }, closed), response: { 200: TokenView, '4xx': Problem } } }, request =>
    recorded(request, 'token.delete', request.params.name, () => access.remove(request.params.name), view => ({ before: view })))

  /** On record, done or refused. */
  async function recorded<T> (request: Parameters<typeof whyOf>[0], action: string, name: string, work: (by: string) => Promise<T>, shows: (done: T) => { before?: unknown, after?: unknown }): Promise<T> {
    audit.ready()
    const { name: actor, role } = request.actor ?? { name: 'nobody', role: 'none' }
    const common = { actor, role, action, subject: `Token/${name}`, ...whyOf(request) }
    const done = await work(actor).catch(async (error: unknown) => {
      const refusal = refusalOf(error)
      await audit.record({ ...common, outcome: refusal.status >= 500 ? 'failed' : 'refused', says: refusal.message })
      throw error
    })
    await audit.record({ ...common, outcome: 'done', ...shows(done) })
    return done
  }
}
