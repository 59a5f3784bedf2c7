/** The gateway as a process of its own: options in, bus and telemetry wired, until a signal. */
import { BUS_METRICS, connectNats, permissionsFor } from '@dialtone/bus'
import type { Bus } from '@dialtone/contracts'
import { aborted, oneOf, optionsOf, placeOf, required } from '@dialtone/host'
import { OperatorError, type Logger } from '@dialtone/kernel'
import { LOG_LEVELS, createLogger, createTelemetry, type Telemetry } from '@dialtone/telemetry'
import { readConfig } from './configuration/config.ts'
import { start, type Gateway } from './start.ts'

const COMMAND = import.meta.main ? 'node apps/gateway/src/main.ts' : 'dialtone gateway'

export const HELP = `${COMMAND}: carry federation between zones, by policy

  ${COMMAND} --name NAME --state DIRECTORY
      --bus nats://HOST:PORT

  --name NAME          as the resource Gateway is called
  --state DIRECTORY    keeps the last good configuration: without the bus, the
                       gateway carries on by it; for this gateway alone
  --bus URL            the NATS server; several, separated by commas; tls://
                       where nothing may go in the clear
  --assignment FILE    a configuration as JSON, instead of the bus; SIGHUP
                       reads it again
  --http [ADDR:]PORT   serves /metrics, /healthz and /readyz; on the loopback
                       unless an address is given
  --bus-seed FILE      the nkey seed of this gateway's NATS user
  --bus-ca FILE        the authority of the NATS server's certificate
  --bus-cert FILE      our certificate for it, with --bus-key
  --bus-key FILE
  --log-level LEVEL    ${LOG_LEVELS.join(', ')}; info unless given
  --help

SIGHUP reads certificates and secrets again. SIGTERM and SIGINT drain it within
the time that its resource gives, and then stop it; a second one stops it now.
`

const OPTIONS = {
  name: { type: 'string' }, state: { type: 'string' }, bus: { type: 'string' }, assignment: { type: 'string' }, http: { type: 'string' }, 'bus-seed': { type: 'string' }, 'bus-ca': { type: 'string' }, 'bus-cert': { type: 'string' }, 'bus-key': { type: 'string' }, 'log-level': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const
/** sysexits: how it was called; how it is set up. */
const [USAGE, SETUP] = [64, 78]
/** Told to stop while it starts: so long what has begun may take to end. */
const GIVEN_UP_MS = 3000
const LINGER_MS = 2000

/** When to stop, when to stop at once, and when to read again. */
export type Signals = { stop: AbortSignal, now: AbortSignal, onReload: (reload: () => void) => void }

if (import.meta.main) {
  const [stop, now] = [new AbortController(), new AbortController()]
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => (stop.signal.aborted ? now : stop).abort(name))
  process.exitCode = await main(process.argv.slice(2), { stop: stop.signal, now: now.signal, onReload: reload => process.on('SIGHUP', reload) })
  // What hangs, as a read of a file system that does not answer, holds the process no longer.
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

/** Runs until it is told to stop, then drains and ends; resolves to the exit code. Errors that an operator can mend are one line on stderr. */
export async function main (args: readonly string[], signals: Signals, environment: NodeJS.ProcessEnv = process.env): Promise<number> {
  try {
    const values = optionsOf(args, OPTIONS)
    if (values.help === true) {
      process.stdout.write(HELP)
      return 0
    }
    const config = readConfig({
      gateway: required(values.name, 'name'), stateDirectory: required(values.state, 'state'),
      ...(values.http === undefined ? {} : { http: placeOf(values.http, 'http') }), ...(values.assignment === undefined ? {} : { assignmentFile: values.assignment }),
    })
    if (values.bus === undefined && values.assignment === undefined) throw new OperatorError('usage', '--bus or --assignment is missing: what it has to do comes from one of them; see --help')
    const logger = createLogger({ level: oneOf(values['log-level'] ?? 'info', LOG_LEVELS, 'log-level'), name: 'gateway' })
    const telemetry = createTelemetry({ process: true })
    const bus = values.bus === undefined ? undefined : await openBus(values.bus, config.gateway, values, telemetry, logger)
    try {
      const starting = start({ config, telemetry, logger, environment, ...(bus === undefined ? {} : { bus }) })
      const gateway = await unlessStopped(starting, signals.stop)
      if (gateway === undefined) return await givenUp(starting, logger)
      if (gateway.url !== undefined) process.stdout.write(`URL ${gateway.url}\n`)
      signals.onReload(() => { gateway.reload().catch((error: unknown) => { logger.error({ error: error instanceof Error ? error.message : String(error) }, 'the configuration could not be read again') }) })
      await aborted(signals.stop)
      await gateway.stop(signals.now)
    } finally {
      await bus?.stop()
    }
    return 0
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    process.stderr.write(`dialtone gateway: ${error.message}\n`)
    return error.code === 'usage' || error.code === 'bus-address' ? USAGE : SETUP
  }
}

type Values = ReturnType<typeof optionsOf<typeof OPTIONS>>

async function openBus (url: string, gateway: string, { 'bus-seed': seed, 'bus-ca': caFile, 'bus-cert': certFile, 'bus-key': keyFile }: Values, telemetry: Telemetry, logger: Logger): Promise<Bus> {
  telemetry.register(BUS_METRICS)
  const tls = { ...(caFile === undefined ? {} : { caFile }), ...(certFile === undefined ? {} : { certFile }), ...(keyFile === undefined ? {} : { keyFile }) }
  return await connectNats({
    servers: url.split(','), name: `dialtone gateway ${gateway}`, inboxPrefix: permissionsFor({ app: 'gateway', gateway }).inboxPrefix, createStreams: false, meter: telemetry.meter, logger,
    ...(seed === undefined ? {} : { credentials: { nkeySeedFile: seed } }), ...(Object.keys(tls).length === 0 ? {} : { tls }),
  })
}

/** Undefined: it was told to stop before it had started. */
async function unlessStopped<T> (starting: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const given = await Promise.race([starting, aborted(signal)])
  return given === undefined || signal.aborted ? undefined : given
}

/** Ends what is still starting as soon as it has, if that is soon: nothing flows through it yet. */
async function givenUp (starting: Promise<Gateway>, logger: Logger): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => { timer = setTimeout(() => resolve('late'), GIVEN_UP_MS) })
  const started = starting.then(gateway => gateway.stop(AbortSignal.abort()))
  if (await Promise.race([started, late]) === 'late') {
    started.catch(() => undefined)
    logger.warn({}, 'was told to stop while it started, and does not wait for the rest')
  }
  clearTimeout(timer)
  return 0
}
