// dialtone gateways, streams, queues: who carries stanzas, how they are, and what they have now.
import type { GatewayView, QueuesOfGateway, StreamsOfGateway } from '@dialtone/contracts'
import type { Api, Query } from '../client/api.ts'
import { ASKING, allPages, apiOf, asJson, nameIn, noneIn, type Environment } from '../client/command.ts'
import { GATEWAYS_HELP } from '../help.ts'
import { domainOf } from '../network-words.ts'
import { countOf, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { gatewayTable, queueTable, streamTable } from '../text/gateways.ts'

const SCOPED = { ...ASKING, zone: { type: 'string' }, peer: { type: 'string' }, ours: { type: 'string' }, most: { type: 'string' } } as const

export async function runGateways (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('gateways', ASKING, args)
  if (values.help === true) return out.print(GATEWAYS_HELP)
  noneIn('gateways', positionals)
  const api = await apiOf(values, environment, signal)
  const { asOf, status } = await allPages<'status', GatewayView>(api, '/v1/gateways', 'status', {})
  if (formatOf(values) === 'json') return out.print(asJson({ asOf, gateways: status }))
  return out.print([...(status.length === 0 ? ["there is no gateway: configure one with 'dialtone apply', kind Gateway"] : gatewayTable(status, asOf, out.terminal)), ''].join('\n'))
}

export async function runStreams (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  return ofOne('streams', args, { out, signal, environment }, async (api, path, query) => {
    const answer = await api.get<StreamsOfGateway>(path, query)
    const { asOf, streams, all } = answer
    return { answer, lines: [...(streams.length === 0 ? ['no stream is open'] : streamTable(streams, asOf, out.terminal)), ...more(streams.length, all)] }
  })
}

export async function runQueues (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  return ofOne('queues', args, { out, signal, environment }, async (api, path, query) => {
    const answer = await api.get<QueuesOfGateway>(path, query)
    const { queues, all } = answer
    return { answer, lines: [...(queues.length === 0 ? ['nothing waits'] : queueTable(queues, out.terminal)), ...more(queues.length, all)] }
  })
}

type Asking = (api: Api, path: string, query: Query) => Promise<{ answer: object, lines: readonly string[] }>

async function ofOne (what: 'streams' | 'queues', args: readonly string[], { out, signal, environment }: { out: Out, signal: AbortSignal, environment: Environment }, ask: Asking): Promise<number> {
  const { values, positionals } = parse(what, SCOPED, args)
  if (values.help === true) return out.print(GATEWAYS_HELP)
  const name = nameIn(what, positionals)
  const format = formatOf(values)
  const query: Query = {
    zone: values.zone, peer: values.peer === undefined ? undefined : domainOf(values.peer), ours: values.ours === undefined ? undefined : domainOf(values.ours),
    most: values.most === undefined ? undefined : countOf('--most', values.most, 1, 500),
  }
  const api = await apiOf(values, environment, signal)
  const { answer, lines } = await ask(api, `/v1/gateways/${encodeURIComponent(name)}/${what}`, query)
  return out.print(format === 'json' ? asJson(answer) : [...lines, ''].join('\n'))
}

function more (listed: number, all: number): string[] {
  return all > listed ? [`and ${all - listed} more (--most, --zone, --peer)`] : []
}
