/** A gateway as operators see it, of what is wanted of it and what it tells of itself. Pure. */
import type { Conservation, GatewayPresence, GatewayView, Resource } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { differingSays, type Differing } from './shared-secrets.ts'

/** Undefined: there is none of that name, neither wanted nor running. */
export function gatewayView (gateway: string, wanted: Resource<'Gateway'> | undefined, presence: GatewayPresence | undefined, differing: Differing[] = []): GatewayView | undefined {
  if (wanted === undefined && presence === undefined) return undefined
  const zones = zonesOf(wanted, presence)
  return {
    gateway, ...(wanted === undefined ? {} : { desired: wanted.spec.desired, revision: wanted.revision }),
    state: presence?.state ?? 'absent', healthy: presence?.healthy ?? false,
    says: sentenceOf(wanted, presence, differing, zones),
    ...(zones.length === 0 ? {} : { zones }),
    ...(differing.length === 0 ? {} : { secretsDiffer: differing }),
    ...(presence === undefined ? {} : { conservation: conservationOf(presence.stanzas), presence }),
  }
}

type Zones = NonNullable<GatewayView['zones']>

function zonesOf (wanted: Resource<'Gateway'> | undefined, presence: GatewayPresence | undefined): Zones {
  return (wanted?.spec.zones ?? []).flatMap(({ name: zone, desired = 'running' }) => {
    const says = zoneSays(zone, desired, wanted, presence)
    return desired === 'running' && says === undefined ? [] : [{ zone, desired, says: says ?? 'it is so' }]
  })
}

/** Undefined: it runs, and that is wanted. What a zone is tells its drain, and whether its sockets are open. */
function zoneSays (zone: string, desired: Zones[number]['desired'], wanted: Resource<'Gateway'> | undefined, presence: GatewayPresence | undefined): string | undefined {
  if (presence === undefined) return desired === 'running' ? undefined : 'the gateway is not there, and does it when it is back'
  const drain = presence.drains.find(({ scope }) => scope === `zone ${zone}`)
  const own = presence.listeners.filter(one => one.zone === zone)
  const closed = own.filter(({ open }) => !open).length
  if (presence.revision < (wanted?.revision ?? 0)) return desired === 'running' && drain === undefined ? undefined : 'the gateway has not heard of it yet'
  if (drain?.done === false) return `it drains until ${drain.deadline}: ${drain.streams} streams and ${drain.queued} stanzas that wait are left`
  if (desired !== 'running') return drain?.done === true ? 'it has drained, and takes nothing' : undefined
  return closed === 0 || presence.state !== 'running' ? undefined : `${closed} of its ${own.length} listeners are closed`
}

/** Whether every accepted stanza is accounted for. */
export function conservationOf ({ accepted, outcomes, queued, onStream }: Conservation): NonNullable<GatewayView['conservation']> {
  const accounted = Object.values(outcomes).reduce((sum, count) => sum + count, 0) + queued + onStream
  return { accepted, accounted, holds: accepted === accounted }
}

function sentenceOf (wanted: Resource<'Gateway'> | undefined, presence: GatewayPresence | undefined, [differs]: Differing[], [zone]: Zones): string {
  if (presence === undefined) return `nobody tells of itself under this name: start the gateway, or see in its log whether it reaches the bus; what is wanted of it (${wanted?.spec.desired}) is done when it is back`
  const { findings, state, streams, queued, drains, revision } = presence
  const worst = findings.find(({ unhealthy }) => unhealthy)
  if (worst !== undefined) return quoted(`${worst.what}: ${worst.says}`, 500)
  if (wanted === undefined) return 'it runs, and there is no Gateway resource of this name: it carries on from what it last knew'
  const left = `${streams.inbound + streams.outbound} streams and ${queued.stanzas} stanzas that wait are left`
  const drain = drains.find(({ done }) => !done)
  if (drain !== undefined) return `${quoted(drain.scope, 300)} drains until ${drain.deadline}: ${drain.streams} streams and ${drain.queued} stanzas that wait are left`
  if (state === 'draining') return `it drains: ${left}`
  if (revision < wanted.revision) return `it works by revision ${revision} of the configuration; what was written in ${wanted.revision} has not reached it yet`
  if (state === 'stopped' && wanted.spec.desired === 'draining') return `it has drained, as is wanted, and takes nothing; to have it carry again: dialtone gateway start ${wanted.name}`
  if (state !== wanted.spec.desired) return `it is ${state}, and is wanted ${wanted.spec.desired}`
  if (zone !== undefined) return quoted(`zone ${zone.zone} is wanted ${zone.desired}: ${zone.says}`, 500)
  if (differs !== undefined) return quoted(differingSays(differs), 500)
  const finding = findings[0]
  if (finding !== undefined) return quoted(`${finding.what}: ${finding.says}`, 500)
  return state === 'stopped' ? 'it is stopped, as is wanted' : `${streams.inbound} streams in, ${streams.outbound} out; ${queued.stanzas === 0 ? 'nothing waits' : `${queued.stanzas} stanzas wait, the oldest for ${Math.round(queued.oldestSeconds)} s`}`
}
