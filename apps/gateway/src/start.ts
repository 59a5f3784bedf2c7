/** The gateway: the engine, what it has to do in, how it is and what it saw out. Without bus and control it carries on from its last good configuration. */
import { mkdir } from 'node:fs/promises'
import { servedForEver } from '@dialtone/bus'
import type { Bus, GatewayPresence } from '@dialtone/contracts'
import { ExplainRoute, GatewayAct, GatewayQueues, GatewayStreams } from '@dialtone/contracts/schemas'
import { readSecret } from '@dialtone/host'
import { OperatorError, type Clock, type Logger, type Stoppable } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { RELAY_METRICS, createRelay, type Relay, type RelayOptions } from '@dialtone/relay'
import { serveHttp, type Telemetry } from '@dialtone/telemetry'
import { watchAssigned } from './configuration/assigned.ts'
import { readConfig, type GatewayConfig } from './configuration/config.ts'
import { GATEWAY_METRICS, configurationGood } from './metrics.ts'
import { reportEvents } from './reporting/events.ts'
import { reportFacts } from './reporting/facts.ts'
import { reportPresence } from './reporting/presence.ts'

export type StartOptions = {
  config: GatewayConfig
  /** Absent: it works by the file of its configuration, and reports to nobody. */
  bus?: Bus
  telemetry: Telemetry
  logger: Logger
  clock?: Clock
  /** Where `env:` and `credential:` secrets are found. */
  environment?: NodeJS.ProcessEnv
  /** For tests of the process alone. */
  engine?: (options: RelayOptions) => Relay
}

/** `url`: where it is served over HTTP, with the port that the system chose. */
export type Gateway = {
  readonly url?: string
  readonly relay: Relay
  /** Reads the file of the configuration and what is behind its references again. */
  reload: () => Promise<void>
  /** Drains, unless `at` aborts, then ends. */
  stop: (at?: AbortSignal) => Promise<void>
}

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
export const VERSION = '0.1.0'
/** The same for all gateways, whose secrets are compared. */
const SALT = 'gateways'

/** Rejects with an OperatorError when the configuration, the state directory or a named file cannot be used, or HTTP cannot be served. The bus may be away. */
export async function start ({ config: given, bus, telemetry, logger, clock = SYSTEM, environment = process.env, engine = createRelay }: StartOptions): Promise<Gateway> {
  const config = readConfig(given)
  const { gateway, stateDirectory: directory } = config
  const { meter } = telemetry
  const startedAt = new Date(clock.now()).toISOString()
  const stops: (() => Promise<void> | void)[] = []
  const begun = <T extends Stoppable>(part: T): T => {
    stops.push(part.stop)
    return part
  }
  /** In the reverse order of starting; one that complains does not keep the others. */
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) {
      try { await each() } catch (error) { logger.error({ error: String(error) }, 'a part of the gateway did not end well') }
    }
  }
  let leave: AbortSignal | undefined
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw new OperatorError('state-directory', `the state directory ${directory} cannot be made (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}): name another, or let the gateway write there`)
    })
    telemetry.register([...GATEWAY_METRICS, ...RELAY_METRICS])
    const facts = bus === undefined ? () => undefined : begun(reportFacts({ bus, meter, logger })).put
    const tell: RelayOptions['tell'] = bus === undefined ? () => undefined : reportEvents({ bus, gateway, clock, meter })
    const relay = engine({ gateway, readSecret: reference => readSecret(reference, environment), facts, tell, salt: SALT, clock, random: RANDOM, meter, logger })
    stops.push(() => relay.stop(leave))

    let say = (): void => undefined
    const assigned = begun(await watchAssigned({
      gateway, directory, meter, logger, take: relay.configure,
      changed: problem => {
        meter.set(configurationGood, {}, problem === undefined ? 1 : 0)
        if (problem !== undefined) tell({ on: 'configuration', says: `refused, and the one before stays: ${problem}`.slice(0, 400) })
        say()
      },
      ...(config.assignmentFile === undefined ? {} : { file: config.assignmentFile }), ...(bus === undefined ? {} : { bus }),
    }))

    if (bus !== undefined) {
      const own = (): GatewayPresence => ownPresence({ gateway, startedAt, at: new Date(clock.now()).toISOString(), relay, problem: assigned.problem })
      const presence = begun(reportPresence({ bus, gateway, own, logger }))
      say = presence.say
      for (const serve of serving(bus, gateway, relay, assigned.reload)) begun(servedForEver(serve, logger))
    }
    const served = config.http === undefined ? undefined : begun(await serveHttp({
      listen: { port: config.http.port, ...(config.http.address === undefined ? {} : { address: config.http.address }) }, telemetry, logger,
      ready: () => readiness(relay, assigned.current === undefined),
    }))
    logger.info({ gateway, ...(served === undefined ? {} : { url: served.url }) }, 'the gateway runs')
    return {
      relay, reload: assigned.reload, ...(served === undefined ? {} : { url: served.url }),
      stop: async at => {
        leave = at
        await stop()
      },
    }
  } catch (error) {
    leave = AbortSignal.abort()
    await stop()
    throw error
  }
}

/** Whether a load balancer should send peers here: not while it drains. */
function readiness (relay: Relay, unconfigured: boolean): true | string {
  if (unconfigured) return 'no configuration has come yet'
  const { state, healthy, findings } = relay.presence()
  if (state !== 'running') return `the gateway is ${state}`
  return healthy || `unhealthy: ${findings.filter(({ unhealthy }) => unhealthy).map(({ says }) => says).join('; ')}`
}

function ownPresence ({ relay, problem, ...common }: { gateway: string, startedAt: string, at: string, relay: Relay, problem: string | undefined }): GatewayPresence {
  const { findings, ...rest } = relay.presence()
  const refused = problem === undefined ? [] : [{ what: 'configuration' as const, unhealthy: false, says: `a configuration was refused, and the one before stays: ${problem}`.slice(0, 400) }]
  return { v: 1, version: VERSION, ...common, ...rest, findings: [...refused, ...findings].slice(0, 16) }
}

function serving (bus: Bus, gateway: string, relay: Relay, reload: () => Promise<void>): (() => Promise<Stoppable>)[] {
  return [
    () => bus.serve(GatewayAct, [gateway], async request => {
      if (request.act === 'reload') await reload()
      return request.act === 'reload' ? { affected: 1, says: 'what is behind the references of the configuration was read again' } : relay.act(request)
    }),
    () => bus.serve(GatewayStreams, [gateway], async request => relay.streams(request)),
    () => bus.serve(GatewayQueues, [gateway], async request => relay.queues(request)),
    () => bus.serve(ExplainRoute, [gateway], request => relay.explain(request)),
  ]
}
