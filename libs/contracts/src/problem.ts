import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'

/** What is wrong with `value`, as one line that names the field; undefined when it has the shape. */
export function firstProblem (schema: TSchema, value: unknown): string | undefined {
  if (Check(schema, value)) return undefined
  const [problem] = Errors(schema, value)
  return problem === undefined ? 'it does not have the shape' : `${problem.instancePath === '' ? 'the whole' : problem.instancePath} ${problem.message}`
}
