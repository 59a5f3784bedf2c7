// Bringing the lab up and down: a process in the background holds it.
import { OperatorError } from '@dialtone/kernel'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { FILES, type LabStatus } from '../holder/protocol.ts'
import { request } from '../holder/request.ts'
import { typed } from '../typed.ts'
import { checkMachine } from './machine.ts'
import type { Options } from './options.ts'
import { print, statusText } from './text.ts'

const HOLDER = join(import.meta.dirname, '..', 'holder', 'main.ts')
const UP_MS = 180_000
const STATUS_MS = 30_000
const INTERRUPTED = 130
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
  process.once('SIGINT', () => {
    process.stderr.write(`lab: it goes on coming up in the background. To see it: ${typed('status', options.directory)}; to end it: ${typed('down', options.directory)}\n`)
    process.exit(INTERRUPTED)
  })
  const status = await awaitUp(options, () => existsSync(log) ? readFileSync(log).subarray(read).toString() : '')
  if ((status.fleets !== 'none') !== options.withFleets) throw new OperatorError('otherwise', `the lab is up already, with${options.withFleets ? 'out' : ''} fleets. To have it otherwise, bring it down first: ${typed('down', options.directory)}`)
  print(options, status, `${there === undefined ? `the lab is up after ${((status.startedInMs ?? 0) / 1000).toFixed(1)} s` : `the lab is up already, since ${status.since}`}\n\n${statusText(status, options.directory)}`)
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
    if (!isOneOf(error, 'not-up', 'cut')) throw error
  })
  for (let left = UP_MS; alive(status.pid); left -= POLL_MS) {
    if (left <= 0) throw new OperatorError('stuck', `the holder of the lab (process ${status.pid}) does not end; kill -9 ${status.pid} removes all of it, too`)
    await pause(POLL_MS)
  }
  clear(options)
  print(options, { changed: true }, 'the lab is down')
  return 0
}

/** Undefined where no lab is up. One that ends before it has answered is looked at again. */
export async function statusOf (options: Pick<Options, 'socket'>): Promise<LabStatus | undefined> {
  try {
    return await request<LabStatus>(options.socket, 'GET', '/status', STATUS_MS)
  } catch (error) {
    if (isOneOf(error, 'not-up')) return undefined
    if (!isOneOf(error, 'cut')) throw error
  }
  await pause(POLL_MS)
  return await statusOf(options)
}

/** Makes the directory its own. One with other things in it is left alone. */
function claim ({ directory }: Options): void {
  try {
    make(directory)
    const there = readdirSync(directory)
    if (there.length > 0 && !there.includes(FILES.mark)) throw new OperatorError('usage', `${directory} holds other things (${there[0]}); a lab wants a directory of its own`)
    writeFileSync(join(directory, FILES.mark), 'What is here belongs to the lab of Dialtone, and goes with it.\n')
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw new OperatorError('usage', `${directory} cannot be the lab's directory (${error instanceof Error ? error.message : String(error)}); choose another one with --state DIR`)
  }
}

/** What `recursive` does, which tries for ever below /proc. */
function make (directory: string): void {
  if (existsSync(directory)) return
  make(dirname(directory))
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (!existsSync(directory)) throw error // else another `up` was faster
  }
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
    if (status === undefined) {
      const said = logged()
      const failed = / it cannot be brought up|Error: /.test(said)
      if (seen && !failed && (said === '' || said.includes(' stopped\n'))) throw new OperatorError('failed', `the lab was brought down meanwhile. To bring it up: ${typed('up', options.directory)}`)
      if (seen || failed) throw new OperatorError('failed', `the lab did not come up; the end of ${join(options.directory, FILES.log)}:\n${said.split('\n').slice(-15).join('\n')}`)
    }
    seen ||= status !== undefined
    await pause(POLL_MS)
  }
  throw new OperatorError('failed', `the lab did not come up within ${UP_MS / 1000} s; see ${join(options.directory, FILES.log)}`)
}

/** What a lab leaves in a directory of its own, and that, if nothing else is in it. */
function clear ({ directory, socket }: Options): void {
  if (!existsSync(join(directory, FILES.mark))) return
  for (const file of [FILES.log, FILES.pid, FILES.mark, ...(lstatSync(socket, { throwIfNoEntry: false })?.isSocket() === true ? [FILES.socket] : [])]) rmSync(join(directory, file), { force: true })
  try {
    rmdirSync(directory)
  } catch { /* something else is in it */ }
}

function isOneOf (error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof OperatorError && codes.includes(error.code)
}

function alive (pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
