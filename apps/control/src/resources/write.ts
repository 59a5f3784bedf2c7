/**
 * The one way by which a request changes the configuration: checked, written all or nothing, put on record with before and after, refused writes too.
 *
 *     writeResources({ configuration, audit }, request, { action: 'pause', subject: 'Vantage/lab' }, now => edits, { dryRun? }): Promise<Changed>
 *     writeAs({ configuration, audit }, { actor: 'demo', role: 'system' }, { action: 'apply', subject: 'configuration' }, now => edits): Promise<Changed>
 */
import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Audit, AuditRecord } from '../audit/audit.ts'
import { whyOf } from '../audit/why.ts'
import type { Edit } from '../configuration/edit.ts'
import type { ResourceSet } from '../configuration/resource-set.ts'
import type { Changed, ConfigurationStore } from '../configuration/store.ts'
import { subjectOf } from '../configuration/wanted.ts'
import { refusalOf } from './problem.ts'

export type Writing = { configuration: ConfigurationStore, audit: Audit }
/** `subject`: of the entry when it is refused; a done write has an entry for each resource. `why`: what the body says. */
export type WriteOf = { action: string, subject: string, why?: { reason?: string, ticket?: string } }

/** Entries that are handed to the bus at a time. */
const AT_ONCE = 64

/** Throws a Refusal. Without an actor on the request (a route that needs none) the entry says 'nobody'. */
export async function writeResources ({ configuration, audit }: Writing, request: FastifyRequest, { action, subject, why = {} }: WriteOf, edit: (now: ResourceSet) => readonly Edit[], { dryRun = false }: { dryRun?: boolean } = {}): Promise<Changed> {
  const { name: actor, role } = request.actor ?? { name: 'nobody', role: 'none' }
  if (dryRun) return configuration.change(edit, actor, { dryRun })
  return writeAs({ configuration, audit }, { actor, role, ...whyOf(request, why) }, { action, subject }, edit)
}

/** The same for who is no request. */
export async function writeAs ({ configuration, audit }: Writing, who: Pick<AuditRecord, 'actor' | 'role' | 'reason' | 'ticket'>, { action, subject }: Pick<WriteOf, 'action' | 'subject'>, edit: (now: ResourceSet) => readonly Edit[]): Promise<Changed> {
  audit.ready()
  const changed = await configuration.change(edit, who.actor).catch(async (error: unknown) => {
    const refusal = refusalOf(error)
    await audit.record({ ...who, action, subject, outcome: refusal.status >= 500 ? 'failed' : 'refused', says: refusal.message })
    throw error
  })
  const entries = entriesOf(changed, { ...who, action })
  for (let i = 0; i < entries.length; i += AT_ONCE) await Promise.all(entries.slice(i, i + AT_ONCE).map(entry => audit.record(entry)))
  return changed
}

/** One of each resource that is different now, told with its revision so that the trail is its history. */
function entriesOf (changed: Changed, common: Pick<AuditRecord, 'actor' | 'role' | 'action' | 'reason' | 'ticket'>): AuditRecord[] {
  return changed.results.flatMap(({ kind, name, result, before, after }) => result === 'unchanged' ? [] : [{
    ...common, id: `cfg-${changed.revision}-${createHash('sha256').update(subjectOf({ kind, name })).digest('hex').slice(0, 20)}`,
    subject: subjectOf({ kind, name }), outcome: 'done' as const, says: result,
    ...(before === undefined ? {} : { before: { revision: before.revision, spec: before.spec } }), ...(result === 'deleted' || after === undefined ? {} : { after: { revision: after.revision, spec: after.spec } }),
  }])
}
