// Gateways, their streams and their queues, as tables and sections.
import type { GatewayStatus, GatewayView, QueueView, StreamView } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Colour, Terminal } from '../terminal.ts'
import { sectionsText, type Section } from './describe.ts'
import { sinceOf } from './fleet.ts'
import { table, type Cell } from './table.ts'
import { spanOf } from './watching.ts'

export function gatewayTable (gateways: readonly GatewayView[], now: string, terminal: Terminal): string[] {
  return table(['gateway', 'wanted', 'state', 'in/out', 'waiting', 'oldest', 'seen', 'what'], gateways.map(({ gateway, desired, state, healthy, says, presence, conservation, zones = [] }) => [
    gateway, desired ?? '-', stateCell(state, healthy, desired, terminal), presence === undefined ? '-' : `${presence.streams.inbound}/${presence.streams.outbound}`, presence === undefined ? '-' : String(presence.queued.stanzas),
    presence === undefined || presence.queued.stanzas === 0 ? '-' : seconds(presence.queued.oldestSeconds), presence === undefined ? 'never' : `${sinceOf(presence.at, now)} ago`,
    `${conservation?.holds === false ? `stanzas do not add up (${conservation.accepted} taken, ${conservation.accounted} accounted for); ` : ''}${quoted(says, 400)}${zones.filter(({ zone }) => !says.startsWith(`zone ${zone} `)).map(({ zone, desired: of, says: how }) => `; zone ${zone} is wanted ${of}: ${quoted(how, 200)}`).join('')}`,
  ]), terminal)
}

export function streamTable (streams: readonly StreamView[], now: string, terminal: Terminal): string[] {
  return table(['stream', 'zone', 'way', 'state', 'remote', 'stanzas', 'open for', 'carries'], streams.map(({ id, zone, direction, state, remote, pairs, stanzas, since, tls, paused }) => [
    quoted(id, 64), zone, direction === 'inbound' ? 'in' : 'out', `${quoted(state, 40)}${paused ? ', paused' : ''}`, quoted(remote, 100), `${stanzas.in}/${stanzas.out}`, sinceOf(since, now),
    `${pairs.length === 0 ? 'nobody yet' : pairs.map(({ from, to, by }) => `${quoted(from, 253)} ${terminal.shapes.line}${terminal.shapes.to} ${quoted(to, 253)} (${by})`).join(', ')}; ${tls === undefined ? 'no TLS' : quoted(tls, 40)}`,
  ]), terminal)
}

export function queueTable (queues: readonly QueueView[], terminal: Terminal): string[] {
  return table(['from', 'to', 'state', 'stanzas', 'bytes', 'oldest', 'why'], queues.map(({ from, to, zone, state, stanzas, bytes, oldestSeconds, nextAttemptSeconds, failure }) => [
    quoted(from, 253), quoted(to, 253), state, String(stanzas), String(bytes), stanzas === 0 ? '-' : seconds(oldestSeconds),
    [...(failure === undefined ? [] : [`${failure.reason}: ${quoted(failure.says, 300)}`]), ...(nextAttemptSeconds === undefined ? [] : [`again in ${seconds(nextAttemptSeconds)}`]), `zone ${zone}`].join('; '),
  ]), terminal)
}

export function gatewayText ({ asOf, gateway, desired, state, healthy, says, presence, conservation, revision, zones = [] }: GatewayStatus, terminal: Terminal): string {
  const sections: Section[] = [
    ['Gateway', [gateway]],
    ['State', [`${state}${state === 'absent' ? '' : healthy ? ', well' : ', not well'} as of ${asOf}${presence === undefined ? '' : `, it told ${sinceOf(presence.at, asOf)} ago`}`, quoted(says, 600)]],
    ['Wanted', [desired === undefined ? 'nothing: no Gateway resource has this name' : `${desired}, as written in revision ${revision}`]],
    ['Zones', zones.map(({ zone, desired: of, says: how }) => `${zone} is wanted ${of}: ${quoted(how, 300)}`)],
  ]
  if (presence === undefined) return sectionsText(sections, terminal)
  const { version, startedAt, findings, listeners, streams, stanzas, queued, drains, certificates } = presence
  return sectionsText([
    ...sections,
    ['Findings', findings.map(({ what, unhealthy, says: said }) => `${what}${unhealthy ? ' (not well)' : ''}: ${quoted(said, 400)}`)],
    ['Runs', [`version ${quoted(version, 64)} for ${sinceOf(startedAt, asOf)}, by revision ${presence.revision} of the configuration`]],
    ['Listens', listeners.map(({ zone, address, port, kind, open }) => `${zone}  ${address.includes(':') ? `[${address}]` : address}:${port} ${kind}${open ? '' : ', closed'}`)],
    ['Streams', [`${streams.inbound} in, ${streams.outbound} out, ${streams.negotiating} not ready yet`]],
    ['Waiting', [queued.stanzas === 0 ? 'nothing' : `${queued.stanzas} stanzas of ${queued.bytes} bytes, the oldest for ${seconds(queued.oldestSeconds)}`]],
    ['Stanzas', [`${stanzas.accepted} taken: ${Object.entries(stanzas.outcomes).map(([outcome, count]) => `${count} ${outcome}`).join(', ')}, ${stanzas.queued} waiting, ${stanzas.onStream} on streams`, ...(conservation === undefined ? [] : [conservationLine(conservation)]), `${stanzas.retried} tried again`]],
    ['Drains', drains.map(({ scope, since, deadline, streams: left, queued: waiting, done }) => `${quoted(scope, 600)} since ${since}: ${done ? 'done' : `${left} streams and ${waiting} stanzas left, until ${deadline}`}`)],
    ['Certificates', Object.entries(certificates).map(([name, ends]) => `${name} ends ${ends}`)],
  ], terminal)
}

/** Whether every stanza is accounted for. */
export function conservationLine ({ accepted, accounted, holds }: NonNullable<GatewayView['conservation']>): string {
  return holds ? `it adds up: ${accepted} taken = ${accounted} accounted for` : `it does not add up: ${accepted} taken, ${accounted} accounted for`
}

function stateCell (state: GatewayView['state'], healthy: boolean, desired: GatewayView['desired'], { paint }: Terminal): Cell {
  const text = healthy || state === 'absent' ? state : `${state}, not well`
  const colour: Colour = !healthy ? 'red' : state === desired ? 'green' : 'yellow'
  return { text, painted: paint(colour, text) }
}

function seconds (of: number): string {
  return spanOf(Math.max(0, of) * 1000)
}
