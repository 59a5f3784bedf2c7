/** What operators write, as edits: every problem of every resource is found before anything is asked of the configuration. */
import { Compile } from 'typebox/compile'
import { ApplyRequest, ResourceWrite } from '@dialtone/contracts/schemas'
import type { Kind } from '@dialtone/contracts'
import type { Edit } from '../configuration/edit.ts'
import { isKind, parseResource } from '../configuration/parse.ts'
import type { ResourceSet } from '../configuration/resource-set.ts'
import { shapeProblems } from '../configuration/shape.ts'
import { createTurn } from '../configuration/turn.ts'
import { subjectOf, type Wanted } from '../configuration/wanted.ts'
import { MOST_PROBLEMS, type FieldProblem } from './problem.ts'
import { invalidPart } from './validate.ts'

const write = Compile(ResourceWrite)
const apply = Compile(ApplyRequest)

/** The body of PUT: the spec, and whatever GET answers beside it. */
export function parseWrite (kind: Kind, name: string, body: unknown): { wanted: Wanted, write: ResourceWrite } {
  if (!write.Check(body)) throw invalidPart('body', shapeProblems(ResourceWrite, body, '', 'a resource'))
  const mismatch = [...other(body.kind, kind, '/kind'), ...other(body.name, name, '/name')]
  if (mismatch.length > 0) throw invalidPart('body', mismatch)
  return { wanted: parseSpec(kind, name, body.spec), write: body }
}

/** A spec for this kind and name; 400 with every problem. */
export function parseSpec (kind: Kind, name: string, spec: unknown): Wanted {
  const parsed = parseResource(kind, name, spec)
  if ('problems' in parsed) throw invalidPart(subjectOf({ kind, name }), parsed.problems, 'invalid-resource')
  return parsed.resource
}

/** The body of apply: checked whole, then a function of what is there. */
export async function parseApply (body: unknown): Promise<{ apply: ApplyRequest, edits: (now: ResourceSet) => Edit[] }> {
  if (!apply.Check(body)) throw invalidPart('body', shapeProblems(ApplyRequest, body, '', 'an apply'))
  const turn = createTurn()
  const problems: FieldProblem[] = []
  const puts: Edit[] = []
  const removes: Edit[] = []
  for (const [i, { kind, name, spec, revision }] of (body.resources ?? []).entries()) {
    if (turn.isOver()) await turn.next()
    const pointer = `/resources/${i}`
    const parsed = parseResource(kind, name, spec, pointer)
    if ('resource' in parsed) puts.push({ put: parsed.resource, pointer, ...(revision === undefined ? {} : { expect: revision }) })
    else problems.push(...parsed.problems.map(one => ({ ...one, resource: subjectOf({ kind, name }) })))
    if (problems.length >= MOST_PROBLEMS) break
  }
  for (const [i, { kind, name, revision }] of (body.delete ?? []).entries()) {
    const pointer = `/delete/${i}`
    if (isKind(kind)) removes.push({ remove: { kind, name }, pointer, ...(revision === undefined ? {} : { expect: revision }) })
    else if (problems.length < MOST_PROBLEMS) problems.push({ pointer: `${pointer}/kind`, says: `'${kind}' is no kind of resource` })
  }
  const kinds = pruned(body, puts, problems)
  if (problems.length > 0) throw invalidPart('body', problems, 'invalid-resource')
  return { apply: body, edits: now => [...puts, ...removes, ...leftOver(now, kinds, [...puts, ...removes])] }
}

function pruned ({ prune = false }: ApplyRequest, puts: readonly Edit[], problems: FieldProblem[]): Kind[] {
  if (typeof prune === 'boolean') return prune ? [...new Set(puts.flatMap(edit => 'put' in edit ? [edit.put.kind] : []))] : []
  for (const [i, kind] of prune.entries()) if (!isKind(kind)) problems.push({ pointer: `/prune/${i}`, says: `'${kind}' is no kind of resource` })
  return prune.filter(isKind)
}

/** What is there of these kinds and was not named. */
function leftOver (now: ResourceSet, kinds: readonly Kind[], named: readonly Edit[]): Edit[] {
  if (kinds.length === 0) return []
  const kept = new Set(named.map(edit => subjectOf('put' in edit ? edit.put : edit.remove)))
  return [...new Set(kinds)].flatMap(kind => now.all(kind).filter(one => !kept.has(subjectOf(one))).map(({ name }) => ({ remove: { kind, name } })))
}

function other (given: string | undefined, expected: string, pointer: string): FieldProblem[] {
  return given === undefined || given === expected ? [] : [{ pointer, says: `must be '${expected}', as the path says, not '${given.slice(0, 80)}'` }]
}
