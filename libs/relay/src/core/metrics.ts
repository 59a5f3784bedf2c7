/** The core's numbers as metrics (gateways.md 5.10), made once a second of what is counted up with stanzas. Labels come from closed or configured sets alone (R7). */
import { OUTCOMES } from '@dialtone/contracts'
import { defineCounter, defineGauge, type Labels, type Meter, type Metric } from '@dialtone/kernel'
import { faults } from '../faults.ts'
import type { Core } from './core.ts'
import { queueSeconds, relaySeconds } from './durations.ts'

export const accepted = defineCounter('dialtone_gateway_stanzas_accepted_total', 'Stanzas that were accepted: at every moment the sum of the outcomes, of those that wait, and of those on streams that are open.')
export const outcomes = defineCounter('dialtone_gateway_stanzas_total', 'Stanzas by how they ended; each in exactly one outcome.', ['outcome'])
export const retried = defineCounter('dialtone_gateway_stanzas_retried_total', 'Stanzas that were not acknowledged and are sent once more (XEP-0198): the only ones that may arrive twice.')
export const onStream = defineGauge('dialtone_gateway_stanzas_on_stream', 'Stanzas that were written to streams that are still open, and are not acknowledged.')
export const spelling = defineCounter('dialtone_gateway_stanzas_spelled_total', 'Stanzas by whether they left as they came, being spelled as the gateway spells them, or were read and written anew.', ['how'])
export const bytes = defineCounter('dialtone_gateway_stanza_bytes_total', 'Bytes of stanzas that were written to streams.')
export const refusals = defineCounter('dialtone_gateway_bounces_total', 'Stanzas that were returned to their senders, by reason.', ['reason'])
export const own = defineCounter('dialtone_gateway_own_stanzas_total', 'Errors and answers that the gateway made: sent, or lost because there was no way back.', ['outcome'])
export const paused = defineCounter('dialtone_gateway_paused_total', 'Times that a stream was not read any more, because its stanzas do not leave (route) or come too fast (rate).', ['because'])
export const bounds = defineCounter('dialtone_gateway_bounds_total', 'Times that a bound of the whole gateway was reached.', ['bound'])
export const shadowed = defineCounter('dialtone_gateway_shadowed_total', 'Stanzas that a policy would have denied and only counted.')
export const decisions = defineCounter('dialtone_gateway_policy_decisions_total', 'What was decided about a pair of domains on a stream, once for each configuration: by what is done, and by whether a rule would have denied it and only counts.', ['action', 'shadow'])
export const policyEnds = defineGauge('dialtone_gateway_policy_ends_seconds', 'Until the next policy ends by itself; absent where none does.')
export const attempts = defineCounter('dialtone_gateway_route_attempts_total', 'Attempts to bring a route to a stream, by how they ended: ready, or the reason.', ['outcome'])
export const queueStanzas = defineGauge('dialtone_gateway_queue_stanzas', 'Stanzas that wait.')
export const queueBytes = defineGauge('dialtone_gateway_queue_bytes', 'Bytes of stanzas that wait.')
export const queueOldest = defineGauge('dialtone_gateway_queue_oldest_seconds', 'How long the stanza has waited that has waited longest.')
export const routes = defineGauge('dialtone_gateway_routes', 'Routes by state.', ['state'])
export const peerQueued = defineGauge('dialtone_gateway_peer_queue_stanzas', 'Stanzas that wait for a configured peer.', ['peer'])

export const CORE_METRICS = [accepted, outcomes, retried, onStream, spelling, bytes, refusals, own, paused, bounds, shadowed, decisions, policyEnds, queueSeconds, relaySeconds, attempts, faults, queueStanzas, queueBytes, queueOldest, routes, peerQueued]

const STATES = ['idle', 'connecting', 'ready', 'waiting', 'held', 'draining', 'blocked'] as const

