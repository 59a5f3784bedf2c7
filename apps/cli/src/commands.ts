// The commands. Each is loaded when it is asked for, so that none pays for the others.
import { parseArgs } from 'node:util'
import type { Out } from './out.ts'

/** Resolves to the exit code. */
export type Command = (args: readonly string[], out: Out, signal: AbortSignal, environment: Readonly<Record<string, string | undefined>>) => Promise<number> | number

/** By name. `args` are those behind it: two commands have a second meaning without or with some. */
export const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<Command>>> = {
  check: async () => (await import('./commands/check.ts')).runCheck,
  watch: async args => watchesOneDomain(args) ? (await import('./commands/watch.ts')).runWatch : (await import('./commands/watch-fleet.ts')).runWatchFleet,
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
  gateway: async args => beginsWithOption(args[0]) ? (await import('./commands/apps.ts')).runGatewayProcess : (await import('./commands/gateway.ts')).runGateway,
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

/** `dialtone gateway --name …` is the process; with a verb it tells one what to do. */
function beginsWithOption (argument = ''): boolean {
  return argument.startsWith('-') && argument !== '--help' && argument !== '-h'
}

/** Whether an argument is left over when those of the fleet's watch are taken away. */
function watchesOneDomain (args: readonly string[]): boolean {
  const options = Object.fromEntries(['server', 'token', 'token-file', 'count', 'format'].map(name => [name, { type: 'string' as const }]))
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true }).positionals.length > 0
}
