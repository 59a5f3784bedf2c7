/** POST /v1/gateways/{name}/start, drain, stop, hold, release, block, unblock: what is wanted of a gateway, a zone, a peer or a pair, written into its resource. */
import { GATEWAY_WANTS, GatewayDone, GatewayQueues, GatewayStreams, GatewayWantRequest, Name } from '@dialtone/contracts/schemas'
import type { GatewayView, GatewayWant } from '@dialtone/contracts'
import { Type, type Static } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { askGateway, knownGateway } from '../queries/ask-gateway.ts'
import { closed, given, noBody } from '../queries/parameters.ts'
import { refuseUnmatched, scopeOf, scopeText, staysSo, wantedOf, type Scope } from './gateway-desired.ts'
import type { CommandNeeds } from './needs.ts'

const DOES: Readonly<Record<GatewayWant, string>> = {
  start: 'carries stanzas', drain: 'finishes what there is and takes nothing new', stop: 'is stopped', hold: 'queues and is sent nothing', release: 'is carried again', block: 'is refused', unblock: 'is carried again',
}
const WANTED: Readonly<Record<GatewayWant, string>> = { start: 'running', drain: 'drained', stop: 'stopped', hold: 'held', release: 'released', block: 'blocked', unblock: 'unblocked' }

/** That a presence lists. */
const MOST_DRAINS = 50

export function gatewayWantRoutes (app: App, { bus, configuration, gateways, edit }: Pick<CommandNeeds, 'bus' | 'configuration' | 'gateways' | 'edit'>): void {
  const stopping = new AbortController()
  // Who waits is told how far it is.
  app.addHook('preClose', async () => stopping.abort())

  for (const want of GATEWAY_WANTS) {
    app.post(`/v1/gateways/:name/${want}`, {
      config: { role: 'operator' }, preValidation: noBody,
      schema: {
        tags: ['commands'], summary: `Want a gateway, one of its zones, a peer or a pair ${WANTED[want]}`, description: 'Kept in the Gateway resource, so that it outlives every process: a gateway that is away does it when it is back. The same again answers `unchanged`.',
        params: Type.Object({ name: Name }, closed), querystring: Type.Object({}, closed), body: GatewayWantRequest, response: { 200: GatewayDone },
      },
    }, async (request, reply): Promise<Static<typeof GatewayDone>> => {
      const { params: { name }, body: { deadlineSeconds, wait = 0, reason, ticket, dryRun = false, ...scoped } } = request
      const scope = scopeOf(scoped)
      knownGateway(gateways, name)
      const before = configuration.get('Gateway', name)?.spec
      if (before === undefined) throw missing(name)
      const plan = dryRun ? await planOf(name, want, scope) : undefined
      const { revision, changed } = await edit(request, {
        kind: 'Gateway', name,
        change: spec => {
          if (spec === undefined) throw missing(name)
          const wanted = wantedOf(spec, want, scope, deadlineSeconds)
          if (wanted !== spec) refuseUnmatched(name, wanted, scope)
          return wanted
        },
      }, { action: `gateway.${want}`, dryRun, ...given({ reason, ticket }) })
      const subject = scope.of === 'gateway' ? `Gateway/${name}` : `Gateway/${name} ${scopeText(scope)}`
      const view = gateways.get(name)
      const effect = { subject, outcome: !changed ? 'unchanged' as const : dryRun ? 'would-do' as const : 'done' as const, says: !changed ? [staysSo(before, want, scope) ?? 'it is wanted so already', ...view === undefined ? [] : [view.says]].join('; ') : plan ?? saysOf(want, scope, view) }
      const done = { dryRun, revision, effects: [effect], ...(dryRun ? {} : { watch: `/v1/events?topics=gateway:${name}` }) }
      if (dryRun || wait === 0) return { ...done, ...given({ gateway: view }) }
      // An assignment that says nothing new is not written: what was so already is of the revision at which the resource last changed.
      const least = changed ? revision : configuration.get('Gateway', name)?.revision ?? revision
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const reached = await gateways.reached(name, now => isReached(now, want, scope, least), wait * 1000, AbortSignal.any([gone.signal, stopping.signal]))
      return { ...done, reached, ...given({ gateway: gateways.get(name) }) }
    })
  }

  /** What it would do to what there is now, as far as the gateway says. */
  async function planOf (name: string, want: GatewayWant, scope: Scope): Promise<string> {
    const view = gateways.get(name)
    const does = `${nounOf(scope)} ${DOES[want]}`
    if (view?.presence === undefined) return `would want that ${does}; the gateway is not there now, and does it when it is back`
    const of = scope.of === 'zone' ? { zone: scope.zone } : scope.of === 'peer' ? { peer: scope.peer } : scope.of === 'pair' ? scope.pair : {}
    try {
      const [streams, queues] = await Promise.all([askGateway({ bus, gateways }, GatewayStreams, name, { ...of, most: 1 }), askGateway({ bus, gateways }, GatewayQueues, name, { ...of, most: 500 })])
      const waiting = queues.queues.reduce((sum, { stanzas }) => sum + stanzas, 0)
      return `would want that ${does}: it has ${streams.all} streams and ${waiting} stanzas that wait now`
    } catch {
      return `would want that ${does}; the gateway did not say what it has now`
    }
  }
}

function nounOf (scope: Scope): string {
  return scope.of === 'gateway' ? 'the gateway' : `the ${scopeText(scope)}`
}

function saysOf (want: GatewayWant, scope: Scope, view: GatewayView | undefined): string {
  const wanted = `it is wanted that ${nounOf(scope)} ${DOES[want]}`
  return view?.presence === undefined ? `${wanted}; the gateway is not there now, and does it when it is back` : want === 'drain' || want === 'stop' ? `${wanted}; GET /v1/gateways/${view.gateway}/status tells how far it is` : wanted
}

/** Whether a gateway tells that it works by this revision at least, and that it is so. */
function isReached (view: GatewayView | undefined, want: GatewayWant, scope: Scope, revision: number): boolean {
  const { presence } = view ?? {}
  if (presence === undefined || presence.revision < revision) return false
  const { state, drains, streams, queued } = presence
  if (scope.of === 'gateway') {
    if (want === 'start') return state === 'running'
    if (want === 'stop' || state === 'stopped') return state === 'stopped'
    const drain = drains.find(({ scope: of }) => !/^(?:zone|peer|pair) /.test(of))
    return state === 'draining' && (drain?.done ?? streams.inbound + streams.outbound + queued.stanzas === 0)
  }
  // One that is not listed had nothing to finish, unless there are more than are listed.
  return want !== 'drain' && want !== 'stop' || (drains.find(({ scope: of }) => of === scopeText(scope))?.done ?? drains.length < MOST_DRAINS)
}

function missing (name: string): Error {
  return refusal('not-found', `There is no Gateway resource '${name}', though one tells of itself under that name; create it first with PUT /v1/gateways/${name}.`)
}
