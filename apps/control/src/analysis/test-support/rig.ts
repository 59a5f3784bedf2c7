// A control instance of tests: an embedded bus, a clock that is turned by hand, a configuration, and observations that say what a case is about.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import {
  STARTTLS_LADDER, domainTokens, type Bus, type ConfigurationChange, type ConfigurationView, type Delivery, type EndpointObservation, type Failure, type Job, type Kind, type Lease, type Observation, type ObservationRecorded, type Resource, type Specs,
} from '@dialtone/contracts'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER, type Clock, type Labels, type Meter } from '@dialtone/kernel'
import { vi } from 'vitest'

export const OURS = 'ours.example'
export const PEER = 'partner.example'
export const T0 = Date.parse('2026-01-01T00:00:00Z')

export type HandClock = Clock & { pass: (seconds: number) => void }

export function handClock (): HandClock {
  let now = T0
  return { now: () => now, elapsed: () => performance.now() + now - T0, pass: seconds => { now += seconds * 1000 } }
}

export function memoryBus (clock: Clock): Bus {
  return createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER, clock })
}

export function folder (): { path: (name: string) => string, remove: () => void } {
  const at = mkdtempSync(join(tmpdir(), 'dialtone-analysis-'))
  return { path: name => join(at, name), remove: () => rmSync(at, { recursive: true, force: true }) }
}

export type HandConfiguration = ConfigurationView & { put: <K extends Kind>(kind: K, name: string, spec: Specs[K], updatedAt?: number) => void, remove: (kind: Kind, name: string) => void }

/** One domain of ours, one peer, one vantage inside and two outside. */
export function usualConfiguration (): HandConfiguration {
  const resources = new Map<string, Resource>()
  const hearers = new Set<(changes: readonly ConfigurationChange[], revision: number) => void>()
  let revision = 0
  const change = (changes: ConfigurationChange[]) => { for (const hear of hearers) hear(changes, revision) }
  const view: HandConfiguration = {
    get revision () { return revision },
    all: kind => [...resources.values()].filter(resource => resource.kind === kind).toSorted((a, b) => a.name < b.name ? -1 : 1) as never,
    get: (kind, name) => resources.get(`${kind} ${name}`) as never,
    onChange: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    put: (kind, name, spec, updatedAt = T0) => {
      const before = resources.get(`${kind} ${name}`)
      const after = { kind, name, spec, revision: ++revision, updatedAt: new Date(updatedAt).toISOString(), updatedBy: 'test' } as unknown as Resource
      resources.set(`${kind} ${name}`, after)
      change([{ kind, name, after, ...(before === undefined ? {} : { before }) }])
    },
    remove: (kind, name) => {
      const before = resources.get(`${kind} ${name}`)
      resources.delete(`${kind} ${name}`)
      revision++
      change([{ kind, name, ...(before === undefined ? {} : { before }) }])
    },
  }
  view.put('Domain', OURS, {})
  view.put('Peer', PEER, {})
  view.put('Vantage', 'inside', { side: 'inside' })
  view.put('Vantage', 'north', { side: 'outside' })
  view.put('Vantage', 'south', { side: 'outside' })
  return view
}

export type HandLease = Lease & { give: (token: number) => void, take: () => void }

export function handLease (): HandLease {
  const hearers = new Set<(held: boolean) => void>()
  let token = 0
  const tell = () => { for (const hear of hearers) hear(token > 0) }
  return {
    get held () { return token > 0 },
    get token () { return token },
    onChange: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    give: next => { token = next; tell() },
    take: () => { token = 0; tell() },
  }
}

/** Counts of counters, by name and labels. */
export function counts (): Meter & { of: (name: string, labels?: Labels) => number } {
  const all = new Map<string, { name: string, labels: Labels, value: number }>()
  const at = (name: string, labels: Labels) => {
    const key = `${name} ${JSON.stringify(labels)}`
    const found = all.get(key) ?? { name, labels, value: 0 }
    all.set(key, found)
    return found
  }
  return {
    add: (metric, labels = {}, by = 1) => { at(metric.name, labels).value += by },
    set: (metric, labels, value) => { at(metric.name, labels).value = value },
    observe: () => undefined,
    remove: () => undefined,
    of: (name, labels = {}) => [...all.values()].filter(each => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value)).reduce((sum, { value }) => sum + value, 0),
  }
}

