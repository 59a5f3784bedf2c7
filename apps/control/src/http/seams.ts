/** What the server needs of the part that knows tokens, as narrow as it needs it. */
import type { TokenView } from '@dialtone/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Actor } from '../access/actor.ts'

export type Tokens = {
  /** Sets `request.actor`, or throws 401, 403 or 429. */
  authenticate: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  tokens: () => readonly TokenView[]
}

/** How long an answer to `isValid` is good. */
const GOOD_MS = 1000

/** Whether the token that somebody came with is still one: for what goes on after the request. */
export function validity ({ tokens }: Pick<Tokens, 'tokens'>, now: () => number): (actor: Actor) => boolean {
  let [known, until] = [new Map<string, TokenView>(), Number.NEGATIVE_INFINITY]
  return ({ name, role, expiresAt }) => {
    const at = now()
    if (at >= until) [known, until] = [new Map(tokens().map(token => [token.name, token])), at + GOOD_MS]
    const token = known.get(name)
    return token !== undefined && token.role === role && token.expiresAt === expiresAt && (expiresAt === undefined || Date.parse(expiresAt) > at)
  }
}
