/**
 * Who may use the API. Tokens are known by their hash, kept in one document on the bus, and looked up in memory: a bus that is away locks nobody out.
 *
 *     createAccess({ bus, clock, random, logger, audit, meter?, create? }): Promise<Access & Stoppable>     // access.firstToken: print it once, if it is there
 *     // create: whether the bucket is made where it is missing and brought to its limits; default true
 *     app.decorateRequest('actor', null); app.addHook('onRequest', access.authenticate)     // routes say `config: { role: 'viewer' }`
 */
import { timingSafeEqual } from 'node:crypto'
import { NO_METER, OperatorError, defineCounter, defineGauge, type Clock, type Logger, type Meter, type Random, type Stoppable } from '@dialtone/kernel'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bus, Role, TokenView } from '@dialtone/contracts'
import type { Audit } from '../audit/audit.ts'
import { insist } from '../insist.ts'
import { problem, type Refusal } from '../resources/problem.ts'
import { mayAct, type Actor } from './actor.ts'
import { createFailures } from './failures.ts'
import { createRefusals } from './refusals.ts'
import { ACCESS_DOCUMENT, ACCESS_KEY, MOST_TOKENS, bearerOf, hashOf, newToken, viewOf, type KeptToken, type KeptTokens } from './token.ts'

export type Access = {
  /** Of the very first start of a fleet, and then never again: an admin token. */
  readonly firstToken: string | undefined
  /** Hook for `onRequest`: sets `request.actor`, or throws 401, 403 or 429. */
  authenticate: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  tokens: () => TokenView[]
  /** The only time that the token itself is seen. */
  create: (wanted: { name: string, role: Role, expiresAt?: string }, by: string) => Promise<{ token: string, view: TokenView }>
  /** Refuses the last admin token that never expires. Answers what it was. */
  remove: (name: string) => Promise<TokenView>
}

const MOST_TRIES = 10