export const REFUSED: Failure = { at: 'tcp', why: 'refused' }
export const TIMEOUT: Failure = { at: 'tcp', why: 'timeout' }

type Seen = { vantage?: string, domain?: string, job?: Job, at: number, id: string, fails?: Failure, address?: string, agent?: string, software?: string, aside?: 'uplink', check?: string }

/** What one agent saw: every stage went well, or TCP failed. */
export function seen ({ vantage = 'inside', domain = PEER, job = vantage === 'inside' ? 'peer' : 'control', at, id, fails, address = '192.0.2.1', agent = `${vantage}-1`, aside, check }: Seen): ObservationRecorded {
  const ours = job === 'peer' ? OURS : undefined
  const stopped = fails === undefined ? STARTTLS_LADDER.length : 0
  const header = { id: `s${id}`, from: domain, version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true }
  const features = { starttls: 'required' as const, mechanisms: [], dialback: true, dialbackErrors: true, bidi: false, streamManagement: false, other: [] }
  const endpoint: EndpointObservation = {
    id: `starttls/xmpp.${domain}:5269/${address}`, kind: 'starttls', source: 'srv', target: `xmpp.${domain}`, port: 5269, priority: 0, weight: 5, address, family: 4, received: fails === undefined ? 900 : 0,
    transcript: [{ atMs: 1, direction: 'note', text: `connection of ${id}` }],
    steps: STARTTLS_LADDER.map((stage, index) => ({ stage, outcome: index < stopped ? 'ok' : index === stopped ? 'failed' : 'not-asked', atMs: 1, ms: 1, ...(index === stopped && fails !== undefined ? { failure: fails } : {}) })),
    ...(fails === undefined ? { header, features, headerAgain: header, featuresAgain: { ...features, starttls: 'absent' as const, mechanisms: ['EXTERNAL'] }, tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: domain, clientCertificateRequested: true } } : {}),
  }
  const answer = { resolver: '192.0.2.53:53', transport: 'udp' as const, atMs: 0, ms: 1, authenticated: false, aliases: [], extended: [], outcome: 'answer' as const }
  const observation: Observation = {
    v: 1, domain, vantage, startedAt: new Date(T0 + at * 1000).toISOString(), ms: 5,
    asked: { ...(ours === undefined ? {} : { as: ours }), from: ours ?? 'dialtone.invalid', resolver: '192.0.2.53:53', resolverTrusted: true, controlName: '.', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false },
    dns: [
      { ...answer, name: `_xmpp-server._tcp.${domain}`, type: 'SRV', purpose: 'xmpp-server', records: [{ type: 'SRV', ttl: 60, priority: 0, weight: 5, port: 5269, target: `xmpp.${domain}` }], message: 'a'.repeat(64) },
      { ...answer, name: `xmpp.${domain}`, type: 'A', purpose: 'target', records: [{ type: 'A', ttl: 60, address }] },
    ],
    endpoints: [endpoint], claim: [], certificates: {}, messages: { ['a'.repeat(64)]: Buffer.from(`message of ${id}`).toString('base64') }, leftOut: 0,
  }
  return { v: 1, id: `observation-${id}`, agent, vantage, target: `${job}:${domain}${ours === undefined ? '' : `:${ours}`}`, job, ...(ours === undefined ? {} : { ours }), ...(aside === undefined ? {} : { aside }), ...(check === undefined ? {} : { check }), observation }
}

export async function publish (bus: Bus, ...records: readonly ObservationRecorded[]): Promise<void> {
  for (const record of records) await bus.publish(ObservationEvent, [record.vantage, ...domainTokens(record.observation.domain)], record, { id: record.id })
}

/** As a bus delivers it: taken when it began. */
export function delivery (record: ObservationRecorded, seq: number, at = Date.parse(record.observation.startedAt)): Delivery<ObservationRecorded> {
  return { body: record, id: record.id, key: [record.vantage, ...domainTokens(record.observation.domain)], seq, at: new Date(at).toISOString() }
}

/** Waits until it holds; the error of the last attempt if it never does. */
export function eventually (check: () => void | Promise<void>, timeout = 20_000): Promise<void> {
  return vi.waitFor(check, { timeout, interval: 10 })
}
