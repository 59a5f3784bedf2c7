/** Validation of what requests carry by their TypeBox schemas: nothing unknown passes, every problem is told with its pointer. */
import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import type { FastifySchemaCompiler } from 'fastify'
import { shapeProblems } from '../configuration/shape.ts'
import { problem, type FieldProblem } from './problem.ts'

const PARTS: Readonly<Record<string, string>> = { body: 'body', querystring: 'query', params: 'path', headers: 'headers' }

/** For `app.setValidatorCompiler`. Query and path are text, so numbers in them are read; a body is taken as it is. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  const compiled = Compile(schema)
  const part = PARTS[httpPart] ?? httpPart
  return given => {
    const value: unknown = httpPart === 'body' ? given : readText(schema, given as object)
    return compiled.Check(value) ? { value } : { error: invalidPart(part, shapeProblems(schema, value, '', `the ${part}`)) }
  }
}

/** Numbers and truth values out of the text of a query or a path; what is none of them stays as it is, and is refused as such. */
function readText (schema: TSchema, given: object): object {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> }
  return Object.fromEntries(Object.entries(given).map(([key, text]: [string, unknown]) => {
    const type = Object.hasOwn(properties, key) ? properties[key]?.type : undefined
    if ((type === 'integer' || type === 'number') && typeof text === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return [key, Number(text)]
    return [key, type === 'boolean' && (text === 'true' || text === 'false') ? text === 'true' : text]
  }))
}

/** For a body that its handler looks at: the schema is for the documentation. */
export const documentedOnly: FastifySchemaCompiler<TSchema> = route => route.httpPart === 'body' ? () => true : validatorCompiler(route)

/** 400, naming the first field in the sentence and all of them in `problems`. */
export function invalidPart (part: string, problems: readonly FieldProblem[], code = 'invalid-request'): Error {
  const [first] = problems
  const field = first === undefined || first.pointer === '' ? 'it' : `'${first.pointer.slice(1)}'`
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return problem(400, code, `The ${part} is not valid: ${field} ${sentence(`${first?.says ?? 'does not have the shape'}${more}`)}`, { ...(first === undefined ? {} : { pointer: first.pointer }), problems })
}

function sentence (text: string): string {
  return text.endsWith('?') ? text : `${text}.`
}
