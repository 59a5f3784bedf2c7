/** What a set of edits makes of a configuration: a function of what it is given, all of them or a refusal that names each that cannot be done. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldChange, Kind, LintFinding, Resource } from '@dialtone/contracts'
import { problem, type FieldProblem } from '../resources/problem.ts'
import { differenceOf } from './difference.ts'
import { MOST_RESOURCES } from './limits.ts'
import { lookAhead } from './lint/expectations.ts'
import { lint, newErrors } from './lint/lint.ts'
import type { ResourceSet } from './resource-set.ts'
import { createTurn } from './turn.ts'
import { subjectOf, type Wanted } from './wanted.ts'

/** One wish. `expect`: only over this revision of the resource; 0: only where there is none. `pointer`: where the request says it. */
export type Edit = { expect?: number, pointer?: string } & ({ put: Wanted } | { remove: { kind: Kind, name: string } })

/** What became of one edit. `revision`: of the resource afterwards. */
export type EditResult = { kind: Kind, name: string, result: 'created' | 'changed' | 'unchanged' | 'deleted', revision?: number, diff?: FieldChange[], before?: Resource, after?: Resource }

export type Edited = { next: ResourceSet, results: EditResult[], lint: LintFinding[] }

/** `revision`, `at` and `by`: what changed resources are stamped with. Throws a Refusal: 412 (another revision), 404, 422 (contradicts the rest), 413. Of many edits others have their turn in between. */
export async function edited (now: ResourceSet, edits: readonly Edit[], stamp: { revision: number, at: number, by: string }): Promise<Edited> {
  const turn = createTurn()
  refuseTwins(edits)
  const results: EditResult[] = []
  for (const edit of edits) {
    results.push(resultOf(now, edit, stamp))
    if (turn.isOver()) await turn.next()
  }
  const put = results.flatMap(({ result, after }) => after !== undefined && result !== 'unchanged' ? [after] : [])
  const gone = results.filter(({ result }) => result === 'deleted')
  const next = put.length + gone.length === 0 ? now : now.with(put, gone)
  if (next.size > MOST_RESOURCES && next.size > now.size) throw problem(413, 'too-many-resources', `That would make ${next.size} resources, and ${MOST_RESOURCES} is the most.`)
  for (const resource of put) {
    lookAhead(resource)
    if (turn.isOver()) await turn.next()
  }
  const context = { now: stamp.at }
  const findings = lint(next, context)
  if (findings[0]?.level === 'error' && next !== now) refuseErrors(newErrors(lint(now, context), findings))
  return { next, results, lint: findings }
}

function resultOf (now: ResourceSet, edit: Edit, stamp: { revision: number, at: number, by: string }): EditResult {
  const { kind, name } = 'put' in edit ? edit.put : edit.remove
  const before = now.get(kind, name)
  refuseStale(edit, { kind, name }, before)
  if ('remove' in edit) {
    if (before === undefined) throw problem(404, 'not-found', `There is no ${kind} '${name}', so it cannot be deleted.`, pointing(edit, { kind, name }, 'does not exist'))
    return { kind, name, result: 'deleted', before }
  }
  if (before !== undefined && isDeepStrictEqual(before.spec, edit.put.spec)) return { kind, name, result: 'unchanged', revision: before.revision, before, after: before }
  const after = { ...edit.put, revision: stamp.revision, updatedAt: new Date(stamp.at).toISOString(), updatedBy: stamp.by }
  return before === undefined
    ? { kind, name, result: 'created', revision: stamp.revision, after }
    : { kind, name, result: 'changed', revision: stamp.revision, diff: differenceOf({ spec: before.spec }, { spec: after.spec }), before, after }
}

function refuseStale (edit: Edit, who: { kind: Kind, name: string }, before: Resource | undefined): void {
  const is = before?.revision ?? 0
  if (edit.expect === undefined || edit.expect === is) return
  const subject = subjectOf(who)
  const says = is === 0 ? `${subject} does not exist (any more), and revision ${edit.expect} was expected`
    : edit.expect === 0 ? `${subject} exists already, at revision ${is}` : `${subject} is at revision ${is}, and ${edit.expect} was expected`
  throw problem(412, 'revision-mismatch', `${says}; read it again, and decide again.`, { ...pointing(edit, who, says), ...(is === 0 ? {} : { headers: { etag: `"${is}"` } }) })
}

function pointing (edit: Edit, who: { kind: Kind, name: string }, says: string): { pointer?: string, problems?: FieldProblem[] } {
  return edit.pointer === undefined ? {} : { pointer: edit.pointer, problems: [{ pointer: edit.pointer, says, resource: subjectOf(who) }] }
}

function refuseTwins (edits: readonly Edit[]): void {
  const seen = new Map<string, string>()
  for (const edit of edits) {
    const subject = subjectOf('put' in edit ? edit.put : edit.remove)
    const first = seen.get(subject)
    if (first !== undefined) throw problem(400, 'invalid-resource', `${subject} is named twice${edit.pointer === undefined ? '' : `, at '${first}' and '${edit.pointer}'`}; say once what is to become of it.`, pointing(edit, 'put' in edit ? edit.put : edit.remove, 'is named twice'))
    seen.set(subject, edit.pointer ?? '')
  }
}

function refuseErrors (errors: readonly LintFinding[]): void {
  const [first] = errors
  if (first === undefined) return
  throw problem(422, 'configuration-conflict', `Nothing was changed, because it would contradict the rest: ${first.says}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}.`, {
    problems: errors.map(({ resource, pointer = '', says }) => ({ pointer, says, ...(resource === undefined ? {} : { resource }) })),
  })
}
