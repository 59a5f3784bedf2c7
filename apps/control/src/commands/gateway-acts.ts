/** POST /v1/gateways/{name}/retry, close, flush, drop, reload, trace: what a gateway does at once and forgets; on record whatever becomes of it. */
import { GATEWAY_ACTS, GatewayAct, GatewayActRequest, GatewayDone, GatewayQueues, GatewayStreams, GatewayTrace, Name } from '@dialtone/contracts/schemas'
import type { GatewayActWord } from '@dialtone/contracts'
import { quoted, unreachable } from '@dialtone/kernel'
import { Type, type Static } from 'typebox'
import type { AuditRecord } from '../audit/audit.ts'
import { actorOf } from '../http/actor.ts'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { askGateway, knownGateway } from '../queries/ask-gateway.ts'
import { closed, given, noBody } from '../queries/parameters.ts'
import { refusalOf } from '../resources/problem.ts'
import { scopeOf, scopeText, type Scope } from './gateway-desired.ts'
import type { CommandNeeds } from './needs.ts'

const SUMMARY: Readonly<Record<GatewayActWord, string>> = {
  retry: 'Try routes that wait again now', close: 'Close streams; what waits connects again', flush: 'Try to deliver what waits now, held or not', drop: 'Bounce what waits to its senders', reload: 'Read certificates, secrets and the configuration again',
  trace: 'Record what is said on streams, without what people say, for some time',
}

const TRACE_SECONDS = 60

export function gatewayActRoutes (app: App, { bus, gateways, audit }: Pick<CommandNeeds, 'bus' | 'gateways' | 'audit'>): void {
  const needs = { bus, gateways }
  for (const act of GATEWAY_ACTS) {
    app.post(`/v1/gateways/:name/${act}`, {
      config: { role: 'operator' }, preValidation: noBody,
      schema: { tags: ['commands'], summary: SUMMARY[act], description: 'Done by the gateway at once; nothing of it is kept. What was wanted of it in the long run stays.', params: Type.Object({ name: Name }, closed), querystring: Type.Object({}, closed), body: GatewayActRequest, response: { 200: GatewayDone } },
    }, async (request): Promise<Static<typeof GatewayDone>> => {
      const { params: { name }, body: { stream, seconds, reason, ticket, dryRun = false, ...scoped } } = request
      const scope = scopeOf(scoped)
      prove(act, scope, stream, seconds)
      knownGateway(gateways, name)
      const of = fieldsOf(scope)
      const subject = [`Gateway/${name}`, ...(scope.of === 'gateway' ? [] : [scopeText(scope)]), ...(stream === undefined ? [] : [`stream ${quoted(stream, 64)}`])].join(' ')
      if (dryRun) return { dryRun, effects: [{ subject, outcome: 'would-do', says: await planOf(name, act, of, stream) }] }
      audit.ready()
      const actor = actorOf(request)
      const deed: Omit<AuditRecord, 'outcome' | 'says'> = { actor: actor.name, role: actor.role, action: `gateway.${act}`, subject, ...given({ reason, ticket }) }
      try {
        const { affected, says, next } = await askGateway(needs, GatewayAct, name, { act, ...of, ...given({ stream }), ...(act === 'trace' ? { seconds: seconds ?? TRACE_SECONDS } : {}) })
        if (affected === 0 && act === 'close' && stream !== undefined) throw refusal('not-found', quoted(says, 600), { pointer: '/stream' })
        await audit.record({ ...deed, outcome: 'done', says: quoted(says, 600) })
        return { dryRun, effects: [{ subject, outcome: affected === 0 && act !== 'trace' ? 'unchanged' : 'done', says: quoted(says, 600) }], ...given({ next }) }
      } catch (error) {
        const { code, message } = refusalOf(error)
        await audit.record({ ...deed, outcome: code === 'gateway-refused' ? 'refused' : 'failed', says: quoted(message, 600) })
        throw error
      }
    })
  }

  app.get('/v1/gateways/:name/trace', {
    config: { role: 'operator' },
    schema: { tags: ['commands'], summary: 'What was recorded of the streams that are traced', description: 'Names, namespaces, domains, sizes and conditions; of text, ids, keys and SASL the length. The oldest lines are forgotten first.', params: Type.Object({ name: Name }, closed), querystring: Type.Object({ after: Type.Optional(Type.Integer({ minimum: 0, description: 'The `next` of the answer before; default all that is there' })) }, closed), response: { 200: GatewayTrace } },
  }, async (request): Promise<Static<typeof GatewayTrace>> => {
    const { params: { name }, query: { after } } = request
    knownGateway(gateways, name)
    const { lines = [], next = 0, says } = await askGateway(needs, GatewayAct, name, { act: 'trace', ...given({ after }) })
    return { lines: lines.map(line => quoted(line, 900).slice(0, 1000)), next, says: quoted(says, 600) }
  })

  async function planOf (name: string, act: GatewayActWord, of: ReturnType<typeof fieldsOf>, stream: string | undefined): Promise<string> {
    if (act === 'reload') return 'would read certificates, secrets and the configuration again'
    if (act === 'trace') return 'would record what is said on these streams'
    if (act === 'close') {
      const { streams, all } = await askGateway(needs, GatewayStreams, name, { ...of, most: stream === undefined ? 1 : 500 })
      return stream === undefined ? `would close ${all} streams` : streams.some(({ id }) => id === stream) ? 'would close that stream' : `no such stream is among the ${streams.length} that the gateway lists`
    }
    const { queues, all } = await askGateway(needs, GatewayQueues, name, { ...of, most: 500 })
    const stanzas = queues.reduce((sum, queue) => sum + queue.stanzas, 0)
    return `would ${act} ${all} ${all === 1 ? 'route' : 'routes'} with ${stanzas}${all > queues.length ? ' or more' : ''} stanzas that wait`
  }
}

/** Throws a 400 for what would be done to more than was meant. */
function prove (act: GatewayActWord, scope: Scope, stream: string | undefined, seconds: number | undefined): void {
  if (seconds !== undefined && act !== 'trace') throw refusal('invalid-request', `'${act}' is done at once: leave 'seconds' out.`, { pointer: '/seconds' })
  if (stream !== undefined && act !== 'close' && act !== 'trace') throw refusal('invalid-request', `A stream is closed or traced, not '${act}': leave 'stream' out.`, { pointer: '/stream' })
  if (act === 'drop' && scope.of === 'gateway') throw refusal('invalid-request', "Name a zone, a peer or a pair: what waits there is bounced, which cannot be undone.", { pointer: '/peer' })
  if (act === 'close' && scope.of === 'gateway' && stream === undefined) throw refusal('invalid-request', 'Name a stream, a zone, a peer or a pair; to close all that there are, drain or stop the gateway.', { pointer: '/stream' })
  if (act === 'reload' && scope.of !== 'gateway') throw refusal('invalid-request', 'A reload is of the whole gateway: name no zone, peer or pair.', { pointer: `/${scope.of}` })
}

function fieldsOf (scope: Scope): { zone?: string, peer?: string, ours?: string } {
  switch (scope.of) {
    case 'gateway': return {}
    case 'zone': return { zone: scope.zone }
    case 'peer': return { peer: scope.peer }
    case 'pair': return scope.pair
    default: return unreachable(scope)
  }
}
