/**
 * Control as a process of its own: options, bus, start, and a clean end.
 *
 *     node apps/control/src/main.ts --bus nats://127.0.0.1:4222 [--config FILE]
 */
import { parseArgs } from 'node:util'
import { realpathSync } from 'node:fs'
import { connectNats, createEmbeddedBus, type NatsBusOptions } from '@dialtone/bus'
import type { Bus } from '@dialtone/contracts'
import { NO_METER, OperatorError, type Clock, type Logger } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { LOG_LEVELS, createLogger, createTelemetry, type LogLevel } from '@dialtone/telemetry'
import { newAdminToken } from './access/emergency.ts'
import { parseControlConfig, readControlConfig } from './http/config.ts'
import { answerMeanwhile, type Waiting } from './http/waiting.ts'
import { start } from './start.ts'

const COMMAND = import.meta.main ? 'node apps/control/src/main.ts' : 'dialtone control'

export const HELP = `${COMMAND}: configuration, verdicts and API of a fleet

  ${COMMAND} --bus nats://127.0.0.1:4222
  ${COMMAND} --bus tls://nats.example:4222 --bus-seed FILE
      --config FILE
  ${COMMAND} --bus nats://127.0.0.1:4222 --bus-seed FILE
      --new-admin-token NAME

  --bus URL            the bus of the fleet: nats://HOST:PORT, tls://HOST:PORT,
                       several with commas; or embedded:FILE, which no other
                       process can share
  --bus-seed FILE      the nkey seed by which the bus knows this process
  --bus-ca FILE        who may have signed the certificate of the bus
  --bus-cert FILE      our certificate for the bus, with --bus-key
  --bus-key FILE
  --bus-replicas N     how many servers keep what the bus keeps: 3 in a cluster
                       of three; what is there is brought to it. Unless given,
                       what is there stays as it is, what is new is kept once
  --config FILE        JSON: name, listen, tls, store, limits
  --listen ADDR:PORT   instead of the one of the configuration
  --store FILE         likewise: what control remembers; may be deleted, and is
                       rebuilt from the bus
  --log-level LEVEL    debug, info, warn, error or silent; default info; the log
                       goes to stderr
  --new-admin-token NAME
                       starts nothing, makes no streams and changes none:
                       makes an admin token for who has none
                       any more, prints it, and ends; controls that run go on,
                       and take it at once; it is in the audit
  --help

The first start of a fleet prints an admin token, once. Without TLS it listens
on loopback only. Stops cleanly on SIGTERM and SIGINT.
Exit code: 0, 64 usage, 69 no bus, 78 it cannot work as it is set up.
`

const OPTIONS = {
  'bus': { type: 'string' }, 'bus-seed': { type: 'string' }, 'bus-ca': { type: 'string' }, 'bus-cert': { type: 'string' }, 'bus-key': { type: 'string' }, 'bus-replicas': { type: 'string' },
  'config': { type: 'string' }, 'listen': { type: 'string' }, 'store': { type: 'string' }, 'log-level': { type: 'string' }, 'new-admin-token': { type: 'string' }, 'help': { type: 'boolean', short: 'h' },
} as const
type Values = { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string }

/** sysexits: how it was called; the bus is not there; how it is set up. */
const [DONE, USAGE, NO_BUS, SETUP] = [0, 64, 69, 78]
const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

/** Runs until the signal; resolves to an exit code. Prints where it listens, and the first token. Rejects with an OperatorError for the operator to mend. */
export async function main (args: readonly string[], signal: AbortSignal, print: (line: string) => void = line => { process.stdout.write(`${line}\n`) }): Promise<number> {
  const values = parse(args)
  if (values.help === true) {
    print(HELP)
    return DONE
  }
  if (values.bus === undefined) throw new OperatorError('usage', 'Say where the bus is: --bus nats://HOST:PORT. See --help.')
  const logger = createLogger({ level: levelOf(values['log-level']), name: 'control' })
  if (values['new-admin-token'] !== undefined) return await makeToken(values['new-admin-token'], values.bus, values, logger, print)
  const config = configOf(values)
  const telemetry = createTelemetry({ process: true })
  const bus = await openBus(values.bus, values, { meter: telemetry.meter, logger })
  let waiting: Waiting | undefined
  try {
    waiting = await answerMeanwhile({ config, reached: () => bus.connected, exposition: telemetry })
    const { port, stop: beforeListening } = waiting
    if (!await reached(bus, signal, logger, port)) return DONE
    const control = await start({ config: { ...config, listen: { ...config.listen, port } }, bus, telemetry, logger, beforeListening })
    print(`URL     ${control.url}`)
    if (control.firstToken !== undefined) print(`Token   ${control.firstToken}   (admin; shown this once)`)
    await ended(signal)
    await control.stop()
    return DONE
  } finally {
    await waiting?.stop()
    await bus.stop()
  }
}