export async function createAccess ({ bus, clock, random, logger, audit, meter = NO_METER, create = true }: { bus: Bus, clock: Clock, random: Random, logger: Logger, audit: Audit, meter?: Meter, create?: boolean }): Promise<Access & Stoppable> {
  const documents = await bus.documents(ACCESS_DOCUMENT, { create })
  const failures = createFailures(clock)
  const refusals = createRefusals(audit)
  let known: { revision: number, byHash: ReadonlyMap<string, KeptToken> } = { revision: 0, byHash: new Map() }

  const adopt = (revision: number, tokens: readonly KeptToken[]): void => {
    known = { revision, byHash: new Map(tokens.map(token => [token.hash, token])) }
    meter.set(accessTokens, {}, tokens.length)
  }
  const isExpired = ({ expiresAt }: KeptToken): boolean => expiresAt !== undefined && Date.parse(expiresAt) <= clock.now()

  /** Reads, changes and writes over what was read; again when another control was faster. */
  const change = async (edit: (tokens: readonly KeptToken[]) => KeptToken[]): Promise<void> => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const kept = await documents.get(ACCESS_KEY)
      const document: KeptTokens = { v: 1, tokens: edit(kept?.document.tokens ?? [...known.byHash.values()]) }
      try {
        adopt(await documents.put(ACCESS_KEY, document, { expect: kept?.revision ?? 0 }), document.tokens)
        return
      } catch (error) {
        if (!(error instanceof OperatorError && error.code === 'conflict')) throw error
      }
    }
    throw problem(503, 'tokens-busy', `Others changed the tokens ${MOST_TRIES} times while this was written; try again.`, { headers: { 'retry-after': '1' } })
  }

  /** Nobody removes the document: a bus that has none has lost its disk, and who could ask before can ask again. */
  const readAgain = async (): Promise<void> => {
    const kept = await documents.get(ACCESS_KEY)
    if (kept !== undefined) adopt(kept.revision, kept.document.tokens)
    else if (known.byHash.size > 0) {
      await change(tokens => [...tokens])
      logger.warn({ tokens: known.byHash.size }, 'the bus had lost the tokens; they were written again as this instance knows them')
    }
  }

  const made = (name: string, role: Role, createdBy: string, expiresAt?: string): { token: string, kept: KeptToken } => {
    const token = newToken(random)
    return { token, kept: { name, hash: hashOf(token), role, createdAt: new Date(clock.now()).toISOString(), createdBy, ...(expiresAt === undefined ? {} : { expiresAt }) } }
  }

  /** Only where there is no token at all; of several that start at once, one makes it. */
  const first = async (): Promise<string | undefined> => {
    if (await documents.get(ACCESS_KEY) !== undefined) return undefined
    const { token, kept } = made('admin', 'admin', 'first start')
    try {
      adopt(await documents.put(ACCESS_KEY, { v: 1, tokens: [kept] }, { expect: 0 }), [kept])
      return token
    } catch (error) {
      if (error instanceof OperatorError && error.code === 'conflict') return undefined
      throw error
    }
  }

  const refuse = (request: FastifyRequest, why: 'missing' | 'malformed' | 'unknown' | 'expired'): Refusal => {
    meter.add(accessRefused, { why })
    const waitSeconds = failures.failed(request.ip)
    if (waitSeconds > 0) {
      meter.add(accessRefused, { why: 'limited' })
      return problem(429, 'too-many-failures', `Too many requests without a valid token came from this address; wait ${waitSeconds} s.`, { headers: { 'retry-after': String(waitSeconds) } })
    }
    // One answer for all: who guesses learns nothing.
    return problem(401, 'unauthorized', "This needs a valid API token: send 'Authorization: Bearer dlt_…'. The first start of control prints one, and an admin makes more with POST /v1/tokens.", { headers: { 'www-authenticate': 'Bearer realm="dialtone"' } })
  }

  const find = (header: string | undefined): { token: KeptToken } | { wrong: 'missing' | 'malformed' | 'unknown' | 'expired' } => {
    const bearer = bearerOf(header)
    if ('wrong' in bearer) return bearer
    const hash = hashOf(bearer.token)
    const token = known.byHash.get(hash)
    if (token === undefined || !timingSafeEqual(Buffer.from(token.hash), Buffer.from(hash))) return { wrong: 'unknown' }
    return isExpired(token) ? { wrong: 'expired' } : { token }
  }

  const reading = insist(readAgain, error => logger.warn({ err: String(error) }, 'the tokens could not be read again; it is tried until they can'))
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>()
  const watching = await documents.watch(told => {
    if (told.on === 'ready') return isReady()
    if (told.key !== ACCESS_KEY) return undefined
    // Another bucket made in its place counts from 1 again: what is told last is what is there, unless it is older than our own write.
    if (told.on === 'put' && told.revision >= known.revision) adopt(told.revision, told.document.tokens)
    else reading.ask()
    return undefined
  })
  await ready
  const firstToken = await first()

  return {
    firstToken,
    authenticate: async request => {
      const needs = request.routeOptions.config?.role ?? (request.is404 ? 'viewer' : 'admin')
      if (needs === 'anyone') return
      const found = find(request.headers.authorization)
      if ('wrong' in found) throw refuse(request, found.wrong)
      const { name, role, expiresAt } = found.token
      const actor: Actor = { name, role, ...(expiresAt === undefined ? {} : { expiresAt }) }
      request.actor = actor
      if (mayAct(role, needs)) return
      meter.add(accessRefused, { why: 'role' })
      const isWrite = request.method !== 'GET' && request.method !== 'HEAD'
      if (isWrite) await refusals.forbidden({ actor: name, role, subject: `${request.method} ${request.routeOptions.url ?? 'of no route'}`, says: `needs the role ${needs}` })
      throw problem(403, 'forbidden', `The token '${name}' has the role ${role}, and this needs ${needs}; ask an admin for another token.`)
    },
    tokens: () => [...known.byHash.values()].map(viewOf).toSorted((a, b) => a.name < b.name ? -1 : 1),
    create: async ({ name, role, expiresAt }, by) => {
      if (expiresAt !== undefined && !(Date.parse(expiresAt) > clock.now())) throw problem(400, 'invalid-request', "The body is not valid: 'expiresAt' must be in the future.", { pointer: '/expiresAt' })
      const { token, kept } = made(name, role, by, expiresAt)
      await change(tokens => {
        if (tokens.some(one => one.name === name)) throw problem(409, 'token-exists', `There is a token '${name}' already; delete it first, or take another name.`, { pointer: '/name' })
        if (tokens.length >= MOST_TOKENS) throw problem(409, 'too-many-tokens', `There are ${MOST_TOKENS} tokens, which is the most; delete some.`)
        return [...tokens, kept]
      })
      return { token, view: viewOf(kept) }
    },
    remove: async name => {
      let gone: KeptToken | undefined
      await change(tokens => {
        gone = tokens.find(one => one.name === name)
        if (gone === undefined) throw problem(404, 'not-found', `There is no token '${name}'; GET /v1/tokens lists them.`)
        const rest = tokens.filter(one => one.name !== name)
        if (gone.role === 'admin' && !rest.some(one => one.role === 'admin' && one.expiresAt === undefined)) throw problem(409, 'last-admin-token', `'${name}' is the last admin token that does not expire; make another one first, or nobody can make tokens any more.`)
        return rest
      })
      if (gone === undefined) throw problem(404, 'not-found', `There is no token '${name}'.`)
      return viewOf(gone)
    },
    stop: async () => {
      await watching.stop()
      await reading.stop()
      await refusals.stop()
    },
  }
}

export const accessTokens = defineGauge('dialtone_api_tokens', 'API tokens that are known, expired ones too.')
export const accessRefused = defineCounter('dialtone_api_refused_total', 'Requests that were refused for who asked: no token, none that is one, unknown, expired, too low a role; limited: answered 429.', ['why'])
