/** The gateway: the engine, what it has to do in, how it is and what it saw out. Without bus and control it carries on from its last good configuration. */
import { servedForEver } from '@dialtone/bus'
import type { Bus, GatewayPresence } from '@dialtone/contracts'
import { ExplainRoute, GatewayAct, GatewayQueues, GatewayStreams } from '@dialtone/contracts/schemas'
import { holdDirectory, readSecret } from '@dialtone/host'
import { OperatorError, type Clock, type Logger, type Stoppable } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { RELAY_METRICS, createRelay, type Relay, type RelayOptions } from '@dialtone/relay'
import { serveHttp, type Telemetry } from '@dialtone/telemetry'
import { watchAssigned, type Assigned } from './configuration/assigned.ts'
import { readConfig, type GatewayConfig } from './configuration/config.ts'
import { GATEWAY_METRICS, configurationGood, ready } from './metrics.ts'
import { reportEvents } from './reporting/events.ts'
import { reportFacts } from './reporting/facts.ts'
import { reportPresence, type Presence } from './reporting/presence.ts'

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
  /** Why the last configuration that came was not taken; gone when one is. */
  readonly problem: string | undefined
  /** Whether there is a configuration that it works by. */
  readonly configured: boolean
  /** Resolves when the first configuration that came has been tried. */
  readonly tried: Promise<void>
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
    stops.push(await holdDirectory(directory, 'the gateway'))
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
        if (problem !== undefined) tell({ on: 'configuration', says: `refused: ${problem}`.slice(0, 400) })
        say()
      },
      ...(config.assignmentFile === undefined ? {} : { file: config.assignmentFile }), ...(bus === undefined ? {} : { bus }),
    }))

    stops.push(telemetry.family(ready, () => [{ labels: { gateway }, value: readiness(relay, assigned) === true ? 1 : 0 }]))
    if (bus !== undefined) {
      const own = (): GatewayPresence => ownPresence({ gateway, startedAt, at: new Date(clock.now()).toISOString(), relay, assigned, doubled: presence?.doubled === true })
      let presence: Presence | undefined
      presence = begun(reportPresence({ bus, gateway, startedAt, own, logger }))
      say = presence.say
      for (const serve of serving(bus, gateway, relay, assigned.reload)) begun(servedForEver(serve, logger))
    }
    const served = config.http === undefined ? undefined : begun(await serveHttp({
      listen: { port: config.http.port, ...(config.http.address === undefined ? {} : { address: config.http.address }) }, telemetry, logger,
      ready: () => readiness(relay, assigned),
    }).catch((error: unknown) => { throw inOurWords(error) }))
    logger.info({ gateway, ...(served === undefined ? {} : { url: served.url }) }, assigned.current !== undefined ? 'the gateway runs' : assigned.problem === undefined ? 'the gateway waits for its first configuration' : 'the gateway waits for a configuration that it can work by')
    return {
      relay, tried: assigned.tried,
      get problem () { return assigned.problem },
      get configured () { return assigned.current !== undefined },
      reload: assigned.reload, ...(served === undefined ? {} : { url: served.url }),
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
function readiness (relay: Relay, { current, problem }: Assigned): true | string {
  if (current === undefined) return problem === undefined ? 'no configuration has come yet' : `there is no configuration to work by: ${problem}`
  const { state, findings } = relay.presence()
  if (state !== 'running') return `the gateway is ${state}`
  // One that was refused leaves the last good one in force: peers are still well served here.
  const wrong = findings.filter(({ unhealthy, what }) => unhealthy && what !== 'configuration')
  return wrong.length === 0 || `unhealthy: ${wrong.map(({ says }) => says).join('; ')}`
}

type Own = { gateway: string, startedAt: string, at: string, relay: Relay, assigned: Assigned, doubled: boolean }

function ownPresence ({ relay, assigned: { current, problem }, doubled, ...common }: Own): GatewayPresence {
  const { findings, healthy, ...rest } = relay.presence()
  const own: GatewayPresence['findings'] = []
  if (doubled) own.push({ what: 'configuration', unhealthy: true, says: `another process speaks under the name ${common.gateway}: stop one of them, or give it a name and a resource of its own` })
  if (problem !== undefined) own.push({ what: 'configuration', unhealthy: current === undefined, says: `${current === undefined ? 'there is no configuration to work by' : 'a configuration was refused, and the one before stays'}: ${problem}`.slice(0, 400) })
  return { v: 1, version: VERSION, ...common, ...rest, healthy: healthy && own.every(({ unhealthy }) => !unhealthy), findings: [...own, ...findings].slice(0, 16) }
}

/** Where HTTP cannot be served, in the words of this app's options. */
function inOurWords (error: unknown): unknown {
  return error instanceof OperatorError ? new OperatorError(error.code, error.message.replace('--listen', '--http')) : error
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
