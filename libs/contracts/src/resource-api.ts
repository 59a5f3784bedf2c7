/** What the routes of resources take and answer, beside the resources themselves. */
import { Type, type Static } from 'typebox'
import { Time, closed } from './resources/common.ts'

export const LINT_LEVELS = ['error', 'warning', 'notice'] as const
/** One conflict, explained. An `error` refuses the write that would bring it; `code` is stable. */
export const LintFinding = Type.Object({
  level: Type.Enum([...LINT_LEVELS]), code: Type.String(),
  resource: Type.Optional(Type.String({ description: "'Domain/example.org'; absent: of the whole" })),
  pointer: Type.Optional(Type.String({ description: 'JSON Pointer into the resource' })),
  says: Type.String(),
}, closed)
export type LintFinding = Static<typeof LintFinding>

const KindName = Type.String({ minLength: 1, maxLength: 40, description: "'Domain', 'Peer', …" })
const named = { kind: KindName, name: Type.String({ minLength: 1, maxLength: 253 }) }
const readOnly = { updatedAt: Type.Optional(Type.String({ maxLength: 64, description: 'Read only: what GET answered may be sent back' })), updatedBy: Type.Optional(Type.String({ maxLength: 253, description: 'Read only' })) }
const why = { reason: Type.Optional(Type.String({ maxLength: 400, description: 'For the audit trail; or header X-Reason' })), ticket: Type.Optional(Type.String({ maxLength: 100, description: 'For the audit trail; or header X-Ticket' })) }
const revision = Type.Optional(Type.Integer({ minimum: 0, description: 'Only over this revision of the resource; 0: only where there is none' }))

/** Body of PUT. `revision` is another way to say If-Match. */
export const ResourceWrite = Type.Object({ kind: Type.Optional(KindName), name: Type.Optional(named.name), spec: Type.Unknown({ description: 'The spec of the kind' }), revision, ...why, ...readOnly }, closed)
export type ResourceWrite = Static<typeof ResourceWrite>

/** Body of POST /v1/apply: all of it or nothing. */
export const ApplyRequest = Type.Object({
  resources: Type.Optional(Type.Array(Type.Object({ ...named, spec: Type.Unknown(), revision, ...readOnly }, closed), { maxItems: 40_000 })),
  delete: Type.Optional(Type.Array(Type.Object({ ...named, revision }, closed), { maxItems: 40_000 })),
  prune: Type.Optional(Type.Union([Type.Boolean(), Type.Array(KindName, { maxItems: 20 })], { description: 'Delete what is not in `resources`: of these kinds; true: of every kind that is in it' })),
  ...why,
}, closed)
export type ApplyRequest = Static<typeof ApplyRequest>

/** One field that a write changes: '/spec/note'. */
export const FieldChange = Type.Object({ pointer: Type.String(), before: Type.Optional(Type.Unknown()), after: Type.Optional(Type.Unknown()) }, closed)
export type FieldChange = Static<typeof FieldChange>

/** What became, or with `dryRun` would become, of a write. `revision`: of the configuration. */
export const ApplyResult = Type.Object({
  asOf: Time, dryRun: Type.Boolean(), revision: Type.Integer(),
  counts: Type.Object({ created: Type.Integer(), changed: Type.Integer(), unchanged: Type.Integer(), deleted: Type.Integer() }, closed),
  results: Type.Array(Type.Object({
    ...named, result: Type.Enum(['created', 'changed', 'unchanged', 'deleted']),
    revision: Type.Optional(Type.Integer()), diff: Type.Optional(Type.Array(FieldChange)), before: Type.Optional(Type.Unknown()), after: Type.Optional(Type.Unknown()),
  }, closed)),
  lint: Type.Array(LintFinding),
  lintLeftOut: Type.Optional(Type.Integer()),
}, closed)
export type ApplyResult = Static<typeof ApplyResult>

export const LintReport = Type.Object({ asOf: Time, revision: Type.Integer(), findings: Type.Array(LintFinding), leftOut: Type.Optional(Type.Integer()) }, closed)
export type LintReport = Static<typeof LintReport>

/** One write of one resource, from the audit trail, newest first. */
export const RevisionView = Type.Object({
  at: Time, actor: Type.String(), action: Type.String(), revision: Type.Optional(Type.Integer()), spec: Type.Optional(Type.Unknown()),
  diff: Type.Array(FieldChange), reason: Type.Optional(Type.String()), ticket: Type.Optional(Type.String()),
}, closed)
export type RevisionView = Static<typeof RevisionView>
