/**
 * All of Dialtone in one process: a bus, control, an agent for each configured vantage, the configured gateways, and the demo fleet where there is nothing else to look at. Begun in
 * this order and ended in the other, so that nothing that is seen is lost.
 */
import { join } from 'node:path'
import { OperatorError, type Stoppable } from '@dialtone/kernel'
import { createLogger, createTelemetry, type LogLevel } from '@dialtone/telemetry'
import { parseControlConfig, start as startControl } from '@dialtone/control'
import { openApi, type Api } from '../client/api.ts'
import { apply } from '../resources/apply.ts'
import type { Loaded } from '../resources/load.ts'
import { tokenIn } from '../state-dir.ts'
import { startAgent } from './agent.ts'
import { openBus } from './bus.ts'
import { applyDemo, forgetDemo, startDemo, wantsDemo } from './demo.ts'
import type { Held } from './hold.ts'
import { startGatewayHere } from './gateway.ts'
import { partsOf, watchConfiguration } from './parts.ts'

export type UpOptions = {
  held: Held
  listen: { address: string, port: number }
  /** Of a NATS server; absent: the embedded bus. */
  bus?: string
  /** To be applied before anything looks. */
  loaded?: Loaded
  /** --demo or --no-demo. */
  demo?: boolean
  /** Agents of these alone. */
  vantages?: readonly string[]
  /** These gateways alone. */
  gateways?: readonly string[]
  log: LogLevel
  complain: (sentence: string) => void
}

export type RunningUp = Stoppable & {
  url: string
  firstToken?: string
  /** With the token that is kept here; undefined where there is none, or it is not accepted any more. */
  api?: Api
  demo: boolean
  vantages: () => readonly string[]
  gateways: () => readonly string[]
  /** What is wrong with gateways that run here, now. */
  problems: () => readonly string[]
}

/** Resolves when the API answers and the agents look. Rejects with an OperatorError that says what to do; then nothing is left running. */
export async function up (options: UpOptions, signal: AbortSignal): Promise<RunningUp> {
  const { held, listen, loaded } = options
  const stops: (() => unknown)[] = []
  const begun = <T extends { stop: () => unknown }>(part: T): T => {
    stops.unshift(() => part.stop())
    return part
  }
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => stopping ??= ended(stops)
  try {
    const telemetry = createTelemetry({ process: true })
    const logger = createLogger({ level: options.log, name: 'up' })
    const bus = begun(await openBus(options.bus, join(held.dir, 'bus.db'), { meter: telemetry.meter, logger, signal }))
    const control = begun(await startControl({
      config: parseControlConfig({ listen, store: join(held.dir, 'control.db') }), bus, telemetry, logger: createLogger({ level: options.log, name: 'control' }),
    }).catch((error: unknown) => { throw explained(error, listen) }))
    if (control.firstToken !== undefined) await held.keepToken(control.firstToken)
    await held.announce({ url: control.url, pid: process.pid, startedAt: new Date().toISOString() })
    const api = lazily(() => openKept(control.url, held.dir, signal))

    let changed = (): void => undefined
    const configured = begun(await watchConfiguration(bus, () => changed()))
    if (loaded !== undefined) await configured.reached((await apply(await api(), loaded, { dryRun: false, prune: false })).revision, signal)
    const demo = await wantsDemo(options.demo, held.dir, configured.resources(), loaded !== undefined)
    if (demo) {
      const running = await startDemo(held.dir, configured.resources(), signal)
      begun(running.fleet)
      await configured.reached(await applyDemo(control, running), signal)
    } else await configured.reached(await forgetDemo(control, held.dir, configured.resources(), loaded?.resources ?? []), signal)
    // What agents had to do before is nothing that they should begin with.
    await control.assigned()

    const agents = begun(partsOf('the agent of vantage', vantage => startAgent({ vantage, bus, telemetry, level: options.log, dir: held.dir }), logger, options.complain))
    const gateways = begun(partsOf('the gateway', gateway => startGatewayHere({ gateway, bus, telemetry, level: options.log, dir: held.dir }), logger, options.complain))
    const wanted = (wantedKind: 'Vantage' | 'Gateway', chosen: readonly string[] | undefined) => configured.resources().filter(({ kind, name }) => kind === wantedKind && (chosen?.includes(name) ?? true)).map(({ name }) => name)
    const settle = () => Promise.all([agents.want(wanted('Vantage', options.vantages)), gateways.want(wanted('Gateway', options.gateways))])
    changed = () => { void settle() }
    await settle()
    return { url: control.url, demo, vantages: agents.running, gateways: gateways.running, problems: gateways.problems, stop, ...(control.firstToken === undefined ? {} : { firstToken: control.firstToken }), ...given(await api().catch(unusable)) }
  } catch (error) {
    await stop()
    throw error
  }
}

/** All of them, whatever one complains about; the first complaint is thrown in the end. */
async function ended (stops: readonly (() => unknown)[]): Promise<void> {
  const complaints: unknown[] = []
  for (const each of stops) {
    try {
      await each()
    } catch (error) {
      complaints.push(error)
    }
  }
  if (complaints.length > 0) throw complaints[0]
}

async function openKept (url: string, dir: string, signal: AbortSignal): Promise<Api> {
  const token = tokenIn(dir)
  const file = join(dir, 'token')
  if (token === undefined) throw new OperatorError('not-allowed', `the admin token that was kept in ${file} is gone, and without one nothing can be configured: put another one there, or begin anew with another --state DIR`)
  return await openApi({ base: url, from: 'up', token, tokenFrom: file }, signal)
}

/** The fleet runs without a token of ours; what needs one has said so before. */
function unusable (error: unknown): undefined {
  if (!(error instanceof OperatorError && error.code === 'not-allowed')) throw error
}

function given (api: Api | undefined): { api?: Api } {
  return api === undefined ? {} : { api }
}

function lazily<T> (make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => made ??= make()
}

/** Where control cannot listen, in the words of this command's options. */
function explained (error: unknown, { address, port }: UpOptions['listen']): unknown {
  if (!(error instanceof OperatorError)) return error
  if (error.code === 'cannot-listen') return new OperatorError('port-taken', `${error.message} For example: --listen ${address.includes(':') ? `[${address}]` : address}:${port === 0 ? 5280 : 0}`)
  if (error.code === 'needs-tls') return new OperatorError('configuration', `--listen ${address}: up speaks no TLS and listens on loopback alone; write 127.0.0.1:${port}, and put a proxy that speaks TLS before it`)
  return error
}
