/** What a test of outgoing streams stands on: an embedded resolver, scripted peers on loopback, one zone, and what is told and counted. */
import type { Endpoint, GatewayAssignment, RouteStep } from '@dialtone/contracts'
import { NO_LOGGER, type Labels, type Metric } from '@dialtone/kernel'
import { DIGEST, RANDOM, createResolver } from '@dialtone/net'
import type { Decision, LegRules } from '@dialtone/routing'
import { keysOf } from '@dialtone/stream'
import { certificateFor, startDnsServer, startPeer, trustedRoot, type Peer, type Rule, type Script, type ZoneRecord } from '@dialtone/zoo'
import type { DialFailure, KeyPair, OutStream, Surroundings, World, Zone } from '../../seams.ts'
import { createDial, type Dialing, type OutboundOptions } from '../dial.ts'

export const OURS = 'ours.example'
export const PEER = 'partner.example'
export const KEYS = keysOf('a secret of more than 128 bits of entropy', DIGEST)

/** Outside, as the defaults are. */
export const LEG: LegRules = { tls: 'required', minTls: '1.2', certificate: 'any', pins: [], dialback: 'over-tls', external: true, withoutDialback: true, bidi: false, streamManagement: true }

const ALLOWED: Decision = { action: 'allow', shadow: false, matched: 'the default', wanted: 'enabled', leg: LEG, limits: { stanzaBytes: 262_144, streams: 8, queueStanzas: 1000, queueBytes: 4_194_304, waitMs: { message: 120_000, iq: 30_000, presence: 60_000, error: 30_000 } } }

export type Rig = {
  zone: Zone
  surroundings: Surroundings
  dial: Dialing
  /** Steps of all dials so far. */
  steps: Omit<RouteStep, 'at' | 'ms'>[]
  told: Parameters<Surroundings['tell']>[0][]
  /** The value of a counter or gauge. */
  count: (name: string, labels?: Labels) => number
  open: (about?: About) => Promise<{ stream: OutStream } | { failed: DialFailure }>
  records: ZoneRecord[]
  rules: Rule[]
  stop: () => Promise<void>
}
export type About = { from?: string, leg?: Partial<LegRules>, hops?: readonly Endpoint[], to?: string, allowNets?: readonly string[], signal?: AbortSignal, lang?: string }

/** One record of either service, and the address of its target: a name of its own for every port. */
export function srv (at: { address: string, port: number }, { service = 'xmpp-server', priority = 10, weight = 0, domain = PEER }: { service?: 'xmpp-server' | 'xmpps-server', priority?: number, weight?: number, domain?: string } = {}): ZoneRecord[] {
  const target = `p${at.port}.${domain}`
  return [{ name: `_${service}._tcp.${domain}`, type: 'SRV', priority, weight, port: at.port, target }, { name: target, type: at.address.includes(':') ? 'AAAA' : 'A', address: at.address }]
}

export async function rig ({ options = {}, certificate = true, own, anchors, idleSeconds, allowNets = ['127.0.0.0/8', '::1/128'], side = 'external' }: {
  options?: OutboundOptions, certificate?: boolean, /** Instead of one of the zoo's. */ own?: KeyPair, /** PEM, instead of the zoo's root. */ anchors?: string, idleSeconds?: number, allowNets?: readonly string[], side?: Zone['side']
} = {}): Promise<Rig> {
  const stopping = new AbortController()
  const records: ZoneRecord[] = []
  const rules: Rule[] = []
  const dns = await startDnsServer({ records, rules }, '127.0.0.1', stopping.signal)
  const made = await certificateFor({ names: { dns: [OURS] } })
  const pair: KeyPair = own ?? { certificate: made.chain, key: made.key }
  const zone: Zone = {
    name: 'outside', side, spec: { name: 'outside', side, listen: [] }, keys: KEYS, secretPrint: '', secretMade: false, certificates: [pair], componentSecret: () => '', certificateFor: domain => certificate && domain === OURS ? pair : undefined,
    anchors: { system: false, given: [anchors ?? await trustedRoot()] }, resolver: createResolver({ address: dns.address, port: dns.port, timeoutMs: 1000, attempts: 1 }), allowNets, leg: LEG,
  }
  const assignment: GatewayAssignment = { v: 1, revision: 1, gateway: 'edge', spec: { desired: 'running', ...(idleSeconds === undefined ? {} : { limits: { idleSeconds } }) }, policies: {}, routes: {}, domains: {}, peers: {} }
  const world: World = { revision: 1, assignment, zones: new Map([[zone.name, zone]]), external: zone, zoneOf: () => undefined, certificateEnds: new Map(), anchorsFor: () => zone.anchors, decide: () => ALLOWED, wayTo: () => undefined, allowNetsFor: () => [] }
  const counts = new Map<string, number>()
  const series = (name: string, labels: Labels) => [name, ...Object.entries(labels).map(([label, value]) => `${label}=${value}`).toSorted((a, b) => a < b ? -1 : 1)].join(' ')
  const keyOf = ({ name }: Metric, labels: Labels = {}) => series(name, labels)
  const told: Rig['told'] = []
  const surroundings: Surroundings = {
    world: () => world, clock: { now: () => Date.now(), elapsed: () => performance.now() }, random: RANDOM, logger: NO_LOGGER, tell: event => { told.push(event) },
    meter: {
      add: (metric, labels, by = 1) => { counts.set(keyOf(metric, labels), (counts.get(keyOf(metric, labels)) ?? 0) + by) }, set: (metric, labels, value) => { counts.set(keyOf(metric, labels), value) },
      observe: (metric, labels) => { counts.set(keyOf(metric, labels), (counts.get(keyOf(metric, labels)) ?? 0) + 1) }, remove: (metric, labels) => { counts.delete(keyOf(metric, labels)) },
    },
  }
  const dial = createDial(surroundings, options)
  const steps: Rig['steps'] = []
  const streams = new Set<OutStream>()
  return {
    zone, surroundings, dial, steps, told, records, rules,
    count: (name, labels = {}) => counts.get(series(name, labels)) ?? 0,
    open: async ({ from = OURS, leg, hops, to = PEER, allowNets: nets = [], signal = stopping.signal, lang } = {}) => {
      const result = await dial({ zone, pair: { from, to }, leg: { ...LEG, ...leg }, ...(hops === undefined ? {} : { hops }), allowNets: nets, ...(lang === undefined ? {} : { lang }), step: step => { steps.push(step) }, signal })
      if ('stream' in result) streams.add(result.stream)
      return result
    },
    stop: async () => {
      for (const stream of streams) stream.close()
      stopping.abort()
      await dns.close()
    },
  }
}

/** A scripted peer for the domain of the tests, unless another is named. */
export async function peer (script: Script, { address = '127.0.0.1', port = 0, domain = PEER }: { address?: string, port?: number, domain?: string } = {}): Promise<Peer> {
  const started = await startPeer(script, { domain, address, port })
  if (started === undefined) throw new Error(`port ${port} of ${address} is taken`)
  return started
}
