import { Type, type Static } from 'typebox'
import { Time, closed } from './resources/common.ts'

/** Who did what to what, and whether it was done. Secrets are never in it: resources hold references. */
export const AuditEntry = Type.Object({
  v: Type.Literal(1),
  id: Type.String({ maxLength: 64 }),
  at: Time,
  actor: Type.String({ maxLength: 100, description: 'Name of the token' }),
  role: Type.String({ maxLength: 20 }),
  action: Type.String({ maxLength: 60, description: "'apply', 'create', 'replace', 'delete', 'check', 'hook', 'token.create', …" }),
  subject: Type.String({ maxLength: 400, description: "'Domain/example.org'" }),
  outcome: Type.Enum(['done', 'refused', 'failed']),
  says: Type.Optional(Type.String({ maxLength: 2000 })),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
  reason: Type.Optional(Type.String({ maxLength: 400 })),
  ticket: Type.Optional(Type.String({ maxLength: 100 })),
}, closed)
export type AuditEntry = Static<typeof AuditEntry>

/** Durable; key (). */
export const AuditEvent = { noun: 'audit', stream: 'audit', schema: AuditEntry } as const
