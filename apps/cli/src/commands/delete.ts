// dialtone delete: one resource, at the revision that it has now.
import type { Resource } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { ASKING, apiOf, asJson, type Environment } from '../client/command.ts'
import { DELETE_HELP } from '../help.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { kindOf, pathOf } from '../resources/kinds.ts'

const OPTIONS = { ...ASKING, 'dry-run': { type: 'boolean' } } as const

export async function runDelete (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('delete', OPTIONS, args)
  if (values.help === true) return out.print(DELETE_HELP)
  const [word, name, ...others] = positionals
  if (word === undefined || name === undefined || others.length > 0) throw new OperatorError('usage', 'delete takes a kind and a name. For example: dialtone delete peer partner.example')
  const kind = kindOf(word)
  const api = await apiOf(values, environment, signal)
  const { body, etag } = await api.read<Resource>(pathOf(kind, name))
  const { body: gone } = await api.send('DELETE', pathOf(kind, name), undefined, { ...(etag === undefined ? {} : { etag }), query: { dryRun: values['dry-run'] === true ? true : undefined } })
  const dry = values['dry-run'] === true
  if (formatOf(values) === 'json') return out.print(asJson({ kind, name, revision: body.revision, deleted: !dry, ...(gone === undefined ? {} : { answer: gone }) }))
  return out.print(`${kind} ${quoted(name, 253)} ${dry ? 'would be' : 'is'} deleted (it had revision ${body.revision})\n`)
}
