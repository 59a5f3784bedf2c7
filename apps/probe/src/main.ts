/** The agent as a process of its own: options in, bus and telemetry wired, until a signal. */
import { BUS_METRICS, connectNats, permissionsFor } from '@dialtone/bus'
import { OperatorError } from '@dialtone/kernel'
import { LOG_LEVELS, createLogger, createTelemetry } from '@dialtone/telemetry'
import { readConfig } from './configuration/config.ts'
import { aborted, oneOf, optionsOf, placeOf, readSecret, required } from '@dialtone/host'
import { start } from './start.ts'

const COMMAND = import.meta.main ? 'node apps/probe/src/main.ts' : 'dialtone probe'

export const HELP = `${COMMAND}: check from one vantage, and publish what is seen

  ${COMMAND} --vantage NAME --agent NAME
      --bus nats://HOST:PORT --state DIRECTORY

  --vantage NAME       where it stands, as the resource Vantage is called
  --agent NAME         what this agent is called; no two of one vantage alike
  --bus URL            the NATS server; several, separated by commas; tls://
                       where nothing may go in the clear
  --state DIRECTORY    what outlives a restart; for this agent alone
  --http [ADDR:]PORT   serves /metrics, /healthz, /readyz and /probe; on the
                       loopback unless an address is given
  --token REFERENCE    whoever sends it as a bearer may probe any domain:
                       file:PATH, credential:NAME or env:NAME
  --hooks FILE         commands that operators may run by name on this host
  --bus-seed FILE      the nkey seed of this agent's NATS user
  --bus-user NAME      a NATS user with a password instead
  --bus-password REF   file:PATH, credential:NAME or env:NAME
  --bus-ca FILE        the authority of the NATS server's certificate
  --bus-cert FILE      our certificate for it, with --bus-key
  --bus-key FILE
  --parallel N         checks at once, 64 unless given
  --spool-megabytes N  disk for what the bus has not taken yet, 4096 unless
                       given; then the oldest is dropped, and counted
  --spool-observations N
                       how many of them, 1000000 unless given
  --log-level LEVEL    ${LOG_LEVELS.join(', ')}; info unless given
  --help
`

const OPTIONS = {
  vantage: { type: 'string' }, agent: { type: 'string' }, bus: { type: 'string' }, state: { type: 'string' }, http: { type: 'string' }, token: { type: 'string' }, hooks: { type: 'string' },
  'bus-seed': { type: 'string' }, 'bus-user': { type: 'string' }, 'bus-password': { type: 'string' }, 'bus-ca': { type: 'string' }, 'bus-cert': { type: 'string' }, 'bus-key': { type: 'string' }, parallel: { type: 'string' }, 'spool-megabytes': { type: 'string' }, 'spool-observations': { type: 'string' }, 'log-level': { type: 'string' }, help: { type: 'boolean', short: 'h' },
} as const
/** sysexits: how it was called; how it is set up. */
const [USAGE, SETUP] = [64, 78]

if (import.meta.main) {
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort(name))
  process.exitCode = await main(process.argv.slice(2), stopping.signal)
}

/** Runs until `signal` aborts, then ends in order; resolves to the exit code. Errors that an operator can mend are one line on stderr. */
export async function main (args: readonly string[], signal: AbortSignal, environment: NodeJS.ProcessEnv = process.env): Promise<number> {
  try {
    const values = optionsOf(args, OPTIONS)
    if (values.help === true) {
      process.stdout.write(HELP)
      return 0
    }
    const config = configOf(values)
    const level = oneOf(values['log-level'] ?? 'info', LOG_LEVELS, 'log-level')
    const logger = createLogger({ level, name: 'probe' })
    const telemetry = createTelemetry({ process: true })
    telemetry.register(BUS_METRICS)
    const bus = await connectNats({
      servers: required(values.bus, 'bus').split(','), name: `dialtone probe ${config.vantage} ${config.agent}`, inboxPrefix: permissionsFor({ app: 'probe', vantage: config.vantage }).inboxPrefix,
      createStreams: false, meter: telemetry.meter, logger, ...await credentialsOf(values, environment), ...tlsOf(values),
    })
    try {
      const probe = await start({ config, bus, telemetry, logger, environment })
      if (probe.url !== undefined) process.stdout.write(`URL ${probe.url}\n`)
      await aborted(signal)
      await probe.stop()
    } finally {
      await bus.stop()
    }
    return 0
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    process.stderr.write(`dialtone probe: ${error.message}\n`)
    return error.code === 'usage' ? USAGE : SETUP
  }
}

type Values = ReturnType<typeof optionsOf<typeof OPTIONS>>

function configOf (values: Values) {
  return readConfig({
    vantage: required(values.vantage, 'vantage'), agent: required(values.agent, 'agent'), stateDirectory: required(values.state, 'state'),
    ...(values.http === undefined ? {} : { http: placeOf(values.http, 'http') }),
    ...(values.token === undefined ? {} : { token: values.token }),
    ...(values.hooks === undefined ? {} : { hooksFile: values.hooks }),
    limits: limitsOf({ parallel: values.parallel, spoolMegabytes: values['spool-megabytes'], spoolObservations: values['spool-observations'] }),
  })
}

/** Those that were given; whether they are numbers within bounds is said where the configuration is read. */
function limitsOf (given: Record<string, string | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(given).flatMap(([name, value]) => value === undefined ? [] : [[name, Number(value)]]))
}

async function credentialsOf (values: Values, environment: NodeJS.ProcessEnv) {
  const { 'bus-seed': seed, 'bus-user': user, 'bus-password': password } = values
  if (seed !== undefined && user !== undefined) throw new OperatorError('usage', '--bus-seed and --bus-user are two ways to say who this is: give one of them')
  if (seed !== undefined) return { credentials: { nkeySeedFile: seed } }
  if (user === undefined) return {}
  return { credentials: { user, password: (await readSecret(required(password, 'bus-password'), environment)).toString('utf8').trim() } }
}

function tlsOf ({ 'bus-ca': caFile, 'bus-cert': certFile, 'bus-key': keyFile }: Values) {
  const tls = { ...(caFile === undefined ? {} : { caFile }), ...(certFile === undefined ? {} : { certFile }), ...(keyFile === undefined ? {} : { keyFile }) }
  return Object.keys(tls).length === 0 ? {} : { tls }
}
