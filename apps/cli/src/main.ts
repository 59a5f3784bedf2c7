// The command: which one, what stops it, which exit code. Each command is loaded when it is asked for, so that none pays for the others.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { OperatorError, quoted } from '@dialtone/kernel'
import { READER_GONE, exitOfError } from './exit-code.ts'
import { HELP } from './help.ts'
import { standardOut, type Out } from './out.ts'
import { stopSignals } from './stop-signals.ts'

type Command = (args: readonly string[], out: Out, signal: AbortSignal, environment: Readonly<Record<string, string | undefined>>) => Promise<number> | number

const COMMANDS: Record<string, () => Promise<Command>> = {
  check: async () => (await import('./commands/check.ts')).runCheck,
  watch: async () => watchesOneDomain(process.argv.slice(3)) ? (await import('./commands/watch.ts')).runWatch : (await import('./commands/watch-fleet.ts')).runWatchFleet,
  listen: async () => (await import('./commands/listen.ts')).runListen,
  lint: async () => (await import('./commands/lint.ts')).runLint,
  explain: async () => (await import('./commands/explain.ts')).runExplain,
  judge: async () => (await import('./commands/judge.ts')).runJudge,
  zoo: async () => (await import('./commands/zoo.ts')).runZoo,
  'split-horizon': async () => (await import('./commands/split-horizon.ts')).runSplitHorizon,
  up: async () => (await import('./commands/up.ts')).runUp,
  control: async () => (await import('./commands/apps.ts')).runControl,
  probe: async () => (await import('./commands/apps.ts')).runProbe,
  overview: async () => (await import('./commands/overview.ts')).runOverview,
  status: async () => (await import('./commands/overview.ts')).runOverview,
  describe: async () => (await import('./commands/describe.ts')).runDescribe,
  run: async () => (await import('./commands/run.ts')).runRun,
  incidents: async () => (await import('./commands/incidents.ts')).runIncidents,
  agents: async () => (await import('./commands/agents.ts')).runAgents,
  gateways: async () => (await import('./commands/gateways.ts')).runGateways,
  gateway: async () => beginsWithOption(process.argv[3]) ? (await import('./commands/apps.ts')).runGatewayProcess : (await import('./commands/gateway.ts')).runGateway,
  streams: async () => (await import('./commands/gateways.ts')).runStreams,
  queues: async () => (await import('./commands/gateways.ts')).runQueues,
  'explain-route': async () => (await import('./commands/explain-route.ts')).runExplainRoute,
  get: async () => (await import('./commands/get.ts')).runGet,
  apply: async () => (await import('./commands/apply.ts')).runApply,
  delete: async () => (await import('./commands/delete.ts')).runDelete,
  health: async () => (await import('./commands/health.ts')).runHealth,
  backup: async () => (await import('./commands/backup.ts')).runBackup,
  token: async () => (await import('./commands/token.ts')).runToken,
}

// Beside the code, not in a folder that others can write to. Where it cannot be written, starting takes longer.
enableCompileCache(join(import.meta.dirname, '../../../.cache/compiled'))

const out = standardOut(process.env)
const stopping = new AbortController()
let stoppedBy: NodeJS.Signals | undefined
const heard = stopSignals(() => performance.now())
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    const what = heard()
    if (what === 'force') process.exit(name === 'SIGTERM' ? 143 : 130)
    if (what === 'ignore') return
    stoppedBy = name
    stopping.abort(new OperatorError('stopped', `stopped by ${name}; nothing was judged`))
  })
}

process.exitCode = await main(process.argv.slice(2))

async function main ([name = '--help', ...args]: readonly string[]): Promise<number> {
  try {
    if (name === '--help' || name === '-h' || name === 'help') return out.print(HELP)
    const load = COMMANDS[name]
    if (load === undefined) throw new OperatorError('usage', `there is no command '${quoted(name, 40)}'. See: dialtone --help`)
    return await (await load())(args, out, stopping.signal, process.env)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    if (error.code === 'reader-gone') return READER_GONE
    // Where it is the progress that cannot be written, the exit code says it.
    if (error.code !== 'cannot-write' || !error.message.includes('progress')) out.progress(`dialtone: ${error.message}\n`)
    return error.code === 'stopped' ? stoppedBy === 'SIGTERM' ? 143 : 130 : exitOfError(error.code)
  }
}

/** `dialtone gateway --name …` is the process; with a verb it tells one what to do. */
function beginsWithOption (argument = ''): boolean {
  return argument.startsWith('-') && argument !== '--help' && argument !== '-h'
}

/** Whether an argument is left over when those of the fleet's watch are taken away. */
function watchesOneDomain (args: readonly string[]): boolean {
  const options = Object.fromEntries(['server', 'token', 'token-file', 'count', 'format'].map(name => [name, { type: 'string' as const }]))
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true }).positionals.length > 0
}
