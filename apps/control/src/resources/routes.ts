/**
 * The routes of resources: what is wanted of the fleet, read and written.
 *
 *     app.register(resourceRoutes, { configuration, audit, clock, readings })     // needs `access.authenticate` and `problemHandler` on the app,
 *                                                                                 // and `routerOptions.maxParamLength` of at least 300
 *
 * PUT creates without further ado. What is there it replaces only over a revision that the writer has seen (If-Match, or `revision` in the body; `If-Match: *`
 * for whatever is there), else 428: two people with one resource open would undo each other. DELETE likewise. POST /v1/apply says what is wanted
 * whatever was there before, as a file under version control does; a `revision` in it is held to. Every write takes `?dryRun=true`. Who writes is an admin; only
 * exceptions are an operator's too.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type TSchema } from 'typebox'
import { ApplyRequest, ApplyResult, GatewayView, KINDS, LINT_LEVELS, LintReport, Problem, ResourceWrite, RevisionView, Time, pageOf } from '@dialtone/contracts/schemas'
import { quoted, type Clock } from '@dialtone/kernel'
import type { ApplyResult as Applied, GatewayView as ViewOfGateway, Kind, Readings, Resource, Role } from '@dialtone/contracts'
import type { Gateways } from '../live/gateways.ts'
import { KIND_NAMES } from '../configuration/resource-set.ts'
import { subjectOf } from '../configuration/wanted.ts'
import { applyResult, lintReport, pageOfNames, readCursor } from './answer.ts'
import { parseApply, parseSpec, parseWrite } from './bodies.ts'
import { filterOf, listQuery, pathOf } from './filters.ts'
import { jsonBody } from './json-body.ts'
import { mergePatch } from './merge-patch.ts'
import { assertMet, etagOf, isFresh, preconditionOf } from './precondition.ts'
import { escapePointer, problem } from './problem.ts'
import { revisionsOf } from './revisions.ts'
import { documentedOnly, invalidPart, validatorCompiler } from './validate.ts'
import { writeResources, type Writing } from './write.ts'

/** `gateways`: how those are that Gateway resources are about. */
export type ResourceRoutes = Writing & { clock: Clock, readings: Pick<Readings, 'audit'>, gateways?: Pick<Gateways, 'all'> }

/** 40,000 resources of 400 bytes. */
const MOST_APPLY_BYTES = 16 * 1024 * 1024
const MOST_WRITE_BYTES = 256 * 1024

const closed = { additionalProperties: false }
const dryRunQuery = Type.Object({ dryRun: Type.Optional(Type.Enum(['true', 'false'], { description: 'Check, compare and lint, and write nothing' })) }, closed)
const preconditions = Type.Object({ 'if-match': Type.Optional(Type.String({ description: 'The ETag of the resource as it was read, or *' })), 'if-none-match': Type.Optional(Type.String({ description: '*: only where there is none' })) })

