// Who a hook runs as: an account of this host, by whatever the host looks accounts up in.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { OperatorError } from '@dialtone/kernel'

export type Account = { readonly uid: number, readonly gid: number, readonly home: string }

/** Nothing when it is the account of the agent itself. Throws OperatorError for one that does not exist, and where the agent may not become it. */
export async function accountOf (user: string, where: string): Promise<Account | undefined> {
  const line = await promisify(execFile)('/usr/bin/getent', ['passwd', '--', user], { env: {}, timeout: 10_000 }).then(({ stdout }) => stdout.trim(), () => '')
  const [, , uid, gid, , home = '/'] = line.split(':')
  if (uid === undefined || gid === undefined) throw new OperatorError('bad-hooks-file', `${where}: this host has no user '${user}'`)
  const own = process.geteuid?.()
  if (Number(uid) === own) return undefined
  if (own !== 0) throw new OperatorError('bad-hooks-file', `${where}: only an agent that is root can run it as '${user}': leave 'user' out, or use sudo -n in 'argv'`)
  return { uid: Number(uid), gid: Number(gid), home }
}
