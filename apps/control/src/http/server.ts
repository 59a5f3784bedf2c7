/**
 * The HTTP server, without its routes: who may ask, how often, how much, and how every refusal looks. A route that does not say which role it needs is a
 * bug that shows at the start.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import helmet from '@fastify/helmet'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { OperatorError, type Logger, type Meter } from '@dialtone/kernel'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type RawReplyDefaultExpression, type RawRequestDefaultExpression, type RawServerDefault } from 'fastify'
import type { ControlConfig } from './config.ts'
import { answerClientErrors } from './client-error.ts'
import { guard } from './guard.ts'
import { httpSeconds } from './metrics.ts'
import { jsonBody } from '../resources/json-body.ts'
import { problemHandler } from '../resources/problem.ts'
import { refusal } from './problem.ts'
import type { Tokens } from './seams.ts'
import { pathsOf, type RouteListed } from './paths.ts'
import { validatorCompiler } from '../resources/validate.ts'

export type App = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider>

/** `stopping`: from now on it refuses what comes. `routes`: all that are registered. */
export type Server = { app: App, stopping: () => void, routes: () => readonly RouteListed[] }

export type ServerNeeds = { config: Pick<ControlConfig, 'limits' | 'tls' | 'proxies'>, tokens: Tokens, meter: Meter, logger: Logger }

/** A path has at most so many bytes. */
const MOST_PATH = 4096

/** The server with its hooks; routes are registered on it, then it listens. `stopping` makes it refuse what comes from then on. */
export async function createServer ({ config, tokens, meter, logger }: ServerNeeds): Promise<Server> {
  const { limits, tls } = config
  const refuse = problemHandler(logger)
  const connectionsCheckingInterval = Math.min(5000, limits.requestSeconds * 500)
  const app = Fastify({
    ...(tls === undefined ? { http: { connectionsCheckingInterval } } : { https: { connectionsCheckingInterval, cert: fileOf(tls.certificate), key: fileOf(tls.key), minVersion: 'TLSv1.2' as const } }),
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestSeconds * 1000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: config.proxies.length === 0 ? false : [...config.proxies],
    routerOptions: { maxParamLength: 300 },
    genReqId: request => traceIdOf(request.headers['traceparent']),
    clientErrorHandler: answerClientErrors(meter),
    frameworkErrors: (error, request, reply) => { void refuse(error, request, reply) },
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as App
  app.server.maxConnections = limits.connections
  app.server.headersTimeout = Math.min(limits.requestSeconds, 10) * 1000
  const paths = pathsOf(app)
  let ending = false

  app.setValidatorCompiler(validatorCompiler)
  // Answers are made by us and typed: what they are is proved in tests, and cutting them to a schema here would hide what is wrong.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  app.removeContentTypeParser(['text/plain', 'application/json'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonBody(app))
  app.decorateRequest('actor', null)
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] } },
    strictTransportSecurity: tls === undefined ? false : { maxAge: 31_536_000 },
    referrerPolicy: { policy: 'no-referrer' },
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-trace-id', request.id)
    if (ending) throw refusal('stopping', 'Send it again in a moment, or to another instance.', { retryAfterSeconds: 2 })
    if (request.url.length > MOST_PATH) throw refusal('uri-too-long', `Ask with a path and query of at most ${MOST_PATH} characters.`)
  })
  await guard(app, { limits, tokens, meter })
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'none' : request.routeOptions.url ?? 'none'
    // A live stream lasts as long as its reader wants.
    if (route === '/v1/events' && reply.statusCode === 200) return
    meter.observe(httpSeconds, { route, method: METHODS.has(request.method) ? request.method : 'other', class: `${Math.floor(reply.statusCode / 100)}xx` }, reply.elapsedTime / 1000)
    logger[reply.statusCode >= 500 ? 'warn' : 'debug']({ traceId: request.id, route, method: request.method, status: reply.statusCode, ms: Math.round(reply.elapsedTime), actor: request.actor?.name }, 'answered')
  })

  app.setErrorHandler(refuse)
  app.setNotFoundHandler((request, reply) => {
    const allow = paths.methodsOf(request.url.split('?', 1)[0] ?? '')
    return refuse(allow.length === 0 || allow.includes(request.method)
      ? refusal('no-such-route', `Nothing is served for ${request.method} of this path; GET /openapi.json lists what is.`)
      : refusal('method-not-allowed', `Use ${allow.join(' or ')} here.`, { headers: { allow: allow.join(', ') } }), request, reply)
  })
  return { app, stopping: () => { ending = true }, routes: paths.routes }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** The trace id of a W3C traceparent header, or a new one: 32 hexadecimal digits. */
function traceIdOf (traceparent: string | string[] | undefined): string {
  const [, id] = typeof traceparent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent) ?? [] : []
  return id === undefined || /^0+$/.test(id) ? randomBytes(16).toString('hex') : id
}

/** A file that TLS needs. */
function fileOf (file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new OperatorError('bad-config', `The file ${file}, which tls names, cannot be read: ${(error as Error).message}. Mend it and start again.`)
  }
}
