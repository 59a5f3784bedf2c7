// dialtone apply: resources out of files become the configuration, all of them or none.
import type { ApplyResult } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { ASKING, apiOf, asJson, type Environment } from '../client/command.ts'
import { APPLY_HELP } from '../help.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { apply } from '../resources/apply.ts'
import { loadResources, type Loaded } from '../resources/load.ts'
import { appliedText } from '../text/applied.ts'

const OPTIONS = { ...ASKING, file: { type: 'string', short: 'f', multiple: true }, 'dry-run': { type: 'boolean' }, prune: { type: 'boolean' } } as const

/** Resolves to 0 when it is applied, or would be. */
export async function runApply (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('apply', OPTIONS, args)
  if (values.help === true) return out.print(APPLY_HELP)
  const files = [...values.file ?? [], ...positionals]
  if (files.length === 0) throw new OperatorError('usage', "apply needs a file: dialtone apply -f FILE, a directory, or - for the standard input")
  const loaded = await loadResources(files, signal)
  const api = await apiOf(values, environment, signal)
  const applied = await apply(api, loaded, { dryRun: values['dry-run'] === true, prune: values.prune === true })
  return out.print(formatOf(values) === 'json' ? asJson(applied) : appliedText(ofFiles(applied, loaded), out.terminal))
}

/** What is found about other resources was there before, and is counted. */
function ofFiles (applied: ApplyResult, { resources }: Loaded): ApplyResult & { elsewhere: number } {
  const names = new Set([...resources, ...applied.results].map(({ kind, name }) => `${kind}/${name}`))
  const lint = applied.lint.filter(({ resource }) => resource === undefined || names.has(resource))
  return { ...applied, lint, elsewhere: applied.lint.length - lint.length }
}
