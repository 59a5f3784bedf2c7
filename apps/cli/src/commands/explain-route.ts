// dialtone explain-route: what would happen to a stanza from one domain to another, and why.
import type { RouteExplanation, RouteExplanations } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { ASKING, apiOf, asJson, type Environment } from '../client/command.ts'
import { EXPLAIN_ROUTE_HELP } from '../help.ts'
import { domainOf } from '../network-words.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { explanationText } from '../text/explain-route.ts'

const OPTIONS = { ...ASKING, gateway: { type: 'string' } } as const
const EXIT: Readonly<Record<RouteExplanation['outcome'], number>> = { deliver: 0, queue: 1, refuse: 2, drop: 2 }

/** Resolves to the exit code of the worst outcome. */
export async function runExplainRoute (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('explain-route', OPTIONS, args)
  if (values.help === true) return out.print(EXPLAIN_ROUTE_HELP)
  const [from, to, ...others] = positionals
  if (from === undefined || to === undefined || others.length > 0) throw new OperatorError('usage', 'explain-route takes the domain that a stanza is from, and the one that it is for. For example: dialtone explain-route ours.example partner.example')
  const format = formatOf(values)
  const api = await apiOf(values, environment, signal)
  const answer = await api.get<RouteExplanations>('/v1/explain-route', { from: domainOf(from), to: domainOf(to), gateway: values.gateway })
  if (format === 'json') out.print(asJson(answer))
  else {
    const silent = answer.unanswered.map(({ gateway, says }) => `${gateway} did not answer: ${quoted(says, 400)}\n`)
    out.print([...answer.explanations.map(each => explanationText(each, answer.asOf, out.terminal)), ...(silent.length === 0 ? [] : [silent.join('')])].join('\n'))
  }
  return Math.max(...answer.explanations.map(({ outcome }) => EXIT[outcome]))
}
