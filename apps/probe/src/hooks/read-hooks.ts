/**
 * The hooks file, read once at the start: what is in it is run with the rights of the agent, so that only root or the agent's own user may be able to
 * write it. Throws OperatorError for whatever is wrong with it.
 */
import { constants } from 'node:fs'
import { access, open, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import type { HookCommand, HookName, HooksFile } from '@dialtone/contracts'
import { HOOKS, HooksFile as HooksFileSchema, firstProblem } from '@dialtone/contracts/schemas'
import { OperatorError, quoted } from '@dialtone/kernel'
import { accountOf, type Account } from './account.ts'

/** A command that can be run, with the account where it is not the agent's own. */
export type Allowed = { readonly argv: readonly [string, ...string[]], readonly timeoutMs: number, readonly account?: Account }
export type AllowedHooks = ReadonlyMap<string, ReadonlyMap<HookName, Allowed>>

const MOST_BYTES = 65_536
const TIMEOUT_SECONDS = 60
const OTHERS_MAY_WRITE = 0o022
const STICKY = 0o1000

export async function readHooks (file: string): Promise<AllowedHooks> {
  const { servers } = parsed(file, await text(file))
  const all = new Map<string, Map<HookName, Allowed>>()
  for (const [server, hooks] of Object.entries(servers)) {
    const allowed = new Map<HookName, Allowed>()
    for (const hook of HOOKS) {
      const command = hooks[hook]
      if (command !== undefined) allowed.set(hook, await runnable(command, `${quoted(file)}: servers.${server}.${hook}`))
    }
    all.set(server, allowed)
  }
  return all
}

async function text (file: string): Promise<string> {
  try {
    const real = await realpath(file)
    const folder = await stat(dirname(real))
    if (!isOurs(folder.uid) || ((folder.mode & OTHERS_MAY_WRITE) !== 0 && (folder.mode & STICKY) === 0)) throw refused(file, 'others may replace it: its folder must belong to root or to the user of the agent, and be writable by nobody else')
    const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const { uid, mode, size } = await handle.stat()
      if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused(file, 'is no file')
      if (!isOurs(uid)) throw refused(file, `belongs to user ${uid}: make it root's or the agent's own with chown`)
      if ((mode & OTHERS_MAY_WRITE) !== 0) throw refused(file, 'can be written by others: chmod go-w')
      if (size > MOST_BYTES) throw refused(file, `is larger than ${MOST_BYTES} bytes`)
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw refused(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parsed (file: string, content: string): HooksFile {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    throw refused(file, `is no JSON: ${quoted(String(error))}`)
  }
  const problem = firstProblem(HooksFileSchema, value)
  if (problem !== undefined) throw refused(file, `does not have its shape: ${quoted(problem)}; see deploy/probe/hooks.example.json`)
  return value as HooksFile
}

async function runnable ({ argv, timeoutSeconds = TIMEOUT_SECONDS, user }: HookCommand, where: string): Promise<Allowed> {
  const [program, ...args] = argv
  if (program === undefined || !isAbsolute(program)) throw new OperatorError('bad-hooks-file', `${where}: '${quoted(program ?? '')}' is no absolute path: write where the program is`)
  await access(program, constants.X_OK).catch(() => { throw new OperatorError('bad-hooks-file', `${where}: ${quoted(program)} is no program that the agent may run`) })
  const account = user === undefined ? undefined : await accountOf(user, where)
  return { argv: [program, ...args], timeoutMs: timeoutSeconds * 1000, ...(account === undefined ? {} : { account }) }
}

function isOurs (uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}

function refused (file: string, why: string): OperatorError {
  return new OperatorError('bad-hooks-file', `The hooks file ${quoted(file)} ${why}.`)
}