/** Returns what is to be called once a second. */
export function measuring (core: Core, meter: Meter): () => void {
  const { context } = core
  const { ledger, tally } = context
  const last = new Map<string, number>()
  let peers = new Set<string>()
  let hadEnd = false
  const upTo = (metric: Metric, labels: Labels, value: number) => {
    const key = `${metric.name} ${Object.values(labels).join(' ')}`
    const by = value - (last.get(key) ?? 0)
    if (by === 0 && last.has(key)) return
    last.set(key, value)
    meter.add(metric, labels, by)
  }
  return () => {
    upTo(accepted, {}, ledger.accepted)
    for (const outcome of OUTCOMES) upTo(outcomes, { outcome }, ledger.outcomes[outcome])
    upTo(retried, {}, ledger.retried)
    meter.set(onStream, {}, ledger.onStream)
    upTo(spelling, { how: 'as-they-came' }, tally.asTheyCame)
    upTo(spelling, { how: 'anew' }, tally.rewritten)
    upTo(bytes, {}, tally.bytes)
    for (const [reason, count] of tally.refused) upTo(refusals, { reason }, count)
    upTo(own, { outcome: 'sent' }, tally.bouncesSent)
    upTo(own, { outcome: 'lost' }, tally.bouncesLost)
    upTo(paused, { because: 'route' }, tally.pausedByRoute)
    upTo(paused, { because: 'rate' }, tally.pausedByRate)
    upTo(bounds, { bound: 'routes' }, tally.routesFull)
    upTo(bounds, { bound: 'pairs' }, tally.pairsFull)
    upTo(shadowed, {}, tally.shadowed)
    for (const [outcome, count] of tally.attempts) upTo(attempts, { outcome }, count)
    for (const [what, count] of tally.decisions) {
      const [action = '', shadow = ''] = what.split(' ')
      upTo(decisions, { action, shadow }, count)
    }
    const ends = nextEnd(core)
    if (ends !== undefined) meter.set(policyEnds, {}, ends)
    else if (hadEnd) meter.remove(policyEnds, {})
    hadEnd = ends !== undefined
    upTo(faults, {}, tally.faults)
    const { byState, oldestMs, byPeer } = survey(core)
    meter.set(queueStanzas, {}, ledger.queued)
    meter.set(queueBytes, {}, context.queuedBytes)
    meter.set(queueOldest, {}, oldestMs / 1000)
    for (const state of STATES) meter.set(routes, { state }, byState.get(state) ?? 0)
    for (const [peer, waiting] of byPeer) meter.set(peerQueued, { peer }, waiting)
    for (const peer of peers) if (!byPeer.has(peer)) meter.remove(peerQueued, { peer })
    peers = new Set(byPeer.keys())
  }
}

/** Seconds until the next of the policies ends by itself. */
function nextEnd ({ context: { world, clock } }: Core): number | undefined {
  const now = clock.now()
  let next = Infinity
  for (const { until } of Object.values(world().assignment.policies)) {
    const at = until === undefined ? NaN : Date.parse(until)
    if (at > now) next = Math.min(next, at)
  }
  return next === Infinity ? undefined : (next - now) / 1000
}

/** One look at all routes. `byPeer`: of configured ones. */
export function survey (core: Core): { byState: ReadonlyMap<string, number>, oldestMs: number, byPeer: ReadonlyMap<string, number> } {
  const { context } = core
  const world = context.world()
  const byState = new Map<string, number>()
  const byPeer = new Map<string, number>(Object.keys(world.assignment.peers).map(peer => [peer, 0]))
  let oldestMs = 0
  for (const route of core.routes.values()) {
    const state = route.state()
    byState.set(state, (byState.get(state) ?? 0) + 1)
    if (route.queue.stanzas === 0) continue
    oldestMs = Math.max(oldestMs, context.coarse - (route.queue.oldest ?? context.coarse))
    const peer = route.rules.side === 'external' ? route.pair.to : route.pair.from
    const had = byPeer.get(peer)
    if (had !== undefined) byPeer.set(peer, had + route.queue.stanzas)
  }
  return { byState, oldestMs, byPeer }
}
