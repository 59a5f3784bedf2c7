// Bringing the lab up and down: a process in the background holds it.
import { OperatorError } from '@dialtone/kernel'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { FILES, type LabStatus } from '../holder/protocol.ts'
import { request } from '../holder/request.ts'
import { checkMachine } from './machine.ts'
import type { Options } from './options.ts'
import { print, statusText } from './text.ts'

const HOLDER = join(import.meta.dirname, '..', 'holder', 'main.ts')
const UP_MS = 180_000
const POLL_MS = 100

/** Up when it returns; says so where it was up before. */
export async function up (options: Options): Promise<number> {
  const there = await statusOf(options)
  const log = join(options.directory, FILES.log)
  const read = existsSync(log) ? statSync(log).size : 0
  if (there === undefined) {
    checkMachine(options)
    claim(options)
    startHolder(options)
  }
  const status = await awaitUp(options, () => existsSync(log) ? readFileSync(log).subarray(read).toString() : '')
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

/** Undefined where no lab is up. */
export async function statusOf ({ socket }: Pick<Options, 'socket'>): Promise<LabStatus | undefined> {
  return await request<LabStatus>(socket, 'GET', '/status').catch((error: unknown) => {
    if (error instanceof OperatorError && error.code === 'not-up') return undefined
    throw error
  })
}

/** Makes the directory its own. One with other things in it is left alone. */
function claim ({ directory }: Options): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const there = readdirSync(directory)
  if (there.length > 0 && !there.includes(FILES.mark)) throw new OperatorError('usage', `${directory} holds other things (${there[0]}); a lab wants a directory of its own`)
  writeFileSync(join(directory, FILES.mark), 'What is here belongs to the lab of Dialtone, and goes with it.\n')
}

function startHolder ({ directory, withFleets }: Options): void {
  const log = openSync(join(directory, FILES.log), 'a', 0o600)
  spawn(process.execPath, [HOLDER, directory, ...(withFleets ? [] : ['--no-fleet'])], { cwd: '/', stdio: ['ignore', log, log], detached: true }).unref()
  closeSync(log)
}

/** Two that bring it up at once wait for the same. `logged`: what its log says since. */
async function awaitUp (options: Options, logged: () => string): Promise<LabStatus> {
  let seen = false
  for (let left = UP_MS; left > 0; left -= POLL_MS) {
    const status = await statusOf(options)
    if (status?.state === 'up') return status
    if (status === undefined && (seen || / it cannot be brought up|Error: /.test(logged()))) throw new OperatorError('failed', `the lab did not come up; the end of ${join(options.directory, FILES.log)}:\n${logged().split('\n').slice(-15).join('\n')}`)
    seen ||= status !== undefined
    await pause(POLL_MS)
  }
  throw new OperatorError('failed', `the lab did not come up within ${UP_MS / 1000} s; see ${join(options.directory, FILES.log)}`)
}

/** What a lab leaves in a directory of its own, and that, if nothing else is in it. */
function clear ({ directory, socket }: Options): void {
  if (!existsSync(join(directory, FILES.mark))) return
  for (const file of [FILES.log, FILES.mark, ...(lstatSync(socket, { throwIfNoEntry: false })?.isSocket() === true ? [FILES.socket] : [])]) rmSync(join(directory, file), { force: true })
  try {
    rmdirSync(directory)
  } catch { /* something else is in it */ }
}

function alive (pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
