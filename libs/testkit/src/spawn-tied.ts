// A child that cannot outlive us: in a process group of its own, killed with it when we end, and told by the kernel to die with us
// (setpriv --pdeathsig) when we are killed. Its environment is what it is given and nothing else.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'

export type TiedOptions = {
  /** The network namespace that it runs in. Default ours. */
  namespace?: string
  cwd?: string
  /** Beside PATH. */
  env?: Record<string, string>
  stdio?: StdioOptions
}

const living = new Set<ChildProcess>()

/** Starts it. Like `spawn`, says with an 'error' event, and has no pid, if that fails. */
export function spawnTied (command: string, args: readonly string[], { namespace, cwd, env = {}, stdio = 'pipe' }: TiedOptions = {}): ChildProcess {
  if (living.size === 0) process.once('exit', killAll)
  // `ip netns exec` replaces itself by the command, so the process stays the same one.
  const entering = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '--', ...entering, command, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
    stdio,
    detached: true,
  })
  living.add(child)
  child.once('exit', () => {
    living.delete(child)
    if (living.size === 0) process.off('exit', killAll)
  })
  child.once('error', () => living.delete(child)) // told by whoever waits for it
  return child
}

/** The child and its own children. */
export function killGroup (child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch { /* nothing of the group is left */ }
}

function killAll (): void {
  for (const child of living) killGroup(child, 'SIGKILL')
}
