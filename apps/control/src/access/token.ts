/** What a token looks like and how it is kept: `dlt_` and 256 random bits; of it, its SHA-256 alone. A token is random, so no slow hash is needed. */
import { createHash } from 'node:crypto'
import type { Random } from '@dialtone/kernel'
import { Type, type Static } from 'typebox'
import { Name, ROLES, Time } from '@dialtone/contracts/schemas'
import type { TokenView } from '@dialtone/contracts'

const closed = { additionalProperties: false }
export const KeptToken = Type.Object({
  name: Name, hash: Type.String({ pattern: '^[0-9a-f]{64}$' }), role: Type.Enum([...ROLES]), createdAt: Time, createdBy: Type.String({ maxLength: 100 }), expiresAt: Type.Optional(Time),
}, closed)
export type KeptToken = Static<typeof KeptToken>

/** All tokens are one document, so that "the last admin token stays" and "only the first start makes one" hold whoever else writes. */
export const KeptTokens = Type.Object({ v: Type.Literal(1), tokens: Type.Array(KeptToken, { maxItems: 1000 }) }, closed)
export type KeptTokens = Static<typeof KeptTokens>
export const ACCESS_DOCUMENT = { bucket: 'access', schema: KeptTokens } as const
export const ACCESS_KEY = 'tokens'
export const MOST_TOKENS = 1000

const SHAPE = /^dlt_[A-Za-z0-9_-]{43}$/

export function newToken (random: Random): string {
  return `dlt_${Buffer.from(random.bytes(32)).toString('base64url')}`
}

export function hashOf (token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The token of an Authorization header (RFC 6750 §2.1), or what is wrong with it. Never looked for anywhere else: a URL ends up in logs. */
export function bearerOf (header: string | undefined): { token: string } | { wrong: 'missing' | 'malformed' } {
  if (header === undefined || header === '') return { wrong: 'missing' }
  const [, token] = /^bearer +(\S{1,200}) *$/i.exec(header) ?? []
  return token !== undefined && SHAPE.test(token) ? { token } : { wrong: 'malformed' }
}

export function viewOf ({ name, role, createdAt, createdBy, expiresAt }: KeptToken): TokenView {
  return { name, role, createdAt, createdBy, ...(expiresAt === undefined ? {} : { expiresAt }) }
}
