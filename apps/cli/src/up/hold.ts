/**
 * One process holds a state directory. The lock is a file with the number and the start time of the process, so that one that was killed leaves nothing that
 * has to be removed by hand, and a number that the system gave to another process means nothing.
 */
import { constants } from 'node:fs'
import { access, chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OperatorError } from '@dialtone/kernel'
import { shown } from '../files.ts'
import { isAlive, runningIn, type Running } from '../state-dir.ts'

export type Held = {
  readonly dir: string
  /** Tells commands on this machine where the API answers. */
  announce: (running: Running) => Promise<void>
  /** Keeps the token for them. */
  keepToken: (token: string) => Promise<void>
  /** Leaves it; what is remembered stays. */
  release: () => Promise<void>
}

const TRIES = 3

/** Rejects with an OperatorError `state-unwritable` or `state-locked` that says what to do. */
export async function hold (dir: string): Promise<Held> {
  try {
    await makeDir(dir)
    await access(dir, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new OperatorError('state-unwritable', `the state directory ${shown(dir)} cannot be used (${codeOf(error)}): name one that this user may write by --state DIR`)
  }
  const lock = join(dir, 'lock')
  const mine = `${process.pid} ${await startOf(process.pid)}\n`
  for (let left = TRIES; ; left--) {
    try {
      await writeFile(lock, mine, { flag: 'wx', mode: 0o600 })
      break
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw new OperatorError('state-unwritable', `the state directory ${shown(dir)} cannot be written to (${codeOf(error)}): name another by --state DIR`)
    }
    const [pid = 0, start = ''] = (await readFile(lock, 'utf8').catch(() => '')).trim().split(' ').map((part, at) => at === 0 ? Number(part) : part) as [number?, string?]
    if (left === 0 || (pid > 0 && isAlive(pid) && start === await startOf(pid))) {
      const url = runningIn(dir)?.url
      throw new OperatorError('state-locked', `another 'dialtone up' (process ${pid}) uses ${shown(dir)}${url === undefined ? '' : ` and answers at ${url}`}: stop it with 'kill ${pid}', or keep another state by --state DIR`)
    }
    // Of one that was killed.
    await rm(lock, { force: true })
  }
  await ownAlone(dir)
  const put = (name: string, text: string) => writeFile(join(dir, name), text, { mode: 0o600 })
  return {
    dir,
    announce: running => put('server.json', JSON.stringify(running) + '\n'),
    keepToken: token => put('token', `${token}\n`),
    release: async () => {
      await rm(join(dir, 'server.json'), { force: true })
      if (await readFile(lock, 'utf8').catch(() => '') === mine) await rm(lock, { force: true })
    },
  }
}

/** Files of an earlier release may be readable for others. */
async function ownAlone (dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
    if (entry.isFile()) await chmod(join(dir, entry.name), 0o600).catch(() => undefined)
  }
}

/** As `recursive` does, but for file systems that answer ENOENT whatever is there, where that tries for ever. */
async function makeDir (dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 })
  } catch (error) {
    const isThere = codeOf(error) === 'EEXIST' && (await stat(dir)).isDirectory()
    if (isThere) return
    if (codeOf(error) !== 'ENOENT' || (await stat(dirname(dir)).catch(() => undefined)) !== undefined) throw error
    await makeDir(dirname(dir))
    await mkdir(dir, { mode: 0o700 })
  }
}

/** When a process began, in ticks since the machine did (proc(5), field 22); empty where that is not known. */
async function startOf (pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the name in brackets, which may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