export const resourceRoutes: FastifyPluginAsyncTypebox<ResourceRoutes> = async (app, needs) => {
  const { configuration, clock, readings, gateways } = needs
  app.setValidatorCompiler(validatorCompiler)
  // Resources leave as they were written; a serialiser made of the schema would drop or convert what it does not expect.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  app.addContentTypeParser('application/merge-patch+json', { parseAs: 'string', bodyLimit: MOST_WRITE_BYTES }, jsonBody(app))

  /** Of those that are listed; the first page has also those that run under a name that is not configured. */
  const statusOf = (listed: readonly Resource[], first: boolean): ViewOfGateway[] => {
    const names = new Set(listed.map(({ name }) => name))
    return (gateways?.all() ?? []).filter(({ gateway, revision }) => names.has(gateway) || (first && revision === undefined))
  }

  for (const kind of KIND_NAMES) {
    const one = Type.Object({ name: Type.String({ minLength: 1, maxLength: 300 }) }, closed)
    const resource = Type.Object({ kind: Type.Literal(kind), name: KINDS[kind].name, spec: KINDS[kind].spec, revision: Type.Integer({ minimum: 1 }), updatedAt: Time, updatedBy: Type.String() }, closed)
    const path = pathOf(kind)
    const tags = [kind]
    const missing = (name: string) => problem(404, 'not-found', `There is no ${kind} '${name.slice(0, 260)}'; GET ${path} lists what there is.`)

    app.get(path, { config: { role: 'viewer' }, schema: { tags, summary: `List ${KINDS[kind].path}`, querystring: listQuery(kind), response: answers(kind === 'Gateway' ? withStatus(pageOf('resources', resource)) : pageOf('resources', resource)) } }, (request, reply) => {
      const { limit = 100, cursor, ...filters } = request.query as { limit?: number, cursor?: string }
      const after = cursor === undefined ? undefined : readCursor(cursor)
      if (cursor !== undefined && after === undefined) throw invalidPart('query', [{ pointer: '/cursor', says: "is none that this list gave as 'next'" }])
      const etag = `W/"c${configuration.revision}"`
      reply.header('etag', etag)
      // What is in force changes with the time, and how a gateway is too; no revision tells.
      if (!('active' in filters) && kind !== 'Gateway' && isFresh(request.headers, etag)) return reply.code(304).send()
      const page = pageOfNames<Resource>(configuration.all(kind), filterOf(kind, filters, clock.now()), after, limit)
      return reply.send({ asOf: new Date(clock.now()).toISOString(), seq: configuration.revision, ...page, ...(kind === 'Gateway' ? { status: statusOf(page.resources, after === undefined) } : {}) })
    })

    app.get(`${path}/:name`, { config: { role: 'viewer' }, schema: { tags, summary: `One ${kind}`, params: one, response: answers(resource) } }, (request, reply) => {
      const found = configuration.get(kind, request.params.name)
      if (found === undefined) throw missing(request.params.name)
      reply.header('etag', etagOf(found))
      return isFresh(request.headers, etagOf(found)) ? reply.code(304).send() : reply.send(found)
    })

    app.put(`${path}/:name`, {
      config: { role: roleOf(kind) }, bodyLimit: MOST_WRITE_BYTES, validatorCompiler: documentedOnly,
      schema: { tags, summary: `Create or replace a ${kind}`, params: one, querystring: dryRunQuery, headers: preconditions, body: Type.Object({ ...ResourceWrite.properties, spec: KINDS[kind].spec }, closed), response: answers(ApplyResult) },
    }, async (request, reply) => {
      const subject = subjectOf({ kind, name: request.params.name })
      const { wanted, write } = parseWrite(kind, request.params.name, request.body)
      const said = preconditionOf(request.headers, write.revision)
      const changed = await writeResources(needs, request, { action: 'put', subject, why: write }, now => {
        const is = now.get<Kind>(kind, wanted.name)
        assertMet(said, subject, is)
        // What is there already is what was wanted: a repeated PUT is harmless.
        if (said === 'unsaid' && is !== undefined && !isDeepStrictEqual(is.spec, wanted.spec)) throw unseen(subject, is)
        return [{ put: wanted }]
      }, request.query.dryRun === 'true' ? { dryRun: true } : {})
      return answer(reply, applyResult(changed, clock.now(), subject), path)
    })

    app.patch(`${path}/:name`, {
      config: { role: roleOf(kind) }, bodyLimit: MOST_WRITE_BYTES, validatorCompiler: documentedOnly,
      schema: { tags, summary: `Change fields of a ${kind} (RFC 7396: null removes one)`, params: one, querystring: dryRunQuery, headers: preconditions, body: Type.Object({ spec: Type.Object({}) }, closed), response: answers(ApplyResult) },
    }, async (request, reply) => {
      const { name } = request.params
      const subject = subjectOf({ kind, name })
      const patch = patchOf(request.body)
      const said = preconditionOf(request.headers)
      const changed = await writeResources(needs, request, { action: 'patch', subject }, now => {
        const is = now.get<Kind>(kind, name)
        assertMet(said, subject, is)
        if (is === undefined) throw missing(name)
        return [{ put: parseSpec(kind, name, mergePatch(is.spec, patch)) }]
      }, request.query.dryRun === 'true' ? { dryRun: true } : {})
      return answer(reply, applyResult(changed, clock.now(), subject), path)
    })

    app.delete(`${path}/:name`, { config: { role: roleOf(kind) }, schema: { tags, summary: `Delete a ${kind}`, params: one, querystring: dryRunQuery, headers: preconditions, response: answers(ApplyResult) } }, async (request, reply) => {
      const { name } = request.params
      const subject = subjectOf({ kind, name })
      const said = preconditionOf(request.headers)
      const changed = await writeResources(needs, request, { action: 'delete', subject }, now => {
        const is = now.get<Kind>(kind, name)
        if (is === undefined && said === 'unsaid') throw missing(name)
        assertMet(said, subject, is)
        if (said === 'unsaid' && is !== undefined) throw unseen(subject, is)
        return [{ remove: { kind, name } }]
      }, request.query.dryRun === 'true' ? { dryRun: true } : {})
      return answer(reply, applyResult(changed, clock.now(), subject), path)
    })

    app.get(`${path}/:name/revisions`, {
      config: { role: 'viewer' },
      schema: { tags, summary: `What was written of one ${kind}, newest first`, params: one, querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })), cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 400 })) }, closed), response: answers(pageOf('revisions', RevisionView)) },
    }, (request, reply) => {
      const { limit = 50, cursor } = request.query
      return reply.send(revisionsOf(readings, subjectOf({ kind, name: request.params.name }), { limit, ...(cursor === undefined ? {} : { cursor }) }))
    })
  }

  app.post('/v1/apply', {
    config: { role: 'admin' }, bodyLimit: MOST_APPLY_BYTES, validatorCompiler: documentedOnly,
    schema: { tags: ['Apply'], summary: 'Change many resources at once: all of it or nothing', querystring: dryRunQuery, body: ApplyRequest, response: answers(ApplyResult) },
  }, async (request, reply) => {
    const { apply, edits } = await parseApply(request.body)
    const changed = await writeResources(needs, request, { action: 'apply', subject: 'configuration', why: apply }, edits, request.query.dryRun === 'true' ? { dryRun: true } : {})
    return reply.send(applyResult(changed, clock.now()))
  })

  app.get('/v1/lint', {
    config: { role: 'viewer' },
    schema: { tags: ['Apply'], summary: 'What the configuration says that contradicts itself, and what stays untested', querystring: Type.Object({ level: Type.Optional(Type.Enum([...LINT_LEVELS])) }, closed), response: answers(LintReport) },
  }, (request, reply) => {
    const { level } = request.query
    return reply.send(lintReport(configuration.lint().filter(finding => level === undefined || finding.level === level), configuration.revision, clock.now()))
  })
}

