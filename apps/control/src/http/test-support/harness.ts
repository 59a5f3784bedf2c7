/** The whole API over a real embedded bus, with real tokens, audit and configuration, and readings that are plain data. */
import { randomBytes, randomUUID } from 'node:crypto'
import { createEmbeddedBus } from '@dialtone/bus'
import type { AgentPresence, AuditEntry, Bus, Role, Target } from '@dialtone/contracts'
import { AuditEvent, PresenceDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER, type Meter } from '@dialtone/kernel'
import { createAccess } from '../../access/access.ts'
import { accessRoutes } from '../../access/routes.ts'
import { resourceRoutes } from '../../resources/routes.ts'
import { createAudit } from '../../audit/audit.ts'
import { createChecks } from '../../commands/checks.ts'
import type { CommandNeeds } from '../../commands/needs.ts'
import { startConfiguration, type ConfigurationStore } from '../../configuration/store.ts'
import { HUB_LIMITS, createHub, type Hub, type HubLimits } from '../../live/hub.ts'
import { watchGateways, type Gateways } from '../../live/gateways.ts'
import { watchPresence } from '../../live/presence.ts'
import type { Presence } from '../../queries/needs.ts'
import { createApi } from '../api.ts'
import { parseControlConfig, type ControlConfig } from '../config.ts'
import { editor } from '../../commands/edit.ts'
import type { App, Server } from '../server.ts'
import { fakeReadings, type FakeReadings } from './readings.ts'

export const CLOCK = { now: () => Date.now(), elapsed: () => performance.now() }

export type Harness = {
  app: App, server: Server, bus: Bus, hub: Hub, presence: Presence, gateways: Gateways, readings: FakeReadings, configuration: ConfigurationStore, audited: AuditEntry[], resets: { domain?: string, peer?: string }[]
  /** Authorization headers by role. */
  as: Record<Role, { authorization: string }>
  removeToken: (role: Role) => Promise<void>
  stop: () => Promise<void>
}

export const VANTAGES = [
  { kind: 'Vantage', name: 'inside', spec: { side: 'inside' } },
  { kind: 'Vantage', name: 'outside', spec: { side: 'outside', network: 'else' } },
  { kind: 'Schedule', name: 'default', spec: {} },
  { kind: 'Domain', name: 'example.org', spec: {} },
  { kind: 'ManagedServer', name: 'xmpp', spec: { vantage: 'inside', domains: ['example.org'], hooks: ['status', 'reload'] } },
] as const

export async function harness ({ limits = {}, hubLimits = {}, meter = NO_METER, askMs, now }: { limits?: Partial<ControlConfig['limits']>, hubLimits?: Partial<HubLimits>, meter?: Meter, askMs?: number, now?: () => number } = {}): Promise<Harness> {
  const clock = now === undefined ? CLOCK : { ...CLOCK, now }
  const random = { bytes: (count: number) => randomBytes(count) }
  const shared = { clock, meter, logger: NO_LOGGER }
  const bus = createEmbeddedBus({ file: ':memory:', meter, logger: NO_LOGGER })
  const audited: AuditEntry[] = []
  const listening = await bus.consume(AuditEvent, { afterSeq: 0 }, async batch => { audited.push(...batch.map(({ body }) => body)) })
  const audit = createAudit({ bus, ...shared })
  const access = await createAccess({ bus, random, audit, ...shared })
  const configuration = await startConfiguration({ bus, ...shared })
  await configuration.change(() => VANTAGES.map(put => ({ put: structuredClone(put) as never })), 'test')
  const readings = fakeReadings()
  const hub = createHub({ epoch: 'e1', seq: () => readings.seq, clock, meter, limits: { ...HUB_LIMITS, ...hubLimits } })
  const stopHearing = readings.onEvent(hub.tell)
  const tell = (event: Parameters<Hub['tell']>[0]) => hub.tell(event, readings.seq)
  const presence = await watchPresence(bus, tell)
  const gateways = await watchGateways({ bus, configuration, tell, ...shared })
  const config = parseControlConfig({ limits: { perTokenPerMinute: 100_000, perAddressPerMinute: 100_000, ...limits } })
  const resets: Harness['resets'] = []
  const reset: CommandNeeds['reset'] = filter => resets.push(filter)
  const commands: CommandNeeds = { bus, readings, reset, configuration, presence, gateways, audit, tell, targetsOf, edit: editor({ configuration, audit }), limits: config.limits, id: randomUUID, ...shared }
  const checks = await createChecks(commands, askMs)
  const server = await createApi({
    config, tokens: access, checks, hub, commands, others: [app => app.register(accessRoutes, { access, audit }), app => app.register(resourceRoutes, { configuration, audit, clock, readings, gateways })], ...shared,
    queries: { readings, configuration, presence, gateways, bus, clock, epoch: 'e1', about: { name: 'test', version: '0.1.0' } },
    health: { readiness: () => [{ name: 'bus', ok: bus.connected, needed: false, says: 'reached' }], exposition: { expose: async function * () { yield '# a\n' }, contentType: 'text/plain; version=0.0.4' } },
  })
  const as = Object.fromEntries(await Promise.all((['viewer', 'operator', 'admin'] as const).map(async role => [role, { authorization: `Bearer ${(await access.create({ name: `t-${role}`, role }, 'test')).token}` }]))) as Harness['as']
  return {
    app: server.app, server, bus, hub, presence, gateways, readings, configuration, audited, resets, as,
    removeToken: async role => { await access.remove(`t-${role}`) },
    stop: async () => {
      stopHearing()
      hub.stop()
      await server.app.close()
      await checks.stop()
      await presence.stop()
      await gateways.stop()
      await configuration.stop()
      await audit.stop()
      await access.stop()
      await listening.stop()
      await bus.stop()
    },
  }
}

export function target (job: Target['job'], domain: string, ours?: string): Target {
  return { id: ours === undefined ? `${job}:${domain}` : `${job}:${domain}:${ours}`, job, domain, ...(ours === undefined ? {} : { ours }), schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: [] }
}

function targetsOf (domain: string, peer?: string): { vantage: string, target: Target }[] {
  if (domain !== 'example.org') return []
  if (peer === undefined) return ['inside', 'outside'].map(vantage => ({ vantage, target: target('own-published', domain) }))
  return [{ vantage: 'inside', target: target('peer', peer, domain) }, { vantage: 'outside', target: target('control', peer) }]
}

/** An agent is there, and is known to be. */
export async function beThere ({ bus, presence }: Pick<Harness, 'bus' | 'presence'>, vantage: string, agent: string, how: Partial<AgentPresence> = {}): Promise<void> {
  const documents = await bus.documents(PresenceDocument, { create: true })
  await documents.put(`agent.${vantage}.${agent}`, {
    v: 1, agent, vantage, version: '0.1.0', startedAt: new Date().toISOString(), at: new Date().toISOString(), state: 'running', findings: [], revision: 1, targets: { mine: 1, all: 1, failing: 0, overdue: 0 },
    spool: { waiting: 0, bytes: 0, dropped: 0 }, eventLoopLagMs: 1, checks: 1, budget: [], listener: { domain: 'probe.example', places: [{ address: '127.0.0.1', port: 5269, kind: 'starttls' }], connections: 0, asked: 0 }, ...how,
  })
  await until(() => presence.get(vantage, agent) !== undefined)
}

/** Waits for a condition; the test's own time-out is the limit. */
export async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => { setTimeout(resolve, 5) })
}
