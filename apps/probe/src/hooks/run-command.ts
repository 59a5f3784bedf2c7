/**
 * One allowed command, run to its end: no shell, nothing of ours in its environment, output bounded and made safe to show, ended with all of its
 * children when it takes too long. What it leaves running when it ends by itself (a server that it started) is left alone.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { quoted } from '@dialtone/kernel'
import type { Allowed } from './read-hooks.ts'

export type Ran = { exitCode: number | null, output: string, ms: number, truncated: boolean }

/** Characters that are told of what it wrote, its beginning; bytes that are kept for that. */
const MOST_OUTPUT = 20_000
const MOST_KEPT = 80_000
/** From SIGTERM to SIGKILL, and how long output may come after the end. */
const TERM_MS = 2000
const DRAIN_MS = 300

/** Resolves when it has ended; rejects when it cannot be started. `exitCode` is null when a signal ended it. */
export async function runCommand ({ argv: [program, ...args], timeoutMs, account }: Allowed): Promise<Ran & { timedOut: boolean }> {
  const began = performance.now()
  const child = spawn(program, args, {
    cwd: '/', detached: true, shell: false, stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: account?.home ?? '/' },
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  })
  const kept = keep(child.stdout, child.stderr)
  let timedOut = false
  let killer: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    timedOut = true
    killGroup(child, 'SIGTERM')
    killer = setTimeout(() => killGroup(child, 'SIGKILL'), TERM_MS)
  }, timeoutMs)
  try {
    const exitCode = await ended(child)
    const ms = performance.now() - began
    // What did not listen to SIGTERM goes with it; a server that was started by a hook in time stays.
    if (timedOut) killGroup(child, 'SIGKILL')
    return { exitCode, ms, timedOut, ...kept() }
  } finally {
    clearTimeout(timer)
    clearTimeout(killer)
  }
}

/** After the end of the process its output is waited for a little: a server that it started may hold the pipe for ever, and is read on, for it would die of a broken one. */
async function ended (child: ChildProcess): Promise<number | null> {
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
  const exitCode = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  let timer: NodeJS.Timeout | undefined
  await Promise.race([closed, new Promise<void>(resolve => { timer = setTimeout(resolve, DRAIN_MS) })])
  clearTimeout(timer)
  for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref()
  return exitCode
}

function keep (...streams: Readable[]): () => { output: string, truncated: boolean } {
  const pieces: Buffer[] = []
  let size = 0
  let more = false
  for (const stream of streams) {
    stream.on('data', (bytes: Buffer) => {
      more ||= size + bytes.length > MOST_KEPT
      if (size < MOST_KEPT) pieces.push(bytes.subarray(0, MOST_KEPT - size))
      size = Math.min(MOST_KEPT, size + bytes.length)
    }).on('error', () => undefined)
  }
  return () => {
    const output = Buffer.concat(pieces).toString('utf8').split('\n').map(line => quoted(line, MOST_OUTPUT)).join('\n')
    return { output: output.slice(0, MOST_OUTPUT).toWellFormed(), truncated: more || output.length > MOST_OUTPUT }
  }
}

function killGroup (child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch { /* nothing of the group is left */ }
}
