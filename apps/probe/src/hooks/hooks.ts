/**
 * Hooks of managed servers: where the agent stands on a server's host, its local file says which commands may be asked for by name. Nothing of a request
 * reaches a command line: a request picks one of those, and that is all.
 */
import type { Bus, HookName } from '@dialtone/contracts'
import { RunHook } from '@dialtone/contracts/schemas'
import { OperatorError, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { servedForEver } from '@dialtone/bus'
import { hooksTotal } from './metrics.ts'
import { readHooks, type AllowedHooks } from './read-hooks.ts'
import { runCommand, type Ran } from './run-command.ts'

export type Hooks = {
  /** Which hooks the file allows, by server: what an agent says of itself. */
  readonly allowed: Readonly<Record<string, HookName[]>>
  /** Runs one, and one at a time for each server. Rejects with an OperatorError: `hook-not-allowed`, `hook-busy`, `hook-not-started`. */
  run: (server: string, hook: HookName) => Promise<Ran>
}

/** `file` is read once. Without one nothing is allowed. Rejects with an OperatorError when there is something wrong with it. */
export async function createHooks ({ file, logger, meter }: { file?: string, logger: Logger, meter: Meter }): Promise<Hooks> {
  const hooks: AllowedHooks = file === undefined ? new Map() : await readHooks(file)
  const running = new Set<string>()
  const count = (hook: HookName, outcome: 'ok' | 'failed' | 'timeout' | 'refused' | 'not-started') => meter.add(hooksTotal, { hook, outcome })

  return {
    allowed: Object.fromEntries([...hooks].map(([server, allowed]) => [server, [...allowed.keys()]])),
    run: async (server, hook) => {
      const command = hooks.get(server)?.get(hook)
      if (command === undefined || running.has(server)) {
        count(hook, 'refused')
        throw command === undefined ? new OperatorError('hook-not-allowed', notAllowed(hooks, server, hook)) : new OperatorError('hook-busy', `a hook of '${server}' is running: ask again when it has ended`)
      }
      running.add(server)
      try {
        const { timedOut, ...ran } = await runCommand(command)
        const outcome = timedOut ? 'timeout' : ran.exitCode === 0 ? 'ok' : 'failed'
        count(hook, outcome)
        logger.info({ server, hook, outcome, exitCode: ran.exitCode, ms: Math.round(ran.ms) }, 'ran a hook')
        return ran
      } catch (error) {
        count(hook, 'not-started')
        logger.warn({ server, hook, error }, 'a hook could not be started')
        throw new OperatorError('hook-not-started', `${command.argv[0]} could not be started (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}): see the agent's log`)
      } finally {
        running.delete(server)
      }
    },
  }
}

/** Answers RunHook for this agent alone, from when the bus takes it: presence tells which agent has the hooks of a server. */
export function serveHooks ({ bus, vantage, agent, hooks, logger }: { bus: Pick<Bus, 'serve'>, vantage: string, agent: string, hooks: Hooks, logger: Logger }): Stoppable {
  return servedForEver(() => bus.serve(RunHook, [vantage, agent], ({ server, hook }) => hooks.run(server, hook)), logger)
}

function notAllowed (hooks: AllowedHooks, server: string, hook: HookName): string {
  const allowed = hooks.get(server)
  const others = allowed === undefined ? [...hooks.keys()] : [...allowed.keys()]
  const instead = others.length === 0 ? 'it allows nothing' : `it allows ${others.slice(0, 20).map(each => `'${each}'`).join(', ')}`
  return allowed === undefined ? `the hooks file of this agent knows no server '${server}': ${instead}` : `the hooks file of this agent does not allow '${hook}' of '${server}': ${instead}`
}
