/**
 * Control: holds the configuration, judges what is observed, answers. Wires its parts to a bus, and takes them down in the order in which nothing is
 * lost: first who asks, then what answers, then what writes.
 */
import { randomBytes } from 'node:crypto'
import type { ApplyRequest, Bus } from '@dialtone/contracts'
import { TellTime } from '@dialtone/contracts/schemas'
import { OperatorError, type Clock, type Logger, type Stoppable } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { openStore } from '@dialtone/store'
import type { Telemetry } from '@dialtone/telemetry'
import { createAccess } from './access/access.ts'
import { accessRoutes } from './access/routes.ts'
import { createFitness, startAnalysis, started, verdictFamilies, type AnalysisReadings } from './analysis/index.ts'
import { startAssigner } from './assign/assigner.ts'
import { createAudit } from './audit/audit.ts'
import { createChecks } from './commands/checks.ts'
import { editor } from './commands/edit.ts'
import type { CommandNeeds } from './commands/needs.ts'
import { targetsOfConfiguration } from './commands/targets.ts'
import { startConfiguration } from './configuration/store.ts'
import { createApi } from './http/api.ts'
import type { ControlConfig } from './http/config.ts'
import type { Readiness } from './http/health.ts'
import { underWay } from './http/under-way.ts'
import { listen } from './http/waiting.ts'
import { startLease } from './lease.ts'
import { HUB_LIMITS, createHub } from './live/hub.ts'
import { fleetFamilies } from './live/fleet-families.ts'
import { watchGateways } from './live/gateways.ts'
import { watchPresence } from './live/presence.ts'
import { parseApply } from './resources/bodies.ts'
import { Refusal } from './resources/problem.ts'
import { resourceRoutes } from './resources/routes.ts'
import { writeAs } from './resources/write.ts'
import { VERSION } from './version.ts'

/** `telemetry`: of the process; several apps of one process share it. `beforeListening`: frees the address, where something answers there meanwhile. */
export type ControlNeeds = { config: ControlConfig, bus: Bus, telemetry: Telemetry, logger: Logger, clock?: Clock, beforeListening?: () => Promise<void> }

/** `url`: where it listens. `firstToken`: of the very first start of a fleet alone, an admin token that is never shown again. */
export type Control = Stoppable & {
  url: string
  firstToken?: string
  /**
   * For who runs control in a process of its own making: all of it or nothing, on record as `by`, which no token stands for. Resolves to the revision of the
   * configuration; throws an OperatorError `configuration` where it is refused.
   */
  apply: (by: string, request: ApplyRequest) => Promise<number>
  /** Resolves when the vantages have been told what is configured now, where this instance tells them. */
  assigned: () => Promise<void>
}

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
/** How often live readers are told the numbers of the fleet, where they changed. */
const SUMMARY_MS = 1000
/** Requests that are under way are waited for so long. */
const GRACE_MS = 5000

