// How every launcher gets from the system's Node (18 or later, nothing installed) to the pinned Node 24: install the npm packages if the lock
// asks for it, then run the wanted TypeScript file there, with our signals passed on and its exit code passed back. Plain JavaScript, Node's
// own modules only; what installs is loaded only when something has to be installed.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
/** Holds the digest of the lock that node_modules was made from, and WITHOUT_DEV after it where what only tests need was left out. */
export const STAMP = join(ROOT, 'node_modules', '.dialtone-lock')
export const WITHOUT_DEV = ' without-dev'
/** The oldest Node that runs our TypeScript; used where no pinned build exists. */
const OLDEST = 24

/** Installs what is missing, then runs `file` (relative to the checkout) on the pinned Node, started with `flags`, and ends this process as that one ended. */
export async function enter (file, args, flags = []) {
  try {
    await prepare({ dev: false })
    await become(runtime(), [...flags, join(ROOT, file), ...args])
  } catch (error) {
    stop(error)
  }
}

/** Makes node_modules agree with the lock. Costs one digest when it does already. `dev`: with what only tests need; without, an `npm ci --omit=dev` is enough. */
export async function prepare ({ dev }) {
  const digest = lockDigest()
  const stamp = readStamp()
  if (stamp === digest || (!dev && stamp === digest + WITHOUT_DEV)) return
  const { install } = await import('./install.mjs')
  await install(digest, { dev })
}

/** The digest that the stamp is compared with. */
export function lockDigest () {
  return createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex')
}

/** The Node that everything but the launchers runs on. */
export function runtime () {
  const pinned = join(ROOT, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(pinned)) return pinned
  if (Number(process.versions.node.split('.')[0]) >= OLDEST) return process.execPath
  throw new StartError(`Node ${OLDEST} comes with the packages for linux-x64 and linux-arm64 only, and this is Node ${process.versions.node} on ` +
    `${process.platform}-${process.arch}: run the same command with a Node ${OLDEST} of your own`)
}

/** The environment of children: our tools first on the PATH, compiled code kept between runs. */
export function environment (extra = {}) {
  return {
    ...process.env,
    PATH: `${dirname(runtime())}:${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(ROOT, '.cache', 'compile'),
    ...extra,
  }
}

/** What the user has to mend before anything can start: one sentence. */
export class StartError extends Error {}

/** Prints a StartError as one line and any other error whole; exit code 1. */
export function stop (error) {
  console.error(error instanceof StartError ? `dialtone: ${error.message}` : error)
  process.exitCode = 1
}

function readStamp () {
  try {
    return readFileSync(STAMP, 'utf8').trim()
  } catch {
    return undefined
  }
}

function become (node, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { stdio: 'inherit', env: environment() })
    const pass = signal => {
      // A terminal gives Ctrl-C to the whole foreground group: the child has it already.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    const passed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
    for (const name of passed) process.on(name, pass)
    child.once('error', error => reject(new StartError(`${node} does not start here (${error.code ?? error.message}): run the same command with a Node ${OLDEST} of your own`)))
    child.once('exit', (code, signal) => {
      for (const name of passed) process.off(name, pass)
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
      if (signal !== null) process.kill(process.pid, signal)
      resolve()
    })
  })
}
