/** Whether what an operator wrote is one resource: its kind, its name, the shape of its spec, and what no schema can say. Every problem is told at once. */
import { Compile } from 'typebox/compile'
import { Check } from 'typebox/value'
import { KINDS } from '@dialtone/contracts/schemas'
import { quoted } from '@dialtone/kernel'
import type { Kind } from '@dialtone/contracts'
import { escapePointer, type FieldProblem } from '../resources/problem.ts'
import { notADomain } from './domain.ts'
import { senseProblems } from './sense.ts'
import { MOST_FIELD_PROBLEMS, nearest, shapeProblems } from './shape.ts'
import type { Wanted } from './wanted.ts'

/** `prefix`: the pointer of the resource in the request ('/resources/3'). Nothing is converted: what is accepted is read back as it was written. */
export function parseResource (kind: unknown, name: unknown, spec: unknown, prefix = ''): { resource: Wanted } | { problems: FieldProblem[] } {
  if (!isKind(kind)) {
    const meant = typeof kind === 'string' ? nearest(kind, Object.keys(KINDS)) : undefined
    return { problems: [{ pointer: `${prefix}/kind`, says: `must be one of ${Object.keys(KINDS).join(', ')}${meant === undefined ? '' : `; is '${meant}' meant?`}` }] }
  }
  const named = nameProblems(kind, name, `${prefix}/name`)
  const shaped = checkOf(kind).Check(spec) ? [] : shapeProblems(KINDS[kind].spec, spec, `${prefix}/spec`, `a ${kind}`)
  const written = [...named, ...shaped, ...textProblems(spec, `${prefix}/spec`, shaped.length === 0 ? Infinity : MOST_LOOKED_AT)]
  if (written.length > 0) return { problems: hinted(written, { name, spec }, prefix) }
  const resource = { kind, name, spec } as Wanted
  const problems = senseProblems(resource, `${prefix}/spec`)
  return problems.length > 0 ? { problems } : { resource }
}

export function isKind (kind: unknown): kind is Kind {
  return typeof kind === 'string' && Object.hasOwn(KINDS, kind)
}

function nameProblems (kind: Kind, name: unknown, pointer: string): FieldProblem[] {
  if (!Check(KINDS[kind].name, name)) return shapeProblems(KINDS[kind].name, name, pointer, 'a name')
  if (kind !== 'Domain' && kind !== 'Peer') return []
  const why = notADomain(name)
  return why === undefined ? [] : [{ pointer, says: why }]
}

/** A domain that was refused for its letters alone is told its A-label form: nothing is converted behind the operator's back. */
function hinted (problems: readonly FieldProblem[], given: object, prefix: string): FieldProblem[] {
  return problems.slice(0, MOST_FIELD_PROBLEMS).map(one => {
    if (!one.says.startsWith('must be a domain, as A-labels')) return one
    const value = at(given, one.pointer.slice(prefix.length))
    const [wild, bare] = typeof value === 'string' && value.startsWith('*.') ? ['*.', value.slice(2)] : ['', value]
    const why = typeof bare === 'string' ? notADomain(bare)?.replace("written as '", `written as '${wild}`) : undefined
    return why === undefined ? one : { ...one, says: why.startsWith('must be written') ? `${one.says}: it ${why}` : one.says }
  })
}

function at (from: unknown, pointer: string): unknown {
  return pointer.split('/').slice(1).reduce((here: unknown, key) => typeof here === 'object' && here !== null && Object.hasOwn(here, key) ? (here as Record<string, unknown>)[key] : undefined, from)
}

/**
 * Text that would not be read back as it was written, or that would forge a line where it is shown. `most`: values that are looked at; what has the shape of its schema
 * is as small as the schema says.
 */
function textProblems (spec: unknown, at: string, most: number): FieldProblem[] {
  const problems: FieldProblem[] = []
  let left = most
  const look = (value: unknown, pointer: string, depth: number): void => {
    if (left-- <= 0 || depth > 8) return
    if (typeof value === 'string') {
      if (!value.isWellFormed()) problems.push({ pointer, says: 'has half of a surrogate pair, which is no character' })
      else if (CONTROL.test(value)) problems.push({ pointer, says: `has a control character, at place ${value.search(CONTROL) + 1}` })
    } else if (Array.isArray(value)) {
      for (const [i, inner] of value.entries()) {
        if (left <= 0) return
        look(inner, `${pointer}/${i}`, depth + 1)
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (left <= 0) return
        look(inner, `${pointer}/${escapePointer(quoted(key, 100))}`, depth + 1)
      }
    }
  }
  look(spec, at, 0)
  return problems
}

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F]/
/** Values of a spec that is refused anyway. */
const MOST_LOOKED_AT = 2000

const compiled = new Map<Kind, { Check: (value: unknown) => boolean }>()
function checkOf (kind: Kind): { Check: (value: unknown) => boolean } {
  const known = compiled.get(kind)
  if (known !== undefined) return known
  const made = Compile(KINDS[kind].spec)
  compiled.set(kind, made)
  return made
}