/** Resolves when it can be asked. Throws an OperatorError where the configuration, the store or the address cannot be used; then nothing is left running. */
export async function start ({ config, bus, telemetry, logger, clock = SYSTEM, beforeListening }: ControlNeeds): Promise<Control> {
  const { meter } = telemetry
  meter.set(started, {}, clock.now() / 1000)
  /** What was begun last ends first. */
  const stops: (() => unknown)[] = []
  const begun = <T extends { stop: () => unknown }>(part: T): T => {
    stops.unshift(() => part.stop())
    return part
  }
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0)) {
      try {
        await each()
      } catch (error) {
        logger.error({ error }, 'a part did not stop as it should')
      }
    }
  }

  try {
    const epoch = randomBytes(6).toString('hex')
    const instance = `${config.instance}-${epoch}`
    const shared = { bus, clock, meter, logger }
    const store = openStore({ file: config.store, clock })
    stops.unshift(() => store.close())
    const audit = begun(createAudit(shared))
    const access = begun(await createAccess({ ...shared, random: RANDOM, audit }))
    const configuration = begun(await startConfiguration(shared))
    const fitness = createFitness(clock)
    const lease = begun(await startLease({ bus, instance, clock, logger, unfit: () => fitness.unfit }))
    const { readings, reset } = begun(await startAnalysis({ ...shared, store, configuration, lease, fitness, instance }))
    const assigner = begun(startAssigner({ ...shared, configuration, lease }))
    begun(await bus.serve(TellTime, ['clock'], async () => ({ at: new Date(clock.now()).toISOString() }), { shared: true }))

    const hub = begun(createHub({ epoch, seq: () => readings.seq, clock, meter, limits: { ...HUB_LIMITS, clients: config.limits.streams } }))
    const tell: CommandNeeds['tell'] = event => hub.tell(event, readings.seq)
    stops.unshift(readings.onEvent(hub.tell), configuration.onChange(changes => {
      for (const { kind, name, after } of changes) tell({ on: 'resource.changed', kind, name, revision: after?.revision ?? configuration.revision, gone: after === undefined })
    }), tellSummary(readings, () => hub.size > 0, tell))
    const presence = begun(await watchPresence(bus, tell))
    const gateways = begun(await watchGateways({ ...shared, configuration, tell }))
    for (const { metric, values } of [...verdictFamilies(readings, () => configuration.all('Vantage').some(({ spec }) => spec.side === 'outside')), ...fleetFamilies({ configuration, presence, gateways, clock })]) stops.unshift(telemetry.family(metric, values))

    const commands: CommandNeeds = { ...shared, readings, reset, configuration, presence, gateways, audit, tell, edit: editor({ configuration, audit }), targetsOf: targetsOfConfiguration(configuration), limits: config.limits, id: () => randomBytes(12).toString('hex') }
    const checks = begun(await createChecks(commands))
    const readiness = (): Readiness[] => {
      const { behind } = readings.summary()
      const { unfit } = fitness
      return [
        { name: 'bus', ok: bus.connected, needed: false, says: bus.connected ? 'reached' : 'away: what is known is answered, nothing can be written' },
        { name: 'lease', ok: lease.held, needed: false, says: lease.held ? 'this instance announces and assigns' : 'another instance announces and assigns, or none yet' },
        { name: 'analysis', ok: behind === 0 && unfit === undefined, needed: unfit !== undefined, says: unfit ?? `${behind} observations wait to be judged` },
      ]
    }
    const { app, stopping } = await createApi({
      config, tokens: access, commands, checks, hub, meter, logger, clock,
      queries: { readings: withExpiries(readings), configuration, presence, gateways, bus, clock, epoch, about: { name: config.name, version: VERSION } },
      health: { readiness, exposition: telemetry },
      others: [server => server.register(accessRoutes, { access, audit }), server => server.register(resourceRoutes, { configuration, audit, clock, readings, gateways })],
    })
    const idle = underWay(app.server)
    await beforeListening?.()
    const url = await listen(app, config)
    logger.info({ url, instance, version: VERSION }, 'control answers')
    stops.unshift(async () => {
      stopping()
      hub.stop()
      // Who waits for a check is told how far it is.
      await checks.stop()
      const late = setTimeout(() => app.server.closeAllConnections(), GRACE_MS)
      const closed = app.close()
      await Promise.race([closed, idle().then(() => app.server.closeAllConnections())])
      await closed
      clearTimeout(late)
      logger.info({ instance }, 'control has stopped answering')
    })
    const apply: Control['apply'] = async (by, request) => {
      const { apply: { reason, ticket }, edits } = await parseApply(request).catch(refused)
      const who = { actor: by, role: 'system', ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }) }
      return (await writeAs({ configuration, audit }, who, { action: 'apply', subject: 'configuration' }, edits).catch(refused)).revision
    }
    return { url, stop, apply, assigned: assigner.settled, ...(access.firstToken === undefined ? {} : { firstToken: access.firstToken }) }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Tells the numbers of the fleet where somebody listens and they may have changed. Answers what ends it. */
function tellSummary (readings: AnalysisReadings, wanted: () => boolean, tell: CommandNeeds['tell']): () => void {
  let told = -1
  const timer = setInterval(() => {
    if (!wanted() || told === readings.seq) return
    told = readings.seq
    tell({ on: 'summary', summary: readings.summary() })
  }, SUMMARY_MS).unref()
  return () => clearInterval(timer)
}

/** The analysis keeps beside each subject when its first certificate ends. Of a pair that is the peer's. */
function withExpiries (readings: AnalysisReadings): AnalysisReadings {
  return Object.create(readings, {
    expiries: {
      value: (before: string, limit: number) => {
        const until = Date.parse(before)
        const ends = new Map<string, number>()
        for (const { domain, peer, certificateEnd } of readings.subjects()) {
          const shows = peer ?? domain
          if (certificateEnd !== undefined && certificateEnd < until) ends.set(shows, Math.min(certificateEnd, ends.get(shows) ?? Infinity))
        }
        return [...ends].toSorted(([, a], [, b]) => a - b).slice(0, limit).map(([domain, at]) => ({ domain, endsAt: new Date(at).toISOString() }))
      },
    },
  }) as AnalysisReadings
}

function refused (error: unknown): never {
  throw error instanceof Refusal ? new OperatorError('configuration', error.message) : error
}
