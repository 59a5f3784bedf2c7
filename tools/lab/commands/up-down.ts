// Bringing the lab up and down: a process in the background holds it.
import { OperatorError } from '@dialtone/kernel'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { FILES, type LabStatus } from '../holder/protocol.ts'
import { request } from '../holder/request.ts'
import type { Options } from './options.ts'
import { print, statusText } from './text.ts'

const HOLDER = join(import.meta.dirname, '..', 'holder', 'main.ts')
const UP_MS = 180_000
const POLL_MS = 100
/** What is run inside, with the package that has it. */
const PROGRAMS = {
  '/usr/sbin/nft': 'nftables', '/usr/sbin/tc': 'iproute2', '/usr/bin/ss': 'iproute2', '/usr/bin/setpriv': 'util-linux', '/usr/bin/prosody': 'prosody', '/usr/bin/erl': 'ejabberd', '/usr/sbin/knotd': 'knot', '/usr/sbin/unbound': 'unbound',
} as const

/** Up when it returns; says so where it was up before. */
export async function up (options: Options): Promise<number> {
  const there = await statusOf(options)
  if (there === undefined) {
    checkMachine()
    startHolder(options)
  }
  const status = await awaitUp(options)
  print(options, status, there === undefined ? `the lab is up after ${((status.startedInMs ?? 0) / 1000).toFixed(1)} s\n\n${statusText(status)}` : `the lab is up already, since ${status.since}\n\n${statusText(status)}`)
  return 0
}

/** Down when it returns; nothing of it is left. */
export async function down (options: Options): Promise<number> {
  const status = await statusOf(options)
  if (status === undefined) {
    clear(options)
    print(options, { changed: false }, 'the lab is not up')
    return 0
  }
  await request(options.socket, 'POST', '/stop').catch((error: unknown) => {
    if (!(error instanceof OperatorError && error.code === 'not-up')) throw error
  })
  for (let left = UP_MS; alive(status.pid); left -= POLL_MS) {
    if (left <= 0) throw new OperatorError('stuck', `the holder of the lab (process ${status.pid}) does not end; kill -9 ${status.pid} removes all of it, too`)
    await pause(POLL_MS)
  }
  clear(options)
  print(options, { changed: true }, 'the lab is down')
  return 0
}

export async function statusOf ({ socket }: Pick<Options, 'socket'>): Promise<LabStatus | undefined> {
  return await request<LabStatus>(socket, 'GET', '/status').catch((error: unknown) => {
    if (error instanceof OperatorError && error.code === 'not-up') return undefined
    throw error
  })
}

function startHolder ({ directory, withFleets }: Options): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const log = openSync(join(directory, FILES.log), 'a', 0o600)
  spawn(process.execPath, [HOLDER, directory, ...(withFleets ? [] : ['--no-fleet'])], { cwd: '/', stdio: ['ignore', log, log], detached: true }).unref()
  closeSync(log)
}

/** Two that bring it up at once wait for the same. */
async function awaitUp (options: Options): Promise<LabStatus> {
  const log = join(options.directory, FILES.log)
  let seen = false
  for (let left = UP_MS; left > 0; left -= POLL_MS) {
    const status = await statusOf(options)
    if (status?.state === 'up') return status
    if (status === undefined && (seen || / it cannot be brought up|Error: /.test(lastOf(log)))) throw new OperatorError('failed', `the lab did not come up; the end of ${log}:\n${lastOf(log)}`)
    seen ||= status !== undefined
    await pause(POLL_MS)
  }
  throw new OperatorError('failed', `the lab did not come up within ${UP_MS / 1000} s; see ${log}`)
}

function lastOf (file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-15).join('\n') : ''
}

function checkMachine (): void {
  if (process.platform !== 'linux') throw new OperatorError('machine', 'the lab needs Linux: it is made of network namespaces')
  if (process.getuid?.() !== 0) throw new OperatorError('machine', 'the lab needs root: it makes network namespaces. Run the same with sudo')
  const missing = Object.entries(PROGRAMS).filter(([program]) => !existsSync(program))
  if (missing.length > 0) throw new OperatorError('machine', `missing: ${missing.map(([program]) => program).join(', ')}. Run: apt-get install --no-install-recommends ${[...new Set(missing.map(([, name]) => name))].join(' ')}`)
}

/** What a lab leaves in its state directory, and that, if nothing else is in it. */
function clear ({ directory }: Options): void {
  for (const file of Object.values(FILES)) rmSync(join(directory, file), { force: true })
  try {
    rmdirSync(directory)
  } catch { /* something else is in it, or it was never there */ }
}

function alive (pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
