/**
 * The configuration of the demo fleet. Intervals and time-outs are scaled to what loopback needs, so that the first verdicts are there after seconds: in
 * the field the defaults are right.
 */
import type { DomainSpec, Kind, PeerSpec, ScheduleSpec, Specs, VantageSpec } from '@dialtone/contracts'
import type { Side } from './members.ts'

/** A resource before control has given it a revision. */
export type DemoResource<K extends Kind = Kind> = { [L in K]: { kind: L, name: string, spec: Specs[L] } }[K]

/** Where each side stands on loopback. `files`: `file:` references that its agents can read. */
export type Standing = {
  side: Side
  resolver: { address: string, port: number }
  listener: { domain: string, place: { address: string, port: number } }
  files: { anchor: string, secret: string, certificate: string, key: string }
  fallbackPort: number
}

/** A loaded machine must not look like a slow peer. */
const SLOW_MS = 10_000
const LOOPBACK = ['127.0.0.0/8']

const SCHEDULE: ScheduleSpec = { lightEverySeconds: 5, deepEverySeconds: 30, failingEverySeconds: 3, confirmations: 2, jitter: 0.2, retryWindowSeconds: 10, remindEverySeconds: 3600 }

export function scheduleResource (): DemoResource<'Schedule'> {
  return { kind: 'Schedule', name: 'default', spec: SCHEDULE }
}

export function vantageResource ({ side, resolver, listener, files, fallbackPort }: Standing): DemoResource<'Vantage'> {
  const spec: VantageSpec = {
    side,
    network: side === 'inside' ? 'demo-office' : 'demo-internet',
    families: [4],
    resolver: { ...resolver, trusted: true },
    probeDomain: { domain: listener.domain, secret: files.secret, listen: [{ ...listener.place, kind: 'starttls' }], certificate: files.certificate, key: files.key },
    anchors: { system: false, given: [files.anchor] },
    connectionsPerTargetPerHour: 50_000,
    allowNets: LOOPBACK,
    timeoutsMs: { dns: 1500, tcp: 1500, stream: 2500, tls: 2500, close: 500, answer: 3000 },
    fallbackPort,
    note: 'Of the demo fleet: everything it reaches is on this machine, and its time-outs are short',
  }
  return { kind: 'Vantage', name: side, spec }
}

export function peerResource (domain: string, ours: string, spec: PeerSpec): DemoResource<'Peer'> {
  return { kind: 'Peer', name: domain, spec: { ours: [ours], slowStageMs: SLOW_MS, ...spec } }
}

export function domainResource (domain: string, spec: DomainSpec): DemoResource<'Domain'> {
  return { kind: 'Domain', name: domain, spec: { slowStageMs: SLOW_MS, ...spec } }
}
