// dialtone agents: who looks, from where, and how they are.
import type { Agents, Resource } from '@dialtone/contracts'
import { ASKING, allPages, apiOf, asJson, noneIn, type Environment } from '../client/command.ts'
import { AGENTS_HELP } from '../help.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { pathOf } from '../resources/kinds.ts'
import { agentTable } from '../text/fleet.ts'

export async function runAgents (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('agents', ASKING, args)
  if (values.help === true) return out.print(AGENTS_HELP)
  noneIn('agents', positionals)
  const api = await apiOf(values, environment, signal)
  const found = await api.get<Agents>('/v1/agents')
  if (formatOf(values) === 'json') return out.print(asJson(found))
  const { resources: vantages } = await allPages<'resources', Resource>(api, pathOf('Vantage'), 'resources', {})
  const without = vantages.filter(({ name }) => !found.agents.some(({ vantage }) => vantage === name)).map(({ name }) => `${name}: no agent`)
  return out.print([...(found.agents.length === 0 ? ["no agent is there: start one with 'dialtone probe --help'"] : agentTable(found.agents, found.asOf, out.terminal)), ...without, ''].join('\n'))
}
