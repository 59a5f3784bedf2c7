/**
 * What a command makes of what is wanted of a gateway: of all of it, of one of its zones, of a peer, or of a pair of ours and a peer. Pure. A command that is
 * given twice makes of its own result the same.
 */
import type { GatewaySpec, GatewayWant } from '@dialtone/contracts'
import { unreachable } from '@dialtone/kernel'
import { lintGateways } from '@dialtone/routing'
import { refusal } from '../http/problem.ts'

type Pair = { ours: string, peer: string }
export type Scope = { of: 'gateway' } | { of: 'zone', zone: string } | { of: 'peer', peer: string } | { of: 'pair', pair: Pair }
type PeerWanted = NonNullable<GatewaySpec['peers']>[string]

/** Throws a 400 where more than one is named. */
export function scopeOf ({ zone, peer, pair }: { zone?: string | undefined, peer?: string | undefined, pair?: Pair | undefined }): Scope {
  const named = [zone, peer, pair].filter(each => each !== undefined).length
  if (named > 1) throw refusal('invalid-request', "Name one of 'zone', 'peer' and 'pair', or none for the whole gateway.", { pointer: zone === undefined ? '/pair' : '/zone' })
  if (zone !== undefined) return { of: 'zone', zone }
  if (peer !== undefined) return { of: 'peer', peer }
  return pair === undefined ? { of: 'gateway' } : { of: 'pair', pair }
}

/** As a drain of it is called in the presence of the gateway. */
export function scopeText (scope: Scope): string {
  switch (scope.of) {
    case 'gateway': return 'gateway'
    case 'zone': return `zone ${scope.zone}`
    case 'peer': return `peer ${scope.peer}`
    case 'pair': return `pair ${scope.pair.ours} ${scope.pair.peer}`
    default: return unreachable(scope)
  }
}

/** The spec as it is to be; the same object where it is so already. Throws a Refusal for what cannot be wanted. */
export function wantedOf (spec: GatewaySpec, want: GatewayWant, scope: Scope, deadlineSeconds?: number): GatewaySpec {
  const changed = scope.of === 'gateway' || scope.of === 'zone' ? ofPart(spec, want, scope) : ofPeer(spec, want, scope)
  return deadlineSeconds === undefined || changed.drainSeconds === deadlineSeconds || (want !== 'drain' && want !== 'stop') ? changed : { ...changed, drainSeconds: deadlineSeconds }
}

const PARTS: Partial<Record<GatewayWant, GatewaySpec['desired']>> = { start: 'running', drain: 'draining', stop: 'stopped' }

function ofPart (spec: GatewaySpec, want: GatewayWant, scope: Scope & { of: 'gateway' | 'zone' }): GatewaySpec {
  const desired = PARTS[want]
  if (desired === undefined) throw refusal('invalid-request', `Name a peer or a pair: '${want}' is about one; a whole gateway or a zone is started, drained and stopped.`, { pointer: '/peer' })
  if (scope.of === 'gateway') return spec.desired === desired ? spec : { ...spec, desired }
  const zones = spec.zones ?? []
  const zone = zones.find(({ name }) => name === scope.zone)
  if (zone === undefined) throw refusal('not-found', `There is no zone '${scope.zone}' in this gateway; ${zones.length === 0 ? 'it has none' : `it has ${zones.map(({ name }) => name).join(', ')}`}.`, { pointer: '/zone' })
  return (zone.desired ?? 'running') === desired ? spec : { ...spec, zones: zones.map(each => each === zone ? { ...each, desired } : each) }
}

function ofPeer (spec: GatewaySpec, want: GatewayWant, scope: Scope & { of: 'peer' | 'pair' }): GatewaySpec {
  const { peers = {}, pairs = {} } = spec
  const peer = scope.of === 'peer' ? scope.peer : scope.pair.peer
  const ofThePeer = own(peers, peer) ?? 'enabled'
  if (scope.of === 'peer') {
    const next = afterwards(want, ofThePeer)
    return next === ofThePeer ? spec : withEntries(spec, 'peers', peers, peer, next === 'enabled' ? undefined : next)
  }
  const key = `${scope.pair.ours} ${peer}`
  const now = own(pairs, key) ?? ofThePeer
  const next = afterwards(want, now)
  // What is said of the pair counts more than what is said of its peer, so that it need only be said where it differs.
  return next === now ? spec : withEntries(spec, 'pairs', pairs, key, next === ofThePeer ? undefined : next)
}

/** What is wanted of a peer or pair after a command, of what is wanted now. */
function afterwards (want: GatewayWant, now: PeerWanted): PeerWanted {
  switch (want) {
    case 'start': return 'enabled'
    case 'drain': return 'draining'
    case 'hold': return 'held'
    case 'stop': case 'block': return 'blocked'
    // What it is for another reason stays.
    case 'release': return now === 'held' ? 'enabled' : now
    case 'unblock': return now === 'blocked' ? 'enabled' : now
    default: return unreachable(want)
  }
}

/** Throws a 400 with the linter's sentence where nothing can ever be of this peer or pair: an inside domain is no peer, and ours comes first in a pair. */
export function refuseUnmatched (name: string, spec: GatewaySpec, scope: Scope): void {
  if (scope.of !== 'peer' && scope.of !== 'pair') return
  const pointer = scope.of === 'peer' ? `/spec/peers/${scope.peer}` : `/spec/pairs/${scope.pair.ours} ${scope.pair.peer}`
  const found = [...lintGateways({ gateways: [{ name, spec }], policies: [], routes: [], domains: [], peers: [], complete: false }, 0)].find(one => (one.code === 'peer-is-ours' || one.code === 'no-such-pair') && one.pointer === pointer)
  if (found !== undefined) throw refusal('invalid-request', `${found.says}.`, { pointer: `/${scope.of}` })
}

/** What is to be said of a release or an unblock that changes nothing, since what stops the peer is something else. */
export function staysSo ({ peers = {}, pairs = {} }: GatewaySpec, want: GatewayWant, scope: Scope): string | undefined {
  if ((want !== 'release' && want !== 'unblock') || (scope.of !== 'peer' && scope.of !== 'pair')) return undefined
  const ofThePeer = own(peers, scope.of === 'peer' ? scope.peer : scope.pair.peer) ?? 'enabled'
  const now = scope.of === 'peer' ? ofThePeer : own(pairs, `${scope.pair.ours} ${scope.pair.peer}`) ?? ofThePeer
  if (now === 'enabled') return undefined
  return `it was not ${want === 'release' ? 'held' : 'blocked'}: it is ${now}, and stays so until ${now === 'blocked' ? "'unblock'" : now === 'held' ? "'release'" : "'start'"}`
}

function withEntries (spec: GatewaySpec, field: 'peers' | 'pairs', entries: Record<string, PeerWanted>, key: string, value: PeerWanted | undefined): GatewaySpec {
  const others = Object.entries(entries).filter(([name]) => name !== key)
  const changed = { ...spec, [field]: Object.fromEntries(value === undefined ? others : [...others, [key, value] as const].toSorted(([a], [b]) => a < b ? -1 : 1)) }
  if (others.length === 0 && value === undefined) delete changed[field]
  return changed
}

function own (entries: Record<string, PeerWanted>, key: string): PeerWanted | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined
}
