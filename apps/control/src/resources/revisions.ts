/** The history of one resource, out of the audit trail. */
import type { AuditEntry, Readings, RevisionView } from '@dialtone/contracts'
import { differenceOf } from '../configuration/difference.ts'

/** Newest first. Only what was done: what was refused changed nothing. `subject`: 'Domain/example.org'. */
export function revisionsOf (readings: Pick<Readings, 'audit'>, subject: string, page: { limit: number, cursor?: string }): { asOf: string, seq: number, revisions: RevisionView[], next?: string } {
  const { asOf, seq, entries, next } = readings.audit({ subject }, page)
  return { asOf, seq, revisions: entries.filter(({ outcome }) => outcome === 'done').map(viewOf), ...(next === undefined ? {} : { next }) }
}

function viewOf ({ at, actor, action, before, after, reason, ticket }: AuditEntry): RevisionView {
  const [was, is] = [kept(before), kept(after)]
  return {
    at, actor, action, ...(is?.revision === undefined ? {} : { revision: is.revision }), ...(is === undefined ? {} : { spec: is.spec }),
    diff: differenceOf(was === undefined ? {} : { spec: was.spec }, is === undefined ? {} : { spec: is.spec }), ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }),
  }
}

function kept (value: unknown): { revision?: number, spec: unknown } | undefined {
  if (typeof value !== 'object' || value === null || !('spec' in value)) return undefined
  return { spec: value.spec, ...('revision' in value && typeof value.revision === 'number' ? { revision: value.revision } : {}) }
}
