// Starts the programs that make up a real server and ends them again, whatever happens to the test: each in a process group of its own, with
// an empty environment, and told by the kernel to die with us, so that even a killed test run leaves none behind.
import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Folder } from './folder.ts'
import { accepts, type Place } from './loopback.ts'
import { listensIn } from './namespace.ts'
import { killGroup, spawnTied } from './spawn-tied.ts'

export type Program = {
  name: string
  command: string
  args: readonly string[]
  env?: Record<string, string>
  /** The network namespace that it runs in, of `createNetwork`. Default ours. */
  namespace?: string
  /** It is ready, and the next one is started, when each of these accepts connections. */
  listens: readonly Place[]
}

export type Launch = {
  /** For error messages: 'prosody'. */
  name: string
  /** Started in this order, stopped together. */
  programs: readonly Program[]
  /** Files that the programs log to, besides their output. */
  logFiles?: readonly string[]
  folder: Folder
  /** Default SIGTERM, then SIGKILL. SIGKILL at once for one that has nothing to save and takes long to end. */
  endBy?: 'SIGTERM' | 'SIGKILL'
  /** How long to wait for readiness. */
  timeoutMs?: number
}

/** A server that runs until `stop`. */
export type RunningServer = {
  name: string
  pids: readonly number[]
  startedInMs: number
  /** Whether each of its programs is there still. */
  running: () => boolean
  /** All it has logged so far. */
  logs: () => string
  /** The first line of the log that matches, waiting for it up to five seconds: servers log after they have answered. */
  logged: (pattern: RegExp) => Promise<string>
  /** Ends it and removes its folder. Safe to call twice. */
  stop: () => Promise<void>
}

const READY_MS = 20_000
const LOGGED_MS = 5000
const TERM_MS = 3000
const POLL_MS = 10

/** Starts it and waits until it is ready; if it is not in time, or ends, nothing is left and the error holds the end of its log. */
export async function launch ({ name, programs, logFiles = [], folder, endBy = 'SIGTERM', timeoutMs = READY_MS }: Launch): Promise<RunningServer> {
  const began = performance.now()
  const children: ChildProcess[] = []
  const logs = (): string => [...programs.map(program => outputOf(folder, program)), ...logFiles].map(readIfThere).join('')
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => stopping ??= endAll(children, endBy).finally(folder.remove)
  try {
    for (const program of programs) {
      children.push(start(program, folder))
      for (const place of program.listens) await ready(name, program, place, children, began + timeoutMs)
    }
  } catch (error) {
    const said = logs().split('\n').slice(-15).join('\n')
    await stop()
    throw new Error(`${error instanceof Error ? error.message : String(error)}; the end of its log:\n${said}`, { cause: error })
  }
  return {
    name,
    pids: children.map(child => child.pid ?? 0),
    startedInMs: performance.now() - began,
    running: () => !children.some(hasEnded),
    logs,
    logged: async pattern => {
      const until = performance.now() + LOGGED_MS
      for (;;) {
        const line = logs().split('\n').find(each => pattern.test(each))
        if (line !== undefined) return line
        if (performance.now() > until) throw new Error(`${name} logged nothing like ${String(pattern)}; the end of its log:\n${logs().split('\n').slice(-15).join('\n')}`)
        await pause(POLL_MS)
      }
    },
    stop,
  }
}

function start ({ command, args, env = {}, namespace, ...program }: Program, folder: Folder): ChildProcess {
  const output = openSync(outputOf(folder, program), 'a', 0o600)
  try {
    return spawnTied(command, args, {
      cwd: folder.path,
      env: { HOME: folder.path, LC_ALL: 'C.UTF-8', ...env },
      stdio: ['ignore', output, output],
      ...(namespace === undefined ? {} : { namespace }),
    })
  } finally {
    closeSync(output)
  }
}

async function ready (name: string, { namespace }: Program, place: Place, children: readonly ChildProcess[], until: number): Promise<void> {
  // From here there is no way into another namespace; the kernel shows who listens there.
  const pid = children.at(-1)?.pid ?? 0
  while (!(namespace === undefined ? await accepts(place) : listensIn(pid, place))) {
    const ended = children.find(child => child.pid === undefined || hasEnded(child))
    if (ended !== undefined) throw new Error(`${name} ended at its start (${ended.signalCode ?? ended.exitCode ?? 'not found: is its package installed?'})`)
    if (performance.now() > until) throw new Error(`${name} does not listen on ${place.address}:${place.port}`)
    await pause(POLL_MS)
  }
}

async function endAll (children: readonly ChildProcess[], signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const ends = children.filter(child => child.pid !== undefined && !hasEnded(child)).map(child => new Promise(resolve => child.once('exit', resolve)))
  for (const child of children) killGroup(child, signal)
  const patience = new AbortController()
  await Promise.race([Promise.all(ends), pause(TERM_MS, undefined, { signal: patience.signal }).catch(() => undefined)])
  patience.abort()
  // The programs' own children too, and whatever did not listen to TERM.
  for (const child of children) killGroup(child, 'SIGKILL')
  await Promise.all(ends)
}

function hasEnded (child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function outputOf (folder: Folder, program: { name: string }): string {
  return join(folder.path, `${program.name}.out`)
}

function readIfThere (file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
