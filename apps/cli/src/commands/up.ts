// dialtone up: control, agents, bus and store in one process, until a signal.
import { OperatorError, quoted } from '@dialtone/kernel'
import { LOG_LEVELS, type LogLevel } from '@dialtone/telemetry'
import type { Environment } from '../client/command.ts'
import { UP_HELP } from '../help.ts'
import { COMMON, formatOf, parse, placeOf } from '../options.ts'
import type { Out } from '../out.ts'
import { loadResources } from '../resources/load.ts'
import { knownState, stateDir } from '../state-dir.ts'
import { banner } from '../up/banner.ts'
import { hold } from '../up/hold.ts'
import { liveLines } from '../up/live.ts'
import { commandHere } from '../up/command-here.ts'
import { up } from '../up/up.ts'

const OPTIONS = {
  ...COMMON, config: { type: 'string', multiple: true }, bus: { type: 'string' }, state: { type: 'string' }, listen: { type: 'string' }, vantages: { type: 'string' }, gateways: { type: 'string' }, log: { type: 'string' }, demo: { type: 'boolean' }, 'no-demo': { type: 'boolean' }, quiet: { type: 'boolean' },
} as const
const LISTEN = '127.0.0.1:5280'

/** Resolves to 0 when a signal has ended it; rejects with an OperatorError where it cannot begin. */
export async function runUp (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('up', OPTIONS, args)
  if (values.help === true) return out.print(UP_HELP)
  if (positionals[0] !== undefined) throw new OperatorError('usage', `up takes no '${quoted(positionals[0], 60)}'; a configuration is given by --config FILE`)
  if (values.demo === true && values['no-demo'] === true) throw new OperatorError('usage', '--demo and --no-demo exclude each other: give one of them')
  const json = formatOf(values) === 'json'
  const { address = '127.0.0.1', port } = placeOf('--listen', values.listen ?? LISTEN)
  const dir = stateDir(values.state, environment)
  const loaded = values.config === undefined ? undefined : await loadResources(values.config, signal)
  // Whatever writes there: for this user alone.
  process.umask(0o077)
  const held = await hold(dir)
  try {
    signal.throwIfAborted()
    const running = await up({
      held, listen: { address, port }, log: levelOf(values.log, out), complain: sentence => out.progress(`dialtone: ${quoted(sentence, 400)}\n`),
      ...(values.bus === undefined ? {} : { bus: values.bus }), ...(loaded === undefined ? {} : { loaded }),
      ...(values.demo === true ? { demo: true } : values['no-demo'] === true ? { demo: false } : {}), ...(values.vantages === undefined ? {} : { vantages: namesOf(values.vantages) }), ...(values.gateways === undefined ? {} : { gateways: namesOf(values.gateways) }),
    }, signal)
    try {
      const ready = {
        url: running.url, dir, kept: running.api !== undefined, vantages: running.vantages(), problems: running.problems(), command: commandHere(knownState(environment) === dir ? undefined : dir, environment),
        ...(running.firstToken === undefined ? {} : { token: running.firstToken }), ...(running.demo ? { demo: { domain: 'ours.example', blocked: 'blocked-ours.example' } } : {}),
      }
      out.tell(json ? JSON.stringify({ on: 'ready', url: ready.url, token: ready.token ?? null, state: dir, demo: running.demo, vantages: ready.vantages, ...(ready.problems.length === 0 ? {} : { problems: ready.problems }) }) + '\n' : banner(ready, out.terminal))
      const watched = running.api !== undefined && !json && values.quiet !== true && out.errors.interactive ? liveLines(running.api, text => out.progress(text), out.errors, signal) : Promise.resolve()
      await aborted(signal)
      if (values.quiet !== true) out.progress('stopping ...\n')
      await watched
    } finally {
      await running.stop()
    }
    return 0
  } finally {
    await held.release()
  }
}

function levelOf (given: string | undefined, { errors }: Out): LogLevel {
  const level = LOG_LEVELS.find(known => known === (given ?? (errors.interactive ? 'error' : 'warn')))
  if (level === undefined) throw new OperatorError('usage', `--log '${quoted(given ?? '', 40)}' is not known: one of ${LOG_LEVELS.join(', ')}`)
  return level
}

function namesOf (text: string): string[] {
  return text === 'none' ? [] : text.split(',').map(name => name.trim()).filter(name => name !== '')
}

function aborted (signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
