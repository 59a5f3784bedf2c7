/**
 * A state directory of one process. The lock in it is a file with the number and the start time of the process, so that one that was killed leaves nothing that has to be
 * removed by hand, and a number that the system gave to another process means nothing.
 */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OperatorError, quoted } from '@dialtone/kernel'

const TRIES = 3
const MOST_DEEP = 64

/**
 * Makes the directory where it is missing (mode 0700) and takes it for this process. Resolves to what gives it back.
 * Rejects with an OperatorError: `state-directory` where it cannot be made or written to, `state-locked` where a process that lives has it. `who`: begins both sentences' advice, as 'the gateway'.
 */
export async function holdDirectory (directory: string, who: string): Promise<() => Promise<void>> {
  const unusable = (what: string, error: unknown) => new OperatorError('state-directory', `the state directory ${quoted(directory, 200)} cannot be ${what} (${codeOf(error)}): name another, or let ${who} write there`)
  await makeDirectory(directory).catch((error: unknown) => { throw unusable('made', error) })
  const lock = join(directory, 'lock')
  const mine = `${process.pid} ${await startOf(process.pid)}\n`
  for (let left = TRIES; ; left--) {
    try {
      await writeFile(lock, mine, { flag: 'wx', mode: 0o600 })
      return async () => { if (await textOf(lock) === mine) await rm(lock, { force: true }) }
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw unusable('written to', error)
    }
    const [number = '', start = ''] = (await textOf(lock)).trim().split(' ')
    const pid = Number(number)
    if (left === 0 || (pid > 0 && start === await startOf(pid))) throw new OperatorError('state-locked', `process ${quoted(number, 20)} uses the state directory ${quoted(directory, 200)}: stop it, or give ${who} a directory of its own`)
    // Of one that was killed.
    await rm(lock, { force: true })
  }
}

/** As `recursive` does, but for file systems that answer ENOENT whatever is there, as /proc does: there, Node tries for ever. */
async function makeDirectory (directory: string, deep = 0): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(directory)).isDirectory()) return
    if (codeOf(error) !== 'ENOENT' || deep === MOST_DEEP || await stat(dirname(directory)).then(() => true, () => false)) throw error
    await makeDirectory(dirname(directory), deep + 1)
    await mkdir(directory, { mode: 0o700 })
  }
}

/** When a process began, in ticks since the machine did (proc(5), field 22); undefined where there is none. */
async function startOf (pid: number): Promise<string | undefined> {
  const text = await textOf(`/proc/${pid}/stat`)
  // The second field is the name in brackets, which may hold anything.
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

async function textOf (file: string): Promise<string> {
  return await readFile(file, 'utf8').catch(() => '')
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
