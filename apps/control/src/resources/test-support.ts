/** A control API of the parts of resources and access, on an embedded bus in memory: what a test asks with `ask`. */
import { expect } from 'vitest'
import Fastify, { type FastifyInstance } from 'fastify'
import { createEmbeddedBus } from '@dialtone/bus'
import { NO_LOGGER, NO_METER, type Clock, type Stoppable } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { AuditEvent } from '@dialtone/contracts/schemas'
import type { AuditEntry, Bus, Problem, Readings, Role } from '@dialtone/contracts'
import { createAccess, type Access } from '../access/access.ts'
import { accessRoutes } from '../access/routes.ts'
import { createAudit, type Audit } from '../audit/audit.ts'
import { startConfiguration, type ConfigurationStore } from '../configuration/store.ts'
import { jsonBody } from './json-body.ts'
import { problem, problemHandler } from './problem.ts'
import { resourceRoutes } from './routes.ts'

export type Answer = { status: number, headers: Record<string, unknown>, body: any }
export type Stand = {
  app: FastifyInstance, bus: Bus, configuration: ConfigurationStore, access: Access & Stoppable, audit: Audit
  clock: Clock & { time: number }
  /** As an admin, unless another token is given. */
  ask: (method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE' | 'HEAD', url: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  tokenOf: (role: Role) => Promise<string>
  /** All that is on record. */
  trail: () => Promise<AuditEntry[]>
  stop: () => Promise<void>
}

export const NOW = Date.parse('2026-11-26T12:00:00.000Z')

export async function stand ({ bus = embedded() }: { bus?: Bus } = {}): Promise<Stand> {
  const clock = { time: NOW, now: () => clock.time, elapsed: () => clock.time }
  const audit = createAudit({ bus, clock, logger: NO_LOGGER })
  const access = await createAccess({ bus, clock, random: RANDOM, logger: NO_LOGGER, audit })
  const configuration = await startConfiguration({ bus, clock, logger: NO_LOGGER })
  const trail = async (): Promise<AuditEntry[]> => {
    const { last } = await bus.extent('audit')
    if (last === 0) return []
    const entries: AuditEntry[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const reading = await bus.consume(AuditEvent, { afterSeq: 0 }, async batch => {
      entries.push(...batch.map(({ body }) => body))
      if ((batch.at(-1)?.seq ?? 0) >= last) resolve()
    })
    await promise
    await reading.stop()
    return entries
  }
  // What analysis will answer out of its store; here out of what this test has read from the stream.
  let read: AuditEntry[] = []
  const readings: Pick<Readings, 'audit'> = {
    audit: ({ subject }, { limit }) => ({ asOf: new Date(clock.time).toISOString(), seq: 1, entries: read.filter(entry => subject === undefined || entry.subject === subject).toReversed().slice(0, limit) }),
  }
  const app = Fastify({ routerOptions: { maxParamLength: 400 } })
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonBody(app))
  app.decorateRequest('actor', null)
  app.addHook('onRequest', access.authenticate)
  app.setErrorHandler(problemHandler(NO_LOGGER))
  app.setNotFoundHandler(() => { throw problem(404, 'no-such-route', 'Nothing is served here.') })
  await app.register(resourceRoutes, { configuration, audit, clock, readings })
  await app.register(accessRoutes, { access, audit })
  const { token: admin } = access.firstToken === undefined ? await access.create({ name: `admin-${Math.random().toString(36).slice(2, 8)}`, role: 'admin' }, 'test') : { token: access.firstToken }
  return {
    app, bus, configuration, access, audit, clock,
    ask: async (method, url, body, headers = {}) => {
      if (url.includes('/revisions')) read = await trail()
      const answer = await app.inject({ method, url, headers: { authorization: `Bearer ${admin}`, ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}), ...headers }, ...(body === undefined ? {} : { payload: body as string | object }) })
      return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? undefined : JSON.parse(answer.body) }
    },
    tokenOf: async role => (await access.create({ name: `${role}-${Math.random().toString(36).slice(2, 8)}`, role }, 'test')).token,
    trail,
    stop: async () => {
      await app.close()
      await configuration.stop()
      await access.stop()
      await audit.stop()
      await bus.stop()
    },
  }
}

export function embedded (): Bus {
  return createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER })
}

/** The problem document of an answer, proved to be one that names this code. */
export function problemOf ({ status, headers, body }: Answer): Problem & { status: number } {
  if (!String(headers['content-type']).startsWith('application/problem+json') || body.status !== status || body.type !== `urn:dialtone:problem:${body.code}`) throw new Error(`no problem document: ${status} ${JSON.stringify(body)}`)
  return body
}

/** What comes true when others have been told: waited for as long as a busy machine takes. */
export function eventually<T> (read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 12_000 })
}
