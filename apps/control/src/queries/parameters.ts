/** What the reading paths have in common: pages, moments, periods, lists of words, and not answering again what has not changed. */
import { DomainName, Name, Time } from '@dialtone/contracts/schemas'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { refusal } from '../http/problem.ts'

export const closed = { additionalProperties: false }

export const PAGE = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: '`next` of the page before' })),
}
export const AT = { at: Type.Optional({ ...Time, description: 'As it was then, RFC 3339; default now' } as typeof Time) }
export const PERIOD = { from: Type.Optional(Time), to: Type.Optional(Time) }
export const DOMAIN = Type.Object({ domain: DomainName }, closed)
export const PAIR = Type.Object({ domain: DomainName, peer: DomainName }, closed)
export const AGENT = Type.Object({ vantage: Name, agent: Name }, closed)
export const Words = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 2000, description: `Comma-separated: ${description}` }))

const DEFAULT_LIMIT = 100

export function pageOfQuery ({ limit, cursor }: { limit?: number | undefined, cursor?: string | undefined }): { limit: number, cursor?: string } {
  return { limit: limit ?? DEFAULT_LIMIT, ...(cursor === undefined ? {} : { cursor }) }
}

/** From before to; each kept where it was given. */
export function periodOf ({ from, to }: { from?: string | undefined, to?: string | undefined }): { from?: string, to?: string } {
  if (from !== undefined && to !== undefined && Date.parse(from) > Date.parse(to)) throw refusal('invalid-request', "Let 'from' be before 'to'.", { pointer: '/from' })
  return { ...(from === undefined ? {} : { from: utc(from) }), ...(to === undefined ? {} : { to: utc(to) }) }
}

/** One moment has one spelling, so that times can be compared as text. */
export function utc (time: string): string {
  return new Date(time).toISOString()
}

/** The words of a comma-separated parameter; refuses one that is not of the set. */
export function wordsOf<W extends string> (text: string | undefined, allowed: readonly W[], name: string): readonly W[] | undefined {
  if (text === undefined) return undefined
  const words = [...new Set(text.split(','))]
  for (const word of words) {
    if (!(allowed as readonly string[]).includes(word)) throw refusal('invalid-request', `Each of '${name}' is one of ${allowed.join(', ')}.`, { pointer: `/${name}` })
  }
  return words as W[]
}

/**
 * Marks the answer with what it was made of. True where the client has the same already: then answer with `notModified`. `seq` increases with
 * everything that a reader could notice, `epoch` is another in every process.
 */
export function isKnown (request: FastifyRequest, reply: FastifyReply, epoch: string, seq: number): boolean {
  const tag = `W/"${epoch}.${seq}"`
  reply.headers({ etag: tag, 'cache-control': 'private, no-cache', vary: 'Authorization' })
  const asked = request.headers['if-none-match']
  return asked !== undefined && asked.slice(0, 2000).split(',').some(each => each.trim() === tag || each.trim() === tag.slice(2))
}

/** Fields that have a value; for objects whose optional fields may be absent and not undefined. */
export function given<T extends object> (fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

/** The type of a route says only what it answers with a body. */
export function notModified (reply: unknown): never {
  return (reply as FastifyReply).status(304).send() as never
}

/** `preValidation` of a command that may be given without a body: then it is `{}`. */
export async function noBody (request: { body: unknown }): Promise<void> {
  request.body ??= {}
}
