// dialtone get: the configuration as it is, in the form that `apply` reads.
import type { Resource } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { stringify } from 'yaml'
import { ASKING, allPages, apiOf, asJson, type Environment } from '../client/command.ts'
import { GET_HELP } from '../help.ts'
import { formatAmong, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { kindOf, PATHS, pathOf } from '../resources/kinds.ts'
import { sinceOf } from '../text/fleet.ts'
import { table } from '../text/table.ts'

export async function runGet (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('get', ASKING, args)
  if (values.help === true) return out.print(GET_HELP)
  const [word, name, ...others] = positionals
  if (word === undefined || others.length > 0) throw new OperatorError('usage', `get takes a kind, or a kind and a name; kinds: ${Object.values(PATHS).join(', ')}, or 'all'`)
  const format = formatAmong(values, ['text', 'json', 'yaml'])
  const kinds = word === 'all' && name === undefined ? Object.keys(PATHS).map(kindOf) : [kindOf(word)]
  const api = await apiOf(values, environment, signal)
  if (name !== undefined && kinds[0] !== undefined) {
    const resource = await api.get<Resource>(pathOf(kinds[0], name))
    return out.print(format === 'json' ? asJson(resource) : yamlOf([resource]))
  }
  const pages = await Promise.all(kinds.map(kind => allPages<'resources', Resource>(api, pathOf(kind), 'resources', {})))
  const resources = pages.flatMap(page => page.resources)
  if (format === 'json') return out.print(asJson({ resources }))
  if (format === 'yaml') return out.print(yamlOf(resources))
  if (resources.length === 0) return out.print(`there is no ${kinds.length === 1 ? String(kinds[0]) : 'resource'} yet\n`)
  const now = new Date().toISOString()
  return out.print([...table(['kind', 'name', 'revision', 'changed', 'by'], resources.map(({ kind, name: its, revision, updatedAt, updatedBy }) => [kind, its, String(revision), `${sinceOf(updatedAt, now)} ago`, quoted(updatedBy, 60)]), out.terminal), ''].join('\n'))
}

function yamlOf (resources: readonly Resource[]): string {
  return resources.map(({ kind, name, spec, revision, updatedAt, updatedBy }) => `# revision ${revision}, ${updatedAt}, by ${quoted(updatedBy, 60)}\n${stringify({ kind, name, spec })}`).join('---\n')
}
