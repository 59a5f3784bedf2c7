/** What operators write, as edits: every problem of every resource is found before anything is asked of the configuration. */
import { Type } from 'typebox'
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
const { resources: putList, delete: removeList } = ApplyRequest.properties
/** Without what is in the lists, which is looked at one by one. */
const envelope = Type.Object({ ...ApplyRequest.properties, resources: anyOf(putList as Bounded), delete: anyOf(removeList as Bounded) }, { additionalProperties: false })
const checked = { envelope: Compile(envelope), put: Compile(putList.items), remove: Compile(removeList.items) }

type Bounded = { maxItems?: number }
function anyOf ({ maxItems = 0 }: Bounded) {
  return Type.Optional(Type.Array(Type.Unknown(), { maxItems }))
}

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

/** The body of apply: checked whole, item by item while others are answered, then a function of what is there. Stops at `MOST_PROBLEMS`. */
export async function parseApply (body: unknown): Promise<{ apply: ApplyRequest, edits: (now: ResourceSet) => Edit[] }> {
  if (!checked.envelope.Check(body)) throw invalidPart('body', shapeProblems(envelope, body, '', 'an apply'))
  const turn = createTurn()
  const problems: FieldProblem[] = []
  const puts: Edit[] = []
  const removes: Edit[] = []
  for (const [i, item] of (body.resources ?? []).entries()) {
    if (problems.length >= MOST_PROBLEMS) break
    if (turn.isOver()) await turn.next()
    const pointer = `/resources/${i}`
    if (!checked.put.Check(item)) {
      problems.push(...shapeProblems(putList.items, item, pointer, 'a resource'))
      continue
    }
    const { kind, name, spec, revision } = item
    const parsed = parseResource(kind, name, spec, pointer)
    if ('resource' in parsed) puts.push({ put: parsed.resource, pointer, ...(revision === undefined ? {} : { expect: revision }) })
    else problems.push(...parsed.problems.map(one => ({ ...one, resource: subjectOf({ kind, name }) })))
  }
  for (const [i, item] of (body.delete ?? []).entries()) {
    if (problems.length >= MOST_PROBLEMS) break
    if (turn.isOver()) await turn.next()
    const pointer = `/delete/${i}`
    if (!checked.remove.Check(item)) {
      problems.push(...shapeProblems(removeList.items, item, pointer, 'a delete'))
      continue
    }
    const { kind, name, revision } = item
    if (isKind(kind)) removes.push({ remove: { kind, name }, pointer, ...(revision === undefined ? {} : { expect: revision }) })
    else problems.push({ pointer: `${pointer}/kind`, says: `'${kind}' is no kind of resource` })
  }
  const apply = body as ApplyRequest
  const kinds = pruned(apply, puts, problems)
  if (problems.length > 0) throw invalidPart('body', problems, 'invalid-resource')
  return { apply, edits: now => [...puts, ...removes, ...leftOver(now, kinds, [...puts, ...removes])] }
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