/** What is configured, with its secrets and the networks that may be reached, is an admin's; an exception is what an operator answers an incident with. */
function roleOf (kind: Kind): Role {
  return kind === 'Exception' ? 'operator' : 'admin'
}

/** How each is that is listed, beside what is wanted of it. */
function withStatus ({ properties }: { properties: Record<string, TSchema> }): TSchema {
  return Type.Object({ ...properties, status: Type.Array(GatewayView) }, closed)
}

/** For the documentation: what is said by values of the contracts needs no second typing here. */
function answers (ok: TSchema): Record<string, TSchema> {
  return { 200: ok, '4xx': Problem }
}

/** 201 with its place when it is new; its new ETag, where it still is. */
function answer (reply: FastifyReply, result: Applied, path: string) {
  const [one] = result.results
  if (one !== undefined && one.result !== 'deleted' && one.revision !== undefined && !result.dryRun) reply.header('etag', etagOf({ revision: one.revision }))
  if (one?.result === 'created' && !result.dryRun) reply.code(201).header('location', `${path}/${one.name}`)
  return reply.send(result)
}

function unseen (subject: string, is: Resource) {
  return problem(428, 'precondition-required', `${subject} exists, at revision ${is.revision}: send 'If-Match: ${etagOf(is)}' to write over exactly that, or 'If-Match: *' for whatever is there.`, { headers: { etag: etagOf(is) } })
}

function patchOf (body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalidPart('body', [{ pointer: '', says: 'must be an object with a spec' }])
  const unknown = Object.keys(body).filter(key => key !== 'spec')
  if (unknown.length > 0 || !('spec' in body)) throw invalidPart('body', unknown.length > 0 ? unknown.slice(0, 20).map(key => ({ pointer: `/${escapePointer(quoted(key, 100))}`, says: 'is not a field that can be patched; known is spec' })) : [{ pointer: '/spec', says: 'is missing' }])
  return body.spec
}
