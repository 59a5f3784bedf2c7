/**
 * The directory in which `dialtone up` keeps what it remembers, and where commands find it: `server.json` says where it answers and as which process,
 * `token` is the access token that it left for this user. Only this user may read either.
 */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** `url`: where the API answers. `pid`: of the process that holds the directory. */
export type Running = { url: string, pid: number, startedAt: string }

/** In a clone, where `npm start` keeps it. */
const OF_CLONE = resolve(import.meta.dirname, '../../../.dialtone')

/** Where `up` keeps its state: the option, `DIALTONE_STATE`, or the place that the XDG Base Directory Specification gives. */
export function stateDir (given: string | undefined, environment: Environment): string {
  const chosen = given ?? environment['DIALTONE_STATE']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  const base = environment['XDG_STATE_HOME']
  return join(base !== undefined && base.startsWith('/') ? base : join(homedir(), '.local/state'), 'dialtone')
}

/** The directory of the `up` that a command means: the one that is named, else the first of the usual ones whose process runs, else the first that has any state. */
export function knownState (environment: Environment): string {
  const own = stateDir(undefined, environment)
  if ((environment['DIALTONE_STATE'] ?? '') !== '') return own
  const usual = [OF_CLONE, own]
  return usual.find(dir => isAlive(runningIn(dir)?.pid)) ?? usual.find(dir => existsSync(join(dir, 'token'))) ?? own
}

/** What `server.json` says; undefined where there is none, or none that makes sense. */
export function runningIn (dir: string): Running | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(join(dir, 'server.json'), 'utf8'))
    if (typeof found !== 'object' || found === null || !('url' in found) || !('pid' in found)) return undefined
    const { url, pid } = found
    return typeof url === 'string' && typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? { url, pid, startedAt: 'startedAt' in found && typeof found.startedAt === 'string' ? found.startedAt : '' } : undefined
  } catch {
    return undefined
  }
}

/** The token that `up` left. */
export function tokenIn (dir: string): string | undefined {
  try {
    return readFileSync(join(dir, 'token'), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/** Whether a process of this number runs, whoever owns it. */
export function isAlive (pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
