import type { FastifyRequest } from 'fastify'
import type { Actor } from '../access/actor.ts'

/** Who asks. On a route that asks for a role the guard lets nobody else through. */
export function actorOf ({ actor }: FastifyRequest): Actor {
  if (actor === null) throw new TypeError('a route that needs an actor was reached without one')
  return actor
}
