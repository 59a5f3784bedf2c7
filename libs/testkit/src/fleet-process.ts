// One process of a fleet on a host of its own: control, an agent, a gateway. It can be killed, ended as an operator ends it, and started again with the same files.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { NetworkHost } from './network.ts'

export type FleetProcess = {
  name: string
  pid: () => number
  /** Whether it has ended without being told to by `kill` or `end`. */
  died: () => boolean
  /** SIGKILL; resolves when it is gone. */
  kill: () => Promise<void>
  /** As an operator ends it. */
  end: () => Promise<{ code: number | null }>
  /** Starts it again with the same files. */
  start: () => Promise<void>
  /** All that it has said, as far as it is kept: the last megabyte. */
  logs: () => string
}

export type FleetProcessOptions = {
  host: Pick<NetworkHost, 'spawn'>
  name: string
  /** The program that Node runs, with its arguments. */
  main: string
  args: readonly string[]
  /** Where it runs, and its HOME. */
  folder: string
  /** Of Node itself. */
  flags?: readonly string[]
}

const READY_MS = 40_000
const END_MS = 20_000
const LOGS_KEPT = 1_048_576

/** Not started yet. */
export function fleetProcess ({ host, name, main, args, folder, flags = [] }: FleetProcessOptions): FleetProcess {
  let child: ChildProcess | undefined
  let said = ''
  const hear = (text: string): void => { said = (said + text).slice(-LOGS_KEPT) }
  const over = async (signal: NodeJS.Signals): Promise<{ code: number | null }> => {
    const ending = child
    child = undefined
    if (ending === undefined) return { code: null }
    if (hasEnded(ending)) return { code: ending.exitCode }
    const gone = once(ending, 'exit') as Promise<[number | null]>
    ending.kill(signal)
    const late = setTimeout(() => ending.kill('SIGKILL'), END_MS)
    const [code] = await gone
    clearTimeout(late)
    return { code }
  }
  return {
    name,
    pid: () => child?.pid ?? 0,
    died: () => child !== undefined && hasEnded(child),
    kill: async () => { await over('SIGKILL') },
    end: async () => await over('SIGTERM'),
    start: async () => {
      child = host.spawn(process.execPath, [...flags, main, ...args], { cwd: folder, env: { HOME: folder, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout?.setEncoding('utf8').on('data', hear)
      child.stderr?.setEncoding('utf8').on('data', hear)
      await Promise.race([once(child, 'spawn'), once(child, 'error').then(([error]) => { throw error as Error })])
    },
    logs: () => said,
  }
}

function hasEnded ({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** Resolves when the URL answers well; throws with the end of the log where it does not in time. */
export async function untilReady (url: string, process: Pick<FleetProcess, 'name' | 'logs'>): Promise<void> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const answer = await fetch(url).then(async response => ({ ok: response.ok, text: await response.text() }), (error: unknown) => ({ ok: false, text: String(error) }))
    if (answer.ok) return
    if (Date.now() > deadline) throw new Error(`${process.name} did not become ready (${answer.text}); it said:\n${process.logs().slice(-4000)}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
