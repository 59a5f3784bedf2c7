/**
 * Before a route sees a request: who asks, and whether too often. Requests with a token are counted by token, those without by address, so that one busy
 * client does not stop another.
 */
import rateLimit from '@fastify/rate-limit'
import type { Meter } from '@dialtone/kernel'
import type { FastifyRequest } from 'fastify'
import { isLoopback, type ControlConfig } from './config.ts'
import { httpRefused } from './metrics.ts'
import { refusal } from './problem.ts'
import type { Tokens } from './seams.ts'
import type { App } from './server.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked from this very host, no token is needed. */
    openOnThisHost?: boolean
  }
}

export async function guard (app: App, { limits, tokens, meter }: { limits: ControlConfig['limits'], tokens: Tokens, meter: Meter }): Promise<void> {
  await app.register(rateLimit, { global: false, cache: 10_000 })
  const perToken = app.createRateLimit({ max: limits.perTokenPerMinute, timeWindow: 60_000, keyGenerator: request => `token ${request.actor?.name ?? ''}` })
  const perAddress = app.createRateLimit({ max: limits.perAddressPerMinute, timeWindow: 60_000 })

  app.addHook('onRequest', async (request, reply) => {
    const { role, openOnThisHost } = request.routeOptions.config
    // What an orchestrator or a Prometheus on this host asks every few seconds is neither counted nor asked for a token.
    if (fromThisHost(request) && (openOnThisHost === true || (role === 'anyone' && !request.is404))) return
    const refused: unknown = await tokens.authenticate(request, reply).then(() => undefined, (error: unknown) => error)
    // Who has no token where one is needed is counted by who looks after the tokens.
    if (refused === undefined || request.actor !== null) await count(request)
    if (refused !== undefined) {
      meter.add(httpRefused, { why: request.actor === null ? 'token' : 'role' })
      throw refused
    }
  })

  async function count (request: FastifyRequest): Promise<void> {
    const rate = await (request.actor === null ? perAddress : perToken)(request)
    if (rate.isAllowed || !rate.isExceeded) return
    meter.add(httpRefused, { why: 'rate' })
    const seconds = Math.max(1, rate.ttlInSeconds)
    throw refusal('too-many-requests', `Wait ${seconds} s, then send it again: ${request.actor === null ? 'this address' : 'this token'} may ask ${rate.max} times a minute.`, { retryAfterSeconds: seconds })
  }
}

/** From loopback, asked for by a loopback name, and not handed on by a proxy: so that neither a reverse proxy nor a web page can borrow it. */
function fromThisHost (request: FastifyRequest): boolean {
  const { host, 'x-forwarded-for': forwardedFor, forwarded } = request.headers
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return isLoopback(request.socket.remoteAddress ?? '') && forwardedFor === undefined && forwarded === undefined && (name === 'localhost' || isLoopback(name))
}