async function makeToken (name: string, url: string, values: Values, logger: Logger, print: (line: string) => void): Promise<number> {
  const bus = await openBus(url, values, { meter: NO_METER, logger, createStreams: false })
  try {
    const made = await newAdminToken({ bus, name, clock: SYSTEM, random: RANDOM, logger })
    print(`Token   ${made.token}   (admin, called ${made.name}; shown this once)`)
    return DONE
  } finally {
    await bus.stop()
  }
}

function parse (args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values
  } catch (error) {
    throw new OperatorError('usage', `${(error as Error).message.split('. ', 1)[0]}. See --help.`)
  }
}

function configOf (values: Values): ReturnType<typeof parseControlConfig> {
  const given = (values.config === undefined ? {} : readControlConfig(values.config)) as Record<string, unknown>
  const listen = values.listen === undefined ? undefined : listenOf(values.listen)
  return parseControlConfig({ ...given, ...(listen === undefined ? {} : { listen }), ...(values.store === undefined ? {} : { store: values.store }) })
}

function listenOf (text: string): { address: string, port: number } {
  const [, address, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text)?.filter((part, at) => at === 0 || part !== undefined) ?? []
  if (address === undefined || port === undefined) throw new OperatorError('usage', `--listen is ADDRESS:PORT, as 127.0.0.1:5280 or [::1]:5280, not '${text}'.`)
  return { address, port: Number(port) }
}

function levelOf (text = 'info'): LogLevel {
  const level = LOG_LEVELS.find(known => known === text)
  if (level === undefined) throw new OperatorError('usage', `--log-level is one of ${LOG_LEVELS.join(', ')}, not '${text}'.`)
  return level
}

async function openBus (url: string, values: Values, parts: Pick<NatsBusOptions, 'meter' | 'logger' | 'createStreams'>): Promise<Bus> {
  if (url.startsWith('embedded:')) return createEmbeddedBus({ file: url.slice('embedded:'.length), ...parts })
  const servers = url.split(',')
  for (const server of servers) if (!/^(?:nats|tls):\/\/[^\s/]+$/.test(server)) throw new OperatorError('usage', '--bus is nats://HOST:PORT, tls://HOST:PORT or embedded:FILE; several servers are separated by commas.')
  const { 'bus-seed': nkeySeedFile, 'bus-ca': caFile, 'bus-cert': certFile, 'bus-key': keyFile } = values
  const tls = { ...(caFile === undefined ? {} : { caFile }), ...(certFile === undefined ? {} : { certFile }), ...(keyFile === undefined ? {} : { keyFile }) }
  return connectNats({
    servers, name: 'control', inboxPrefix: '_INBOX.control', ...parts, ...replicasOf(values['bus-replicas']),
    ...(nkeySeedFile === undefined ? {} : { credentials: { nkeySeedFile } }), ...(Object.keys(tls).length === 0 ? {} : { tls }),
  })
}

function replicasOf (text: string | undefined): { replicas?: number } {
  if (text === undefined) return {}
  if (!['1', '3', '5'].includes(text)) throw new OperatorError('usage', `--bus-replicas is 1, 3 or 5, not '${text}'.`)
  return { replicas: Number(text) }
}

/** A fleet may be started in any order: control waits for the bus, and says so where it listens. False where it is stopped before. */
async function reached (bus: Bus, signal: AbortSignal, logger: Logger, port: number): Promise<boolean> {
  if (bus.connected) return !signal.aborted
  logger.warn({ port }, 'the bus is not reached yet; control starts when it is, and says so at /readyz meanwhile')
  const { promise, resolve } = Promise.withResolvers<void>()
  const off = bus.onConnection(connected => { if (connected) resolve() })
  if (bus.connected) resolve()
  await Promise.race([promise, ended(signal)])
  off()
  return !signal.aborted
}

async function ended (signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>(resolve => { signal.addEventListener('abort', () => resolve(), { once: true }) })
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === import.meta.filename) {
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort())
  try {
    process.exitCode = await main(process.argv.slice(2), stopping.signal)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    process.stderr.write(`control: ${error.message}\n`)
    process.exitCode = error.code === 'usage' ? USAGE : error.code === 'bus-unreachable' ? NO_BUS : SETUP
  }
}
